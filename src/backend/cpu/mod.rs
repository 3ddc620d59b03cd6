//! The CPU backend: LeNet's training step in fused kernels on slices of `f32`, without Burn.
//!
//! Both phases of a step, forward/backward and update, are split among the threads of the current rayon pool. The tasks depend
//! on the minibatch alone, and sums over tasks have a fixed order, so results are bit-identical for any number of threads.
//! Instruction sets with and without fused multiply-add differ in the last bits.
//!
//! Names in the kernels: `x` is the input of a layer, `z` its pre-activations and `y` its activations; `d_z` is the gradient of
//! the loss with respect to `z`.

mod activation;
mod conv1;
mod conv1_backward;
mod conv2;
mod conv2_backward;
mod conv2_input_gradient;
mod dense;
mod forward_backward;
mod inference;
mod loss;
mod matrix_product;
mod max_pool;
mod micro_batch;
mod muon;
mod sgd;
mod simd;
mod slices;
mod spin_pool;
mod trainer;
mod update;

pub use inference::CpuInference;
pub use simd::{SimdLevel, SimdLevelError, level};
pub use trainer::CpuTrainer;

/// Returns whether a run gives the same weights on two devices, which are named as in run records. This is true for equal
/// devices, and for CPUs with fused multiply-add.
pub fn are_bit_identical(device: &str, other: &str) -> bool {
    let is_fused = |device| ["CPU (avx2)", "CPU (avx512)", "CPU (neon)"].contains(&device);
    device == other || is_fused(device) && is_fused(other)
}

#[cfg(feature = "ndarray")]
impl super::LeNetBackend for burn_ndarray::NdArray {
    type Trainer = CpuTrainer;
    type Inference = CpuInference;

    fn trainer(
        activation: crate::model::Activation,
        sgd: crate::optim::Sgd,
        start: &super::Parameters,
        _: &Self::Device,
    ) -> CpuTrainer {
        CpuTrainer::new(default_level(), activation, sgd, start)
    }

    fn inference(
        activation: crate::model::Activation,
        weights: &crate::model::Weights,
        _: &Self::Device,
    ) -> CpuInference {
        CpuInference::new(default_level(), activation, weights)
    }
}

/// Returns the instruction set to use. The program reports an invalid `LENET_SIMD` when it starts. For other users of the
/// library, an invalid value selects the best instruction set.
#[cfg(feature = "ndarray")]
fn default_level() -> SimdLevel {
    level().unwrap_or_else(|_| SimdLevel::best())
}
