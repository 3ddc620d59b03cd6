//! Forward passes on the GPU.

use burn_wgpu::{WgpuDevice, WgpuRuntime};
use cubecl::Runtime;
use cubecl::server::Handle;

use super::kernels::Kernels;
use super::pack;
use crate::backend::Inference;
use crate::data::{Minibatch, PIXELS};
use crate::error::Error;
use crate::model::{Activation, OUTPUTS, Weights};
use crate::optim::Sgd;

/// Maximum number of images per launch.
const LAUNCH: usize = 16 << 10;

/// An [`Inference`] whose weights stay on the GPU.
pub struct GpuInference {
    kernels: Kernels,
    weights: Handle,
}

impl GpuInference {
    /// Copies the weights of a network with `activation` to `device`.
    pub fn new(activation: Activation, weights: &Weights, device: &WgpuDevice) -> Self {
        let kernels = Kernels::new(&WgpuRuntime::client(device), activation, Sgd::default());
        let weights = kernels.upload_parameters(weights, &[]);
        Self { kernels, weights }
    }
}

impl Inference for GpuInference {
    fn outputs(&mut self, images: Minibatch<'_>) -> Result<Vec<[f32; OUTPUTS]>, Error> {
        let epoch = pack::epoch(0, images.len(), images.len(), images.scaling, Sgd::default(), &[]);
        let epoch = self.kernels.upload(&epoch);
        let mut outputs = Vec::with_capacity(images.len());
        for first in (0..images.len()).step_by(LAUNCH) {
            let part = images.part(first, LAUNCH);
            let pixels = self.kernels.upload(&transformed(part));
            let buffer = self.kernels.empty(OUTPUTS * part.len());
            self.kernels.forward(part.len(), &pixels, &self.weights, &epoch, &buffer);
            let values = self.kernels.read(vec![(buffer, 0..OUTPUTS * part.len())])?;
            outputs.extend_from_slice(values.concat().as_chunks().0);
        }
        Ok(outputs)
    }
}

/// Packs the images of a minibatch after applying their transforms.
fn transformed(images: Minibatch<'_>) -> Vec<u32> {
    let (pixels, labels): (Vec<_>, Vec<_>) = (0..images.len())
        .map(|index| {
            let (image, transform, label) = images.get(index);
            let mut transformed = [0; PIXELS];
            transform.apply(image, &mut transformed);
            (transformed, label)
        })
        .unzip();
    pack::images(&pixels, &labels)
}
