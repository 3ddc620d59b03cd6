//! The kernels of a network and its rule, ready to be launched on buffers.

use std::array::from_fn;

use burn_wgpu::WgpuRuntime;
use cubecl::frontend::ArrayCompilationArg;
use cubecl::prelude::*;
use cubecl::server::{Handle, ServerError};

use super::forward_backward::{outputs::Outputs, samples::Samples};
use super::launch::{Launcher, PreparedKernel};
use super::layout::{ALIGNMENT, CHUNK, THREADS, VELOCITY, memory, muon, record};
use super::muon::{
    SQUARE_TILES, TILES, apply::Apply, gram::Gram, polynomial::Polynomial, product::Product,
};
use super::update::{
    self, Rule, copy::Copy as CopyAll, gradients::Gradients, update::Update, weights::Weights,
};
use crate::error::Error;
use crate::model::{Activation, PARAMETERS};
use crate::optim::{Muon, Sgd};

/// Bytes of a float or a word.
const WORD: usize = 4;
/// Bytes of four floats.
const FOUR: usize = 16;

/// See the module.
pub struct Kernels {
    launcher: Launcher,
    samples: PreparedKernel<Samples<WgpuRuntime>>,
    outputs: PreparedKernel<Outputs<WgpuRuntime>>,
    weights: PreparedKernel<Weights<WgpuRuntime>>,
    gradients: PreparedKernel<Gradients<WgpuRuntime>>,
    update: PreparedKernel<Update<WgpuRuntime>>,
    copy: PreparedKernel<CopyAll<WgpuRuntime>>,
    rule: Rule,
    /// Of each round.
    gram: [PreparedKernel<Gram<WgpuRuntime>>; Muon::ROUNDS],
    polynomial: [PreparedKernel<Polynomial<WgpuRuntime>>; Muon::ROUNDS],
    product: [PreparedKernel<Product<WgpuRuntime>>; Muon::ROUNDS],
    apply: PreparedKernel<Apply<WgpuRuntime>>,
}

impl Kernels {
    /// For a network with `activation` that is trained by `sgd`.
    pub fn new(client: &ComputeClient<WgpuRuntime>, activation: Activation, sgd: Sgd) -> Self {
        let launcher = Launcher::new(client.clone());
        let is_poisoned = launcher.is_checked;
        let tanh = activation == Activation::Tanh;
        let rule = Rule::from(sgd);
        let client = || client.clone();
        let image = || Launcher::settings(THREADS);
        let sums = || Launcher::settings(weights::THREADS);
        let a = || ArrayCompilationArg { inplace: None };
        let of_network = (tanh, is_poisoned);
        Self {
            samples: PreparedKernel::new(
                Samples::new(image(), client(), a(), a(), a(), a(), a(), a(), tanh, is_poisoned),
                of_network,
            ),
            outputs: PreparedKernel::new(
                Outputs::new(image(), client(), a(), a(), a(), a(), tanh, is_poisoned),
                of_network,
            ),
            weights: PreparedKernel::new(Weights::new(sums(), client(), a(), a(), a(), rule), rule),
            gradients: PreparedKernel::new(
                Gradients::new(sums(), client(), a(), a(), a(), CHUNK),
                (),
            ),
            update: PreparedKernel::new(Update::new(sums(), client(), a(), a(), a(), rule), rule),
            copy: PreparedKernel::new(CopyAll::new(sums(), client(), a(), a()), ()),
            gram: from_fn(|round| {
                PreparedKernel::new(Gram::new(sums(), client(), a(), round), round)
            }),
            polynomial: from_fn(|round| {
                PreparedKernel::new(Polynomial::new(sums(), client(), a(), round), round)
            }),
            product: from_fn(|round| {
                PreparedKernel::new(Product::new(sums(), client(), a(), round), round)
            }),
            apply: PreparedKernel::new(Apply::new(sums(), client(), a(), a()), ()),
            rule,
            launcher,
        }
    }

    /// A buffer of these words.
    pub fn upload(&self, words: &[u32]) -> Handle {
        self.launcher.client.create_from_slice(u32::as_bytes(words))
    }

    /// A buffer of at least so many floats, of any value. Its size is one that cubecl does not round up, as it would take
    /// an offset from the end from another size than it reports.
    pub fn empty(&self, floats: usize) -> Handle {
        let floats = floats.next_multiple_of(ALIGNMENT);
        self.launcher.client.empty(WORD * floats)
    }

    /// Floats of a buffer for parameters and for what the rule keeps beside them.
    pub fn floats(&self) -> usize {
        match self.rule {
            Rule { has_muon: true, .. } => muon::END,
            Rule { has_velocity: true, .. } => 2 * VELOCITY,
            _ => VELOCITY,
        }
    }

    /// A buffer for the records of as many images of a batch as are done at a time.
    pub fn empty_records(&self, batch_size: usize) -> Handle {
        self.empty(batch_size.min(CHUNK) * record::LENGTH)
    }

    /// The first parameters in a buffer that has room behind them.
    pub fn copy(&self, from: &Handle, to: &Handle) {
        let buffers = [(from, WORD), (to, WORD)];
        let workgroups = PARAMETERS.div_ceil(weights::THREADS);
        self.launcher.launch(&self.copy, workgroups, &buffers);
    }

    /// The outputs of the first `count` of `images`.
    pub fn outputs(
        &self,
        count: usize,
        images: &Handle,
        parameters: &Handle,
        state: &Handle,
        outputs: &Handle,
    ) {
        let buffers = [(images, WORD), (parameters, FOUR), (state, WORD), (outputs, WORD)];
        self.launcher.launch(&self.outputs, count, &buffers);
    }

    /// The gradients of the next `images` of a pass, which are a batch.
    pub fn gradients(
        &self,
        images: usize,
        pass: &OnDevice,
        parameters: &Handle,
        gradients: &Handle,
    ) {
        for first in (0..images).step_by(CHUNK) {
            self.samples(CHUNK.min(images - first), pass, parameters);
            let buffers = [(gradients, WORD), (&pass.records, WORD), (&pass.state, WORD)];
            self.launcher.launch(&self.gradients, weights::WORKGROUPS, &buffers);
        }
    }

    /// A step of gradient descent by gradients that were found just now.
    pub fn update(&self, parameters: &Handle, gradients: &Handle, state: &Handle) {
        let buffers = [(parameters, WORD), (gradients, WORD), (state, WORD)];
        let workgroups = PARAMETERS.div_ceil(weights::THREADS);
        self.launcher.launch(&self.update, workgroups, &buffers);
        self.finish(parameters, state);
    }

    /// Moves what the launch before left to Muon.
    fn finish(&self, parameters: &Handle, state: &Handle) {
        if !self.rule.has_muon {
            return;
        }
        let workgroups = |threads: usize| threads.div_ceil(weights::THREADS);
        let work = [(parameters, FOUR)];
        for round in 0..Muon::ROUNDS {
            self.launcher.launch(&self.gram[round], workgroups(SQUARE_TILES), &work);
            self.launcher.launch(&self.polynomial[round], workgroups(SQUARE_TILES), &work);
            self.launcher.launch(&self.product[round], workgroups(TILES), &work);
        }
        let buffers = [(parameters, WORD), (state, WORD)];
        self.launcher.launch(&self.apply, workgroups(PARAMETERS), &buffers);
    }

    /// A whole step on the next `images` of a pass, which are a batch.
    pub fn step(&self, images: usize, pass: &OnDevice, parameters: &Handle) {
        if images <= CHUNK {
            self.samples(images, pass, parameters);
            let buffers = [(parameters, WORD), (&pass.records, WORD), (&pass.state, WORD)];
            self.launcher.launch(&self.weights, weights::WORKGROUPS, &buffers);
            self.finish(parameters, &pass.state);
        } else {
            let gradients = self.empty(PARAMETERS);
            self.gradients(images, pass, parameters, &gradients);
            self.update(parameters, &gradients, &pass.state);
        }
    }

    fn samples(&self, count: usize, pass: &OnDevice, parameters: &Handle) {
        let buffers = [
            (&pass.images, WORD),
            (&pass.places, WORD),
            (parameters, FOUR),
            (&pass.records, WORD),
            (&pass.state, WORD),
            (&pass.scores, WORD),
        ];
        self.launcher.launch(&self.samples, count, &buffers);
    }

    /// The floats in these buffers. Waits for the device.
    ///
    /// # Errors
    /// If the device failed, now or since the last time.
    pub fn read(&self, buffers: Vec<Handle>) -> Result<Vec<Vec<f32>>, Error> {
        let client = &self.launcher.client;
        let failed = |error: ServerError| Error::Device {
            backend: WgpuRuntime::name(client).to_owned(),
            cause: error.to_string(),
        };
        // A read alone does not report the errors of the work before it.
        pollster::block_on(client.sync()).map_err(failed)?;
        let read = pollster::block_on(client.read_async(buffers)).map_err(failed)?;
        Ok(read.iter().map(|bytes| f32::from_bytes(bytes).to_vec()).collect())
    }
}

/// A part of a buffer.
pub fn floats(buffer: &Handle, first: usize, count: usize) -> Handle {
    let [first, end] = [first, first + count].map(|floats| (WORD * floats) as u64);
    buffer.clone().offset_start(first).offset_end(buffer.size() - end)
}

/// A pass over images as it lies on the device.
pub struct OnDevice {
    /// See [`pack::images`](super::pack::images).
    pub images: Handle,
    /// See [`pack::places`](super::pack::places).
    pub places: Handle,
    /// See [`pack::state`](super::pack::state()).
    pub state: Handle,
    /// See [`record`]: those of the images of a batch, at most [`CHUNK`].
    pub records: Handle,
    /// The losses of all images of the pass; from [`correct_at`](super::layout::correct_at) on, their right answers.
    pub scores: Handle,
}

/// What a device lacks to run the kernels, if anything.
pub fn missing_capability(
    invocations: usize,
    workgroup_memory: usize,
    bindings: usize,
) -> Option<String> {
    let needs = [
        ("invocations in a workgroup", invocations, THREADS),
        ("bytes of workgroup memory", workgroup_memory, 4 * memory::LENGTH),
        ("storage buffers", bindings, 8),
    ];
    needs
        .into_iter()
        .find(|(_, has, needed)| has < needed)
        .map(|(what, has, needed)| format!("it has {has} {what}, not {needed}"))
}
