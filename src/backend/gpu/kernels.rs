//! The compiled kernels of a network and its update rule, ready to be launched on buffers.

use std::array::from_fn;
use std::ops::Range;

use burn_wgpu::WgpuRuntime;
use cubecl::frontend::ArrayCompilationArg;
use cubecl::prelude::*;
use cubecl::server::{Handle, ServerError};

use super::forward_backward::{forward::Forward, forward_backward::ForwardBackward};
use super::launch::{Launcher, PreparedKernel};
use super::layout::{ALIGNMENT, CHUNK, SLOT, THREADS, memory, muon, saved};
use super::muon::{
    SQUARE_TILES, TILES, apply::Apply as ApplyMuon, gram::Gram, polynomial::Polynomial,
    product::Product,
};
use super::sgd::UpdateRule;
use super::update::{self, accumulate::Accumulate, apply::Apply, update::Update};
use crate::error::Error;
use crate::model::{Activation, PARAMETERS, Weights};
use crate::optim::{Muon, Sgd};

/// Bytes of a float or a word.
const WORD: usize = 4;
/// Bytes of four floats.
const FOUR: usize = 16;

/// All kernels of a network with one activation and one update rule.
pub struct Kernels {
    launcher: Launcher,
    forward_backward: PreparedKernel<ForwardBackward<WgpuRuntime>>,
    forward: PreparedKernel<Forward<WgpuRuntime>>,
    update: PreparedKernel<Update<WgpuRuntime>>,
    accumulate: PreparedKernel<Accumulate<WgpuRuntime>>,
    apply: PreparedKernel<Apply<WgpuRuntime>>,
    rule: UpdateRule,
    /// Kernels of each Newton-Schulz iteration.
    gram: [PreparedKernel<Gram<WgpuRuntime>>; Muon::ROUNDS],
    polynomial: [PreparedKernel<Polynomial<WgpuRuntime>>; Muon::ROUNDS],
    product: [PreparedKernel<Product<WgpuRuntime>>; Muon::ROUNDS],
    apply_muon: PreparedKernel<ApplyMuon<WgpuRuntime>>,
    slots: usize,
}

impl Kernels {
    /// Prepares the kernels of a network with `activation` that is trained with the update rule `sgd`.
    pub fn new(client: &ComputeClient<WgpuRuntime>, activation: Activation, sgd: Sgd) -> Self {
        let launcher = Launcher::new(client.clone());
        let is_poisoned = launcher.is_checked;
        let rule = UpdateRule::from(sgd);
        let client = || client.clone();
        let image = || Launcher::settings(THREADS);
        let sums = || Launcher::settings(update::THREADS);
        let a = || ArrayCompilationArg { inplace: None };
        let network = (activation, is_poisoned);
        let forward_backward = ForwardBackward::new(
            image(),
            client(),
            a(),
            a(),
            a(),
            a(),
            a(),
            a(),
            activation,
            is_poisoned,
        );
        let forward = Forward::new(image(), client(), a(), a(), a(), a(), activation, is_poisoned);
        let accumulate = Accumulate::new(sums(), client(), a(), a(), a(), CHUNK);
        Self {
            forward_backward: PreparedKernel::new(forward_backward, network),
            forward: PreparedKernel::new(forward, network),
            update: PreparedKernel::new(Update::new(sums(), client(), a(), a(), a(), rule), rule),
            accumulate: PreparedKernel::new(accumulate, ()),
            apply: PreparedKernel::new(Apply::new(sums(), client(), a(), a(), a(), rule), rule),
            gram: from_fn(|round| {
                PreparedKernel::new(Gram::new(sums(), client(), a(), round), round)
            }),
            polynomial: from_fn(|round| {
                PreparedKernel::new(Polynomial::new(sums(), client(), a(), round), round)
            }),
            product: from_fn(|round| {
                PreparedKernel::new(Product::new(sums(), client(), a(), round), round)
            }),
            apply_muon: PreparedKernel::new(ApplyMuon::new(sums(), client(), a(), a()), ()),
            rule,
            slots: sgd.slots(),
            launcher,
        }
    }

    /// Uploads these words to a new buffer.
    pub fn upload(&self, words: &[u32]) -> Handle {
        self.launcher.client.create_from_slice(u32::as_bytes(words))
    }

    /// Uploads parameters and optimizer state to a new buffer that also has room for the buffers of Muon.
    pub fn upload_parameters(&self, weights: &Weights, slots: &[Weights]) -> Handle {
        let length = if self.rule.has_muon { muon::END } else { (1 + self.slots) * SLOT };
        let mut words = vec![0; length];
        let slots = [weights].into_iter().chain(slots);
        for (slot, weights) in words.chunks_mut(SLOT).zip(slots) {
            let bits = weights.values().iter().map(|value| value.to_bits());
            slot.iter_mut().zip(bits).for_each(|(word, bits)| *word = bits);
        }
        self.upload(&words)
    }

    /// Allocates a buffer of at least this many floats with arbitrary values. Rounds the size up to a multiple of
    /// [`ALIGNMENT`]. Otherwise cubecl would round the size, and would then report one of the two sizes but compute offsets
    /// from the end with the other.
    pub fn empty(&self, floats: usize) -> Handle {
        let floats = floats.next_multiple_of(ALIGNMENT);
        self.launcher.client.empty(WORD * floats)
    }

    /// Allocates a buffer for the values saved for a launch's images.
    pub fn empty_saved(&self, batch_size: usize) -> Handle {
        self.empty(batch_size.min(CHUNK) * saved::LENGTH)
    }

    /// Computes the outputs of the first `count` of `images`.
    pub fn forward(
        &self,
        count: usize,
        images: &Handle,
        parameters: &Handle,
        epoch: &Handle,
        outputs: &Handle,
    ) {
        let buffers = [(images, WORD), (parameters, FOUR), (epoch, WORD), (outputs, WORD)];
        self.launcher.launch(&self.forward, count, &buffers);
    }

    /// Runs a step on the next minibatch of an epoch. The minibatch has `images` images.
    pub fn step(&self, images: usize, epoch: &EpochBuffers, parameters: &Handle) {
        if images <= CHUNK {
            self.forward_backward(images, epoch, parameters);
            let buffers = [(parameters, WORD), (&epoch.saved, WORD), (&epoch.epoch, WORD)];
            self.launcher.launch(&self.update, update::WORKGROUPS, &buffers);
        } else {
            let gradients = self.empty(PARAMETERS);
            for first in (0..images).step_by(CHUNK) {
                self.forward_backward(CHUNK.min(images - first), epoch, parameters);
                let buffers = [(&gradients, WORD), (&epoch.saved, WORD), (&epoch.epoch, WORD)];
                self.launcher.launch(&self.accumulate, update::WORKGROUPS, &buffers);
            }
            let buffers = [(parameters, WORD), (&gradients, WORD), (&epoch.epoch, WORD)];
            self.launcher.launch(&self.apply, workgroups(PARAMETERS), &buffers);
        }
        self.update_matrices(parameters, &epoch.epoch);
    }

    /// Updates the matrices of Muon by the directions that the update kernel has written.
    fn update_matrices(&self, parameters: &Handle, epoch: &Handle) {
        if !self.rule.has_muon {
            return;
        }
        let work = [(parameters, FOUR)];
        for round in 0..Muon::ROUNDS {
            self.launcher.launch(&self.gram[round], workgroups(SQUARE_TILES), &work);
            self.launcher.launch(&self.polynomial[round], workgroups(SQUARE_TILES), &work);
            self.launcher.launch(&self.product[round], workgroups(TILES), &work);
        }
        let buffers = [(parameters, WORD), (epoch, WORD)];
        self.launcher.launch(&self.apply_muon, workgroups(PARAMETERS), &buffers);
    }

    fn forward_backward(&self, count: usize, epoch: &EpochBuffers, parameters: &Handle) {
        let buffers = [
            (&epoch.images, WORD),
            (&epoch.order, WORD),
            (parameters, FOUR),
            (&epoch.saved, WORD),
            (&epoch.epoch, WORD),
            (&epoch.results, WORD),
        ];
        self.launcher.launch(&self.forward_backward, count, &buffers);
    }

    /// Waits for the device and copies ranges of floats from buffers to the host.
    ///
    /// # Errors
    /// Returns an error if the device failed, now or since the last call.
    pub fn read(&self, buffers: Vec<(Handle, Range<usize>)>) -> Result<Vec<Vec<f32>>, Error> {
        let client = &self.launcher.client;
        let failed = |error: ServerError| Error::Device {
            backend: WgpuRuntime::name(client).to_owned(),
            cause: error.to_string(),
        };
        let buffers = buffers.into_iter().map(|(buffer, range)| {
            let [start, end] = [range.start, range.end].map(|floats| (WORD * floats) as u64);
            let size = buffer.size();
            buffer.offset_start(start).offset_end(size - end)
        });
        // Reading a buffer does not report earlier errors of the device; `sync` does.
        pollster::block_on(client.sync()).map_err(failed)?;
        let read = pollster::block_on(client.read_async(buffers.collect())).map_err(failed)?;
        Ok(read.iter().map(|bytes| f32::from_bytes(bytes).to_vec()).collect())
    }
}

/// Returns the number of workgroups for this many threads.
fn workgroups(threads: usize) -> usize {
    threads.div_ceil(update::THREADS)
}

/// The buffers of an epoch on the device.
pub struct EpochBuffers {
    /// All images of the dataset; see [`pack::images`](super::pack::images).
    pub images: Handle,
    /// The order of the images and their transforms; see [`pack::order`](super::pack::order).
    pub order: Handle,
    /// Position and constants; see [`pack::epoch`](super::pack::epoch()).
    pub epoch: Handle,
    /// The values saved for a launch's images; see [`saved`].
    pub saved: Handle,
    /// Losses of all images of the epoch and, from [`correct_at`](super::layout::correct_at) on, whether each prediction is
    /// correct (1 or 0).
    pub results: Handle,
}

/// Returns the first limit of a device that is too low for the kernels, if any.
pub fn missing_capability(
    invocations: usize,
    workgroup_memory: usize,
    bindings: usize,
) -> Option<String> {
    let needs = [
        ("invocations per workgroup", invocations, THREADS),
        ("bytes of workgroup memory", workgroup_memory, 4 * memory::LENGTH),
        ("storage buffers", bindings, 8),
    ];
    needs
        .into_iter()
        .find(|(_, has, needed)| has < needed)
        .map(|(what, has, needed)| format!("it has {has} {what}, but {needed} are needed"))
}
