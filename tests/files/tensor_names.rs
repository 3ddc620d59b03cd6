//! The names and shapes of tensors, in safetensors files of zeros: tensors are matched, or named in the error.

use lenet::format;
use lenet::model::{TENSORS, TensorSpec, Weights};
use serde_json::json;

/// The names and shapes of tensors.
type Tensors = Vec<(String, Vec<usize>)>;

/// Returns LeNet's shapes with names that depend on the index and LeNet's name.
fn tensors(name: impl Fn(usize, &str) -> String) -> Tensors {
    let tensor =
        |(index, spec): (usize, &TensorSpec)| (name(index, spec.name), spec.shape.to_vec());
    TENSORS.iter().enumerate().map(tensor).collect()
}

/// Reads a safetensors file with these tensors, and returns the notes or the error.
fn read_zeros(tensors: &[(String, Vec<usize>)]) -> Result<Vec<String>, String> {
    let (mut entries, mut end) = (Vec::new(), 0);
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        entries.push(format!("{name:?}:{entry}"));
    }
    let header = format!("{{{}}}", entries.join(","));
    let length = header.len() as u64;
    let file = [&length.to_le_bytes()[..], header.as_bytes(), &vec![0; end]].concat();
    let file = format::safetensors::decode(&file).map_err(|fault| fault.to_string())?;
    assert_eq!(file.weights, Weights::zeros());
    Ok(file.notes)
}

#[test]
fn shared_prefixes_are_dropped() {
    let prefixed = |prefix: &str| tensors(|_, name| format!("{prefix}{name}"));
    for prefix in ["module.", "_orig_mod.", "model.", "net.", "_orig_mod.module.", "größe."] {
        let notes = read_zeros(&prefixed(prefix)).unwrap();
        assert_eq!(notes, [format!("dropped the prefix {prefix:?} of the tensor names")]);
    }
    // The shapes still identify the tensors.
    let mut mixed = prefixed("module.");
    mixed[3].0 = "conv2.bias".to_owned();
    assert!(read_zeros(&mixed).unwrap()[0].starts_with("matched the tensors by their shapes"));
    // The name of a tensor contradicts its shape.
    mixed[3].0 = "conv1.bias".to_owned();
    let error = read_zeros(&mixed).unwrap_err();
    assert!(error.starts_with("conv1.bias has the shape of conv2.bias, and"), "{error}");
}

#[test]
fn transposed_dense_weights_are_read() {
    let names: [fn(usize, &str) -> String; 2] =
        [|_, name| name.to_owned(), |index, _| format!("features.{index}")];
    for name in names {
        let mut in_out = tensors(name);
        in_out[4..].iter_mut().for_each(|(_, shape)| shape.reverse());
        in_out.reverse();
        let notes = read_zeros(&in_out).unwrap();
        assert_eq!(notes.last().unwrap(), "the dense weights are stored as [in, out]");
    }
    let mut mixed = tensors(names[0]);
    mixed[6].1.reverse();
    let error = read_zeros(&mixed).unwrap_err();
    assert_eq!(error, "fc2.weight: expected shape [84, 120], found [120, 84]");
}

#[test]
fn unusable_tensors_are_named() {
    let plain = || tensors(|_, name| name.to_owned());
    for (name, shape, expected) in [
        ("total_ops", vec![1], "\"total_ops\" is a single number"),
        ("num_batches_tracked", vec![], "\"num_batches_tracked\" is a single number"),
        ("conv3.weight", vec![5, 5, 1, 6], "\"conv3.weight\" has Keras' layout"),
        ("extra", vec![7], "\"extra\" is not a tensor of LeNet"),
    ] {
        let error = read_zeros(&[plain(), vec![(name.to_owned(), shape)]].concat()).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(read_zeros(&plain()[1..]).unwrap_err(), "conv1.weight is missing");
    // A network with normalisation has more tensors than counters.
    let normalised = ["n.weight", "n.running_mean"].map(|name| (name.to_owned(), vec![6]));
    let counter = vec![("n.num_batches_tracked".to_owned(), vec![])];
    let error = read_zeros(&[plain(), normalised.to_vec(), counter].concat()).unwrap_err();
    assert!(error.ends_with("is not a tensor of LeNet"), "{error}");
}
