//! The GPU backend: LeNet's training step in custom CubeCL kernels, which run on Vulkan and Metal.
//!
//! In the forward/backward phase one workgroup processes an image in workgroup memory. The workgroup saves the gradients of the
//! convolutions from this image, and x and d_z of the dense layers ([`forward_backward`]). In the update phase the gradient of
//! each parameter is summed over the images and the parameter is updated ([`update`], and [`muon`] for the large matrices).
//! Images, their order and transforms, learning rates, parameters and results stay on the device ([`trainer`]).
//!
//! The kernels use the names that [`super::cpu`] explains.

mod activation;
mod choice;
mod conv1;
mod conv1_backward;
mod conv2;
mod conv2_backward;
mod dense;
mod device;
mod forward_backward;
mod fours;
mod inference;
mod kernels;
mod launch;
mod layout;
mod load;
mod loss;
mod max_pool;
mod muon;
mod pack;
mod sgd;
mod trainer;
mod update;

use burn_wgpu::{Wgpu, WgpuDevice};

use super::{LeNetBackend, Parameters};
use crate::model::{Activation, Weights};
use crate::optim::Sgd;

pub use device::{Gpu, names, open};
pub use inference::GpuInference;
pub use trainer::GpuTrainer;

// [`open`] rejects devices that cannot run the kernels.
impl LeNetBackend for Wgpu {
    type Trainer = GpuTrainer;
    type Inference = GpuInference;

    fn trainer(
        activation: Activation,
        sgd: Sgd,
        start: &Parameters,
        device: &WgpuDevice,
    ) -> GpuTrainer {
        GpuTrainer::new(activation, sgd, start, device)
    }

    fn inference(activation: Activation, weights: &Weights, device: &WgpuDevice) -> GpuInference {
        GpuInference::new(activation, weights, device)
    }
}
