//! Buffers of the forward/backward phase: saved activations and gradients ([`MicroBatch`]), and the scratch memory of a thread
//! ([`Scratch`]).
//!
//! A [`MicroBatch`] only has the values that the update phase reads. All other values are in the scratch memory of the thread,
//! which stays in the cache of its core.

use std::cell::RefCell;

use crate::data::{Image, Minibatch, PIXELS, Scaling};
use crate::model::{FC1, FC2, FC3, SampleResult};

use super::dense::stride;
use super::simd::LANES;
use super::slices::Aligned;
use super::{conv1, conv2};

/// Images of a micro-batch. Eight images fill the lanes of a vector in the backward pass of the dense layers, and the four
/// micro-batches of a minibatch of 32 keep four threads busy.
pub(super) const MICRO_BATCH: usize = 8;

/// One row of `N` values for each image of a micro-batch.
pub(super) type Rows<const N: usize> = Aligned<[[f32; N]; MICRO_BATCH]>;

/// Saved activations and gradients of a few images for the update phase, and the results of these images.
pub(super) struct MicroBatch {
    /// Number of images.
    pub n: usize,
    pub fc1: Dense<{ stride(FC1.inputs) }, { stride(FC1.outputs) }>,
    pub fc2: Dense<{ stride(FC2.inputs) }, { stride(FC2.outputs) }>,
    pub fc3: Dense<{ stride(FC3.inputs) }, { stride(FC3.outputs) }>,
    /// Gradients of the convolutions, summed over the images.
    pub conv1: conv1::Gradients,
    pub conv2: conv2::Gradients,
    pub results: [SampleResult; MICRO_BATCH],
}

impl MicroBatch {
    pub(super) fn new() -> Self {
        Self {
            n: 0,
            fc1: Dense::ZERO,
            fc2: Dense::ZERO,
            fc3: Dense::ZERO,
            conv1: conv1::Gradients::ZERO,
            conv2: conv2::Gradients::ZERO,
            results: [SampleResult { loss: 0.0, is_correct: false }; MICRO_BATCH],
        }
    }

    /// Returns the results of the images.
    pub(super) fn results(&self) -> &[SampleResult] {
        &self.results[..self.n]
    }

    /// Returns x and d_z of dense layer `layer`, counted from 0.
    #[inline(always)]
    pub(super) fn dense(&self, layer: usize) -> (&[f32], &[f32]) {
        match layer {
            0 => self.fc1.rows(),
            1 => self.fc2.rows(),
            _ => self.fc3.rows(),
        }
    }
}

/// The input of a dense layer, and the gradient of its pre-activations.
pub(super) struct Dense<const INPUTS: usize, const OUTPUTS: usize> {
    pub x: Rows<INPUTS>,
    pub d_z: Rows<OUTPUTS>,
}

impl<const INPUTS: usize, const OUTPUTS: usize> Dense<INPUTS, OUTPUTS> {
    const ZERO: Self = Self {
        x: Aligned([[0.0; INPUTS]; MICRO_BATCH]),
        d_z: Aligned([[0.0; OUTPUTS]; MICRO_BATCH]),
    };

    #[inline(always)]
    fn rows(&self) -> (&[f32], &[f32]) {
        (self.x.0.as_flattened(), self.d_z.0.as_flattened())
    }
}

/// The gradients of a convolution's weight and bias, summed over images, in the layout of the accumulators. Each output channel
/// has `ROWS` rows of `ROW` lanes for its kernels, and eight partial sums for its bias.
#[derive(Clone, Copy)]
pub(super) struct ConvGradients<const CHANNELS: usize, const ROWS: usize, const ROW: usize> {
    pub weight: Aligned<[[[f32; ROW]; ROWS]; CHANNELS]>,
    pub bias: [[f32; LANES]; CHANNELS],
}

impl<const CHANNELS: usize, const ROWS: usize, const ROW: usize>
    ConvGradients<CHANNELS, ROWS, ROW>
{
    pub(super) const ZERO: Self =
        Self { weight: Aligned([[[0.0; ROW]; ROWS]; CHANNELS]), bias: [[0.0; LANES]; CHANNELS] };

    /// Adds the gradients of another micro-batch.
    #[inline(always)]
    pub(super) fn add(&mut self, other: &Self) {
        let from = other.weight.0.as_flattened().as_flattened();
        let to = self.weight.0.as_flattened_mut().as_flattened_mut();
        to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        let (from, to) = (other.bias.as_flattened(), self.bias.as_flattened_mut());
        to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    }

    /// Writes the gradient of the weight and then the gradient of the bias to `to`, in the layout of the parameters. Reads the
    /// first `lanes` lanes of each row. `index` maps a row and a lane to an index in the kernels of an output channel.
    pub(super) fn write(
        &self,
        lanes: usize,
        index: impl Fn(usize, usize) -> usize,
        to: &mut [f32],
    ) {
        let (d_weight, d_bias) = to.split_at_mut(CHANNELS * ROWS * lanes);
        for (d_weight, rows) in d_weight.chunks_exact_mut(ROWS * lanes).zip(&self.weight.0) {
            for (row, values) in rows.iter().enumerate() {
                for (lane, value) in values[..lanes].iter().enumerate() {
                    d_weight[index(row, lane)] = *value;
                }
            }
        }
        for (d_bias, parts) in d_bias.iter_mut().zip(self.bias) {
            *d_bias = parts.iter().sum();
        }
    }
}

/// Scratch memory of a thread: inputs, activations and gradients of the convolutions, and the outputs of the last layer.
pub(super) struct Scratch {
    bytes: [Image; MICRO_BATCH],
    pub pixels: Aligned<[[f32; PIXELS]; MICRO_BATCH]>,
    pub y_conv1: Rows<{ conv1::OUTPUT }>,
    pub d_conv1: Rows<{ conv1::OUTPUT }>,
    pub argmax_conv1: [[u8; conv1::OUTPUT]; MICRO_BATCH],
    pub d_conv2: Rows<{ conv2::OUTPUT }>,
    pub argmax_conv2: [[u8; conv2::OUTPUT]; MICRO_BATCH],
    pub shifted: conv2::Shifted,
    pub y_fc3: Rows<{ stride(FC3.outputs) }>,
}

impl Scratch {
    fn new() -> Self {
        Self {
            bytes: [[0; PIXELS]; MICRO_BATCH],
            pixels: Aligned([[0.0; _]; MICRO_BATCH]),
            y_conv1: Aligned([[0.0; _]; MICRO_BATCH]),
            d_conv1: Aligned([[0.0; _]; MICRO_BATCH]),
            argmax_conv1: [[0; _]; MICRO_BATCH],
            d_conv2: Aligned([[0.0; _]; MICRO_BATCH]),
            argmax_conv2: [[0; _]; MICRO_BATCH],
            shifted: conv2::Shifted::new(),
            y_fc3: Aligned([[0.0; _]; MICRO_BATCH]),
        }
    }

    /// Calls `work` with the scratch memory of this thread.
    pub(super) fn with<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        thread_local! {
            static SCRATCH: RefCell<Box<Scratch>> = RefCell::new(Box::new(Scratch::new()));
        }
        SCRATCH.with_borrow_mut(|scratch| work(scratch))
    }

    /// Copies the images to the scratch memory, transformed and scaled.
    ///
    /// Shuffled images are not in the cache. A plain copy has many cache misses in flight at once, and a conversion has few.
    /// Copying the bytes before converting them takes 5 us for 32 images; converting them directly takes 9 us.
    #[inline(always)]
    pub(super) fn load(&mut self, images: Minibatch<'_>) {
        let n = images.len();
        for (index, bytes) in self.bytes[..n].iter_mut().enumerate() {
            let (image, transform, _) = images.get(index);
            transform.apply(image, bytes);
        }
        let bytes = self.bytes[..n].as_flattened().iter().map(|byte| f32::from(*byte));
        let pixels = self.pixels.0[..n].as_flattened_mut().iter_mut().zip(bytes);
        match images.scaling {
            Scaling::Raw => pixels.for_each(|(pixel, byte)| *pixel = byte),
            Scaling::Standardise { mean, deviation } => {
                pixels.for_each(|(pixel, byte)| *pixel = (byte - mean) / deviation);
            }
        }
    }
}
