//! Compares the outputs of `lenet.onnx` in tract with those of PyTorch for the same weights.

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;
    use tract_onnx::prelude::*;

    /// Generates the same images as `make_torch.py`.
    fn images(count: usize) -> Tensor {
        let pixel = |(n, _, row, column): (usize, usize, usize, usize)| {
            let (n, row, column) = (n as f32, row as f32, column as f32);
            let distance = (row - 8.0 - 3.0 * n).powi(2) + (column - 14.0).powi(2);
            (220.0 - (n + 1.0) * distance).max(0.0)
        };
        tract_ndarray::Array4::from_shape_fn((count, 1, 28, 28), pixel).into()
    }

    #[test]
    fn outputs_match_pytorch() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = std::fs::read_to_string(directory.join("lenet.json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let model = tract_onnx::onnx()
            .model_for_path(directory.join("lenet.onnx"))
            .unwrap()
            .into_optimized()
            .unwrap()
            .into_runnable()
            .unwrap();
        for count in [4, 1] {
            let found = model.run(tvec!(images(count).into())).unwrap();
            let names = ["formula_outputs", "formula_probabilities"];
            for (found, name) in found.iter().zip(names) {
                let found = found.to_plain_array_view::<f32>().unwrap();
                assert_eq!(found.shape(), [count, 10]);
                for ((n, class), value) in
                    found.into_dimensionality::<tract_ndarray::Ix2>().unwrap().indexed_iter()
                {
                    let expected = expected[name][n][class].as_f64().unwrap() as f32;
                    assert!(
                        (value - expected).abs() < 1e-5,
                        "{name} {n} {class}: {value} {expected}"
                    );
                }
            }
        }
    }
}
