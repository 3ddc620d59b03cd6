//! The memory of a step's first half: what its passes leave for the second, and what they need meanwhile.
//!
//! What the gradients of the weights are made of is a [`MicroBatch`]; everything else stays in the [`Scratch`] of the thread,
//! and so in its cache.

use std::cell::RefCell;

use crate::data::{Image, Minibatch, PIXELS, Scaling};
use crate::model::SampleResult;

use super::dense::{MICRO_BATCH, Size, stride};
use super::simd::LANES;
use super::{Aligned, conv1, conv2};

pub(super) const FC1: Size = Size::of(4);
pub(super) const FC2: Size = Size::of(6);
pub(super) const FC3: Size = Size::of(8);

/// One row of `N` values for each image of a piece.
pub(super) type Rows<const N: usize> = Aligned<[[f32; N]; MICRO_BATCH]>;

/// What the passes of a few images leave for the gradients of the weights, and their scores.
pub(crate) struct MicroBatch {
    /// How many images it holds.
    pub n: usize,
    pub fc1: Dense<{ stride(FC1.inputs) }, { stride(FC1.outputs) }>,
    pub fc2: Dense<{ stride(FC2.inputs) }, { stride(FC2.outputs) }>,
    pub fc3: Dense<{ stride(FC3.inputs) }, { stride(FC3.outputs) }>,
    /// The convolutions' gradients, summed over the images.
    pub conv1: conv1::Sums,
    pub conv2: conv2::Sums,
    pub scores: [SampleResult; MICRO_BATCH],
}

impl MicroBatch {
    pub(super) fn new() -> Self {
        Self {
            n: 0,
            fc1: Dense::ZERO,
            fc2: Dense::ZERO,
            fc3: Dense::ZERO,
            conv1: conv1::Sums::ZERO,
            conv2: conv2::Sums::ZERO,
            scores: [SampleResult { loss: 0.0, is_correct: false }; MICRO_BATCH],
        }
    }

    /// The scores of its images.
    pub(super) fn scores(&self) -> &[SampleResult] {
        &self.scores[..self.n]
    }

    /// The inputs of a dense layer, from 0, and the gradients of its sums.
    #[inline(always)]
    pub(super) fn of_dense(&self, layer: usize) -> (&[f32], &[f32]) {
        match layer {
            0 => self.fc1.rows(),
            1 => self.fc2.rows(),
            _ => self.fc3.rows(),
        }
    }
}

/// What comes into a dense layer, and the gradients of its sums, before their activation.
pub(crate) struct Dense<const INPUTS: usize, const OUTPUTS: usize> {
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

/// The gradients of a convolution's weight and bias, summed over images, in the layout in which they are summed: of each
/// output channel's filters some rows of eight, and of its bias eight parts.
#[derive(Clone, Copy)]
pub(crate) struct ConvGradients<const CHANNELS: usize, const ROWS: usize> {
    pub weight: Aligned<[[[f32; LANES]; ROWS]; CHANNELS]>,
    pub bias: [[f32; LANES]; CHANNELS],
}

impl<const CHANNELS: usize, const ROWS: usize> ConvGradients<CHANNELS, ROWS> {
    pub(super) const ZERO: Self =
        Self { weight: Aligned([[[0.0; LANES]; ROWS]; CHANNELS]), bias: [[0.0; LANES]; CHANNELS] };

    /// Adds those of another piece.
    pub(super) fn add(&mut self, other: &Self) {
        let from = other.weight.0.as_flattened().iter().chain(&other.bias).flatten();
        let to = self.weight.0.as_flattened_mut().iter_mut().chain(&mut self.bias).flatten();
        to.zip(from).for_each(|(to, from)| *to += from);
    }

    /// Writes the gradient of the weight and, behind it, that of the bias. `lanes` of each row are in use, and `place` says
    /// where in its channel's filters a row's lane belongs.
    pub(super) fn write(
        &self,
        lanes: usize,
        place: impl Fn(usize, usize) -> usize,
        to: &mut [f32],
    ) {
        let (d_weight, d_bias) = to.split_at_mut(CHANNELS * ROWS * lanes);
        for (d_weight, rows) in d_weight.chunks_exact_mut(ROWS * lanes).zip(&self.weight.0) {
            for (row, values) in rows.iter().enumerate() {
                for (lane, value) in values[..lanes].iter().enumerate() {
                    d_weight[place(row, lane)] = *value;
                }
            }
        }
        for (d_bias, parts) in d_bias.iter_mut().zip(self.bias) {
            *d_bias = parts.iter().sum();
        }
    }
}

/// What a thread needs besides: inputs, sums and gradients of the convolutions, and the last layer's outputs.
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

    /// Runs `work` with the scratch memory of this thread.
    pub(super) fn with<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        thread_local! {
            static SCRATCH: RefCell<Box<Scratch>> = RefCell::new(Box::new(Scratch::new()));
        }
        SCRATCH.with_borrow_mut(|scratch| work(scratch))
    }

    /// Copies the images, changed and scaled.
    ///
    /// Shuffled images are not in the cache. Plain copies wait for many of them at once, which conversion does not:
    /// copying first takes 5 us for 32 images, converting at once 9.
    #[inline(always)]
    pub(super) fn load(&mut self, images: Minibatch<'_>) {
        let n = images.len();
        for (place, bytes) in self.bytes[..n].iter_mut().enumerate() {
            let (image, change, _) = images.get(place);
            change.apply(image, bytes);
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
