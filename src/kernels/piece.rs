//! The memory of a step's first half: what its passes leave for the second, and what they need meanwhile.
//!
//! What the gradients of the weights are made of is a [`Piece`]; everything else stays in the [`Scratch`] of the thread,
//! and so in its cache.

use std::cell::RefCell;

use crate::data::{Image, PIXELS, Scaling, View};
use crate::ops::Score;

use super::dense::{Size, stride};
use super::loss::CLASSES;
use super::simd::{Kernel, Level, Simd};
use super::{Aligned, conv1, conv2};

/// Images of a piece. Eight are the lanes of a vector in the dense layers' backward pass, and four pieces in a batch of 32
/// keep four threads busy.
pub(super) const PIECE: usize = 8;

pub(super) const FC1: Size = Size { inputs: conv2::OUTPUT, outputs: 120 };
pub(super) const FC2: Size = Size { inputs: 120, outputs: 84 };
pub(super) const FC3: Size = Size { inputs: 84, outputs: CLASSES };

/// One row of `N` values for each image of a piece.
pub(super) type Rows<const N: usize> = Aligned<[[f32; N]; PIECE]>;

/// What the passes of a few images leave for the gradients of the weights, and their scores.
pub(crate) struct Piece {
    /// How many images it holds.
    pub n: usize,
    /// Inputs of the dense layers.
    pub x_fc1: Rows<{ stride(FC1.inputs) }>,
    pub x_fc2: Rows<{ stride(FC2.inputs) }>,
    pub x_fc3: Rows<{ stride(FC3.inputs) }>,
    /// Gradients of the dense layers' sums, before their activation.
    pub d_fc1: Rows<{ stride(FC1.outputs) }>,
    pub d_fc2: Rows<{ stride(FC2.outputs) }>,
    pub d_fc3: Rows<{ stride(FC3.outputs) }>,
    /// The convolutions' gradients, summed over the images.
    pub conv1: conv1::Partial,
    pub conv2: conv2::Partial,
    pub scores: [Score; PIECE],
}

impl Piece {
    pub(super) fn new() -> Self {
        Self {
            n: 0,
            x_fc1: Aligned([[0.0; _]; PIECE]),
            x_fc2: Aligned([[0.0; _]; PIECE]),
            x_fc3: Aligned([[0.0; _]; PIECE]),
            d_fc1: Aligned([[0.0; _]; PIECE]),
            d_fc2: Aligned([[0.0; _]; PIECE]),
            d_fc3: Aligned([[0.0; _]; PIECE]),
            conv1: conv1::Partial::ZERO,
            conv2: conv2::Partial::ZERO,
            scores: [Score { loss: 0.0, is_correct: false }; PIECE],
        }
    }

    /// The scores of its images.
    pub(super) fn scores(&self) -> &[Score] {
        &self.scores[..self.n]
    }
}

/// What a thread needs besides: inputs, sums and gradients of the convolutions, and the last layer's outputs.
pub(super) struct Scratch {
    bytes: [Image; PIECE],
    pub pixels: Aligned<[[f32; PIXELS]; PIECE]>,
    pub y_conv1: Rows<{ conv1::OUTPUT }>,
    pub d_conv1: Rows<{ conv1::OUTPUT }>,
    pub choice_conv1: [[u8; conv1::OUTPUT]; PIECE],
    pub d_conv2: Rows<{ conv2::OUTPUT }>,
    pub choice_conv2: [[u8; conv2::OUTPUT]; PIECE],
    pub shifted: conv2::Shifted,
    pub y_fc3: Rows<{ stride(FC3.outputs) }>,
}

impl Scratch {
    fn new() -> Self {
        Self {
            bytes: [[0; PIXELS]; PIECE],
            pixels: Aligned([[0.0; _]; PIECE]),
            y_conv1: Aligned([[0.0; _]; PIECE]),
            d_conv1: Aligned([[0.0; _]; PIECE]),
            choice_conv1: [[0; _]; PIECE],
            d_conv2: Aligned([[0.0; _]; PIECE]),
            choice_conv2: [[0; _]; PIECE],
            shifted: conv2::Shifted::new(),
            y_fc3: Aligned([[0.0; _]; PIECE]),
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
    pub(super) fn load(&mut self, level: Level, images: View<'_>) {
        let n = images.len();
        for (place, bytes) in self.bytes[..n].iter_mut().enumerate() {
            let (image, change, _) = images.get(place);
            change.apply(image, bytes);
        }
        level.run(Scale {
            scaling: images.scaling,
            bytes: self.bytes[..n].as_flattened(),
            pixels: self.pixels.0[..n].as_flattened_mut(),
        });
    }
}

/// Bytes as scaled pixels: plain loops, which the compiler turns into the level's vectors.
struct Scale<'a> {
    scaling: Scaling,
    bytes: &'a [u8],
    pixels: &'a mut [f32],
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        match self.scaling {
            Scaling::Raw => {
                for (pixel, byte) in self.pixels.iter_mut().zip(self.bytes) {
                    *pixel = f32::from(*byte);
                }
            }
            Scaling::Standardise { mean, deviation } => {
                for (pixel, byte) in self.pixels.iter_mut().zip(self.bytes) {
                    *pixel = (f32::from(*byte) - mean) / deviation;
                }
            }
        }
    }
}
