//! The GPU backend: LeNet as kernels of its own, in CubeCL, which makes them run on Vulkan, Metal and DirectX 12.
//!
//! A workgroup takes an image all the way through the network and back, in its memory, and leaves the image's gradients
//! of the convolutions and the inputs and deltas of the dense layers ([`samples`]); then each parameter's gradient is
//! summed over the images and its step made ([`weights`]; with Muon those of the large matrices in [`muon`]). Images, their
//! order and transforms, learning rates, parameters and scores stay on the device ([`training`]).

mod backward;
mod backward_conv;
mod device;
mod elements;
mod forward;
mod forward_backward;
mod kernels;
mod launch;
mod layout;
mod load;
mod muon;
mod pack;
mod trainer;
mod update;

use burn::tensor::ops::FloatTensorOps;
use burn::tensor::{DType, Shape};
use burn_wgpu::{CubeTensor, Wgpu, WgpuRuntime};
use cubecl::server::Handle;

use super::{Gradients, LeNetBackend};
use crate::data::{Minibatch, PIXELS, Scaling};
use crate::model::{Activation, PARAMETERS};
use crate::optim::Sgd;
use kernels::{Kernels, OnDevice, floats};
use layout::{IMAGE_WORDS, VELOCITY, correct_at};

pub use device::{Gpu, open, xdg_runtime_note};

type Tensor = CubeTensor<WgpuRuntime>;

/// Images whose outputs are found by one launch. Ten floats each begin at what any device takes for a binding.
const LAUNCH: usize = 16 << 10;

// A device that lacks something cannot run them: see `gpu::open`, which refuses it.
impl LeNetBackend for Wgpu {
    type Trainer = trainer::GpuTrainer;

    #[inline]
    fn outputs(activation: Activation, parameters: Tensor, images: Minibatch<'_>) -> Tensor {
        outputs(activation, &contiguous(parameters), images)
    }

    #[inline]
    fn gradients(
        activation: Activation,
        parameters: Tensor,
        images: Minibatch<'_>,
    ) -> Gradients<Self> {
        gradients(activation, &contiguous(parameters), images)
    }

    #[inline]
    fn update(
        sgd: Sgd,
        rate: f32,
        parameters: Tensor,
        velocity: Option<Tensor>,
        gradients: Tensor,
    ) -> (Tensor, Option<Tensor>) {
        let [parameters, gradients] = [parameters, gradients].map(contiguous);
        update(sgd, rate, &parameters, velocity.map(contiguous).as_ref(), &gradients)
    }
}

// Inlined, as what calls it is, so that only who runs on a GPU compiles Burn's operation for it.
/// The tensor, its floats one after the other.
#[inline]
fn contiguous(tensor: Tensor) -> Tensor {
    assert_eq!(tensor.dtype, DType::F32);
    match tensor.is_contiguous() {
        true => tensor,
        false => <Wgpu>::float_mul_scalar(tensor, 1.0.into()),
    }
}

/// A tensor beside `other` whose floats begin at float `first` of a buffer.
fn beside<const D: usize>(
    other: &Tensor,
    buffer: &Handle,
    first: usize,
    shape: [usize; D],
) -> Tensor {
    let handle = floats(buffer, first, shape.iter().product());
    let (client, device) = (other.client.clone(), other.device.clone());
    Tensor::new_contiguous(client, device, Shape::from(shape), handle, DType::F32)
}

/// Parameters with room behind them, as the kernels read four floats at once.
fn with_room(kernels: &Kernels, parameters: &Tensor) -> Handle {
    assert_eq!(parameters.meta.shape().num_elements(), PARAMETERS);
    let copy = kernels.empty(kernels.floats());
    kernels.copy(&parameters.handle, &copy);
    copy
}

/// The images of a view, changed, as the kernels read them.
fn pack_view(images: Minibatch<'_>) -> Vec<u32> {
    let mut words = Vec::with_capacity(images.len() * IMAGE_WORDS);
    for place in 0..images.len() {
        let (image, change, label) = images.get(place);
        let mut changed = [0; PIXELS];
        change.apply(image, &mut changed);
        pack::image(&mut words, &changed, label);
    }
    words
}

fn outputs(activation: Activation, parameters: &Tensor, images: Minibatch<'_>) -> Tensor {
    let kernels = Kernels::new(&parameters.client, activation, Sgd::default());
    let weights = with_room(&kernels, parameters);
    let state = pack::state(0, images.len(), images.len(), images.scaling, Sgd::default(), &[]);
    let state = kernels.upload(&state);
    let outputs = kernels.empty(10 * images.len());
    for first in (0..images.len()).step_by(LAUNCH) {
        let part = images.part(first, LAUNCH);
        let pixels = kernels.upload(&pack_view(part));
        let to = outputs.clone().offset_start(40 * first as u64);
        kernels.outputs(part.len(), &pixels, &weights, &state, &to);
    }
    beside(parameters, &outputs, 0, [images.len(), 10])
}

fn gradients(
    activation: Activation,
    parameters: &Tensor,
    images: Minibatch<'_>,
) -> Gradients<Wgpu> {
    let kernels = Kernels::new(&parameters.client, activation, Sgd::default());
    let weights = with_room(&kernels, parameters);
    let count = images.len();
    let order: Vec<u32> = (0..count as u32).collect();
    let state = pack::state(0, count, count, images.scaling, Sgd::default(), &[]);
    let pass = OnDevice {
        images: kernels.upload(&pack_view(images)),
        places: kernels.upload(&pack::places(&order, &[])),
        state: kernels.upload(&state),
        records: kernels.empty_records(count),
        scores: kernels.empty(2 * correct_at(count)),
    };
    let gradients = kernels.empty(PARAMETERS);
    kernels.gradients(count, &pass, &weights, &gradients);
    Gradients {
        losses: beside(parameters, &pass.scores, 0, [count]),
        correct: beside(parameters, &pass.scores, correct_at(count), [count]),
        gradients: beside(parameters, &gradients, 0, [PARAMETERS]),
    }
}

fn update(
    sgd: Sgd,
    rate: f32,
    parameters: &Tensor,
    velocity: Option<&Tensor>,
    gradients: &Tensor,
) -> (Tensor, Option<Tensor>) {
    assert_eq!(velocity.is_some(), sgd.has_velocity());
    assert_eq!(gradients.meta.shape().num_elements(), PARAMETERS);
    let kernels = Kernels::new(&parameters.client, Activation::default(), sgd);
    let after = kernels.empty(kernels.floats());
    kernels.copy(&parameters.handle, &after);
    if let Some(velocity) = velocity {
        assert_eq!(velocity.meta.shape().num_elements(), PARAMETERS);
        kernels.copy(&velocity.handle, &floats(&after, VELOCITY, PARAMETERS));
    }
    // As if a batch of one image had been done.
    let state = kernels.upload(&pack::state(1, 1, 1, Scaling::Raw, sgd, &[rate]));
    kernels.update(&after, &gradients.handle, &state);
    let velocity = velocity.map(|_| beside(parameters, &after, VELOCITY, [PARAMETERS]));
    (beside(parameters, &after, 0, [PARAMETERS]), velocity)
}
