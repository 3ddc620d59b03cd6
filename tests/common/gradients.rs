//! Gradients in the layout of weights.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn_ndarray::NdArray;
use lenet::model::{LeNet, Weights};

/// The gradient of every weight: a network whose parameters they are is read back.
pub fn host(gradients: GradientsParams) -> Weights {
    let network = LeNet::<NdArray>::from_weights(&Weights::zeros(), &Default::default());
    // Parameters of equal place have equal ids in every network of this program.
    network.map(&mut Fill(gradients)).to_weights()
}

struct Fill(GradientsParams);

impl ModuleMapper<NdArray> for Fill {
    fn map_float<const D: usize>(
        &mut self,
        param: Param<Tensor<NdArray, D>>,
    ) -> Param<Tensor<NdArray, D>> {
        let gradient = self
            .0
            .remove(param.id)
            .expect("every parameter has a gradient");
        param.map(|_| gradient)
    }
}

/// The largest absolute value.
pub fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The largest absolute difference.
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .fold(0.0, |largest, (a, b)| largest.max((a - b).abs()))
}
