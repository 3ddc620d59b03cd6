//! The forward and backward pass of the network, for a few images from pixels to gradients: the first half of a step.
//!
//! What a pass leaves for the second half ([`super::weights`]) is a [`Piece`]; everything else stays in the [`Scratch`] of
//! the thread, and so in its cache.

use std::cell::RefCell;

use crate::data::{Image, PIXELS, Scaling, View};
use crate::model::{Activation, OFFSETS, range};
use crate::ops::Score;

use super::activation::{activate, times_slope};
use super::dense::{self, Size, stride};
use super::loss::{CLASSES, loss, output};
use super::simd::{Kernel, Level, Simd};
use super::{Aligned, conv1, conv2};

/// Images of a piece. Eight are the lanes of a vector in the dense layers' backward pass, and four pieces in a batch of 32
/// keep four threads busy.
pub(super) const PIECE: usize = 8;

pub(super) const FC1: Size = Size {
    inputs: conv2::OUTPUT,
    outputs: 120,
};
pub(super) const FC2: Size = Size {
    inputs: 120,
    outputs: 84,
};
pub(super) const FC3: Size = Size {
    inputs: 84,
    outputs: CLASSES,
};

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
    scores: [Score; PIECE],
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
            scores: [Score {
                loss: 0.0,
                is_correct: false,
            }; PIECE],
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
    pixels: Aligned<[[f32; PIXELS]; PIECE]>,
    y_conv1: Rows<{ conv1::OUTPUT }>,
    d_conv1: Rows<{ conv1::OUTPUT }>,
    choice_conv1: [[u8; conv1::OUTPUT]; PIECE],
    d_conv2: Rows<{ conv2::OUTPUT }>,
    choice_conv2: [[u8; conv2::OUTPUT]; PIECE],
    shifted: conv2::Shifted,
    y_fc3: Rows<{ stride(FC3.outputs) }>,
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
    fn load(&mut self, level: Level, images: View<'_>) {
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

/// What the passes of a piece consist of, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Pixels copied, changed and scaled.
    Load,
    /// conv1 with its pool and activation.
    Conv1,
    /// conv2 with its pool and activation.
    Conv2,
    /// fc1 with its activation.
    Fc1,
    /// fc2 with its activation.
    Fc2,
    /// fc3 with its activation.
    Fc3,
    /// The loss and its gradient.
    Loss,
    /// The gradient of fc3's input.
    Fc3Backward,
    /// The gradient of fc2's input.
    Fc2Backward,
    /// The gradient of fc1's input.
    Fc1Backward,
    /// The gradients of conv2's input, weight and bias.
    Conv2Backward,
    /// The gradients of conv1's weight and bias.
    Conv1Backward,
}

/// What a network computes with: its CPU level, activation and parameters, in the layout of [`crate::model::OFFSETS`].
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
    pub level: Level,
    pub activation: Activation,
    pub parameters: &'a [f32],
}

impl Network<'_> {
    /// The weight of layer `layer`, from 0.
    fn weight(&self, layer: usize) -> &[f32] {
        &self.parameters[range(2 * layer)]
    }

    /// The same and all that follows.
    fn weight_and_rest(&self, layer: usize) -> &[f32] {
        &self.parameters[OFFSETS[2 * layer]..]
    }

    fn bias(&self, layer: usize) -> &[f32] {
        &self.parameters[range(2 * layer + 1)]
    }

    /// The network's outputs for up to [`PIECE`] images.
    pub(super) fn outputs(
        &self,
        images: View<'_>,
        scratch: &mut Scratch,
        piece: &mut Piece,
        outputs: &mut [[f32; CLASSES]],
    ) {
        self.forward(images, scratch, piece, &mut |_| ());
        for (outputs, y) in outputs.iter_mut().zip(&scratch.y_fc3.0) {
            for (output_, y) in outputs.iter_mut().zip(y) {
                *output_ = output(self.activation, *y);
            }
        }
    }

    /// The forward pass of up to [`PIECE`] images. What the backward pass reads is in `scratch` and `piece`.
    fn forward(
        &self,
        images: View<'_>,
        scratch: &mut Scratch,
        piece: &mut Piece,
        done: &mut impl FnMut(Part),
    ) {
        let Self {
            level, activation, ..
        } = *self;
        let activate = |x: &mut [f32]| activate(level, activation, x);
        let n = images.len();
        piece.n = n;
        scratch.load(level, images);
        done(Part::Load);

        let y = &mut scratch.y_conv1.0[..n];
        let choice = &mut scratch.choice_conv1[..n];
        conv1::forward(
            level,
            &scratch.pixels.0[..n],
            self.weight(0),
            self.bias(0),
            y,
            choice,
        );
        activate(y.as_flattened_mut());
        done(Part::Conv1);

        let (x, y) = (&*y, &mut piece.x_fc1.0[..n]);
        let choice = &mut scratch.choice_conv2[..n];
        conv2::forward(level, x, self.weight(1), self.bias(1), y, choice);
        activate(y.as_flattened_mut());
        done(Part::Conv2);

        let (x, y) = (
            piece.x_fc1.0.as_flattened(),
            piece.x_fc2.0.as_flattened_mut(),
        );
        dense::forward(level, FC1, n, x, self.weight_and_rest(2), self.bias(2), y);
        activate(y);
        done(Part::Fc1);

        let (x, y) = (
            piece.x_fc2.0.as_flattened(),
            piece.x_fc3.0.as_flattened_mut(),
        );
        dense::forward(level, FC2, n, x, self.weight_and_rest(3), self.bias(3), y);
        activate(y);
        done(Part::Fc2);

        let (x, y) = (
            piece.x_fc3.0.as_flattened(),
            scratch.y_fc3.0.as_flattened_mut(),
        );
        dense::forward(level, FC3, n, x, self.weight_and_rest(4), self.bias(4), y);
        activate(y);
        done(Part::Fc3);
    }

    /// The forward and backward pass of up to [`PIECE`] images of a batch of `batch`; calls `done` after each part.
    pub(super) fn samples(
        &self,
        images: View<'_>,
        batch: usize,
        scratch: &mut Scratch,
        piece: &mut Piece,
        done: &mut impl FnMut(Part),
    ) {
        self.forward(images, scratch, piece, done);
        let Self {
            level, activation, ..
        } = *self;
        let times_slope = |y: &[f32], d: &mut [f32]| times_slope(level, activation, y, d);
        let n = images.len();

        for (place, score) in piece.scores[..n].iter_mut().enumerate() {
            let y = scratch.y_fc3.0[place].first_chunk().expect("ten and more");
            let d_y = piece.d_fc3.0[place]
                .first_chunk_mut()
                .expect("ten and more");
            let found = loss(activation, y, images.get(place).2, batch, d_y);
            *score = Score {
                loss: found.loss,
                is_correct: found.is_correct,
            };
        }
        let d = piece.d_fc3.0.as_flattened_mut();
        times_slope(scratch.y_fc3.0.as_flattened(), d);
        done(Part::Loss);

        let (d_z, d) = (&*d, piece.d_fc2.0.as_flattened_mut());
        dense::input_gradient(level, FC3, d_z, self.weight(4), d);
        times_slope(piece.x_fc3.0.as_flattened(), d);
        done(Part::Fc3Backward);

        let (d_z, d) = (&*d, piece.d_fc1.0.as_flattened_mut());
        dense::input_gradient(level, FC2, d_z, self.weight(3), d);
        times_slope(piece.x_fc2.0.as_flattened(), d);
        done(Part::Fc2Backward);

        let (d_z, d) = (&*d, scratch.d_conv2.0.as_flattened_mut());
        dense::input_gradient(level, FC1, d_z, self.weight(2), d);
        times_slope(piece.x_fc1.0.as_flattened(), d);
        done(Part::Fc1Backward);

        scratch.shifted.fill(level, self.weight(1));
        let (x, choice) = (&scratch.y_conv1.0[..n], &scratch.choice_conv2[..n]);
        let (d_z, d) = (&scratch.d_conv2.0[..n], &mut scratch.d_conv1.0[..n]);
        conv2::backward(level, x, choice, d_z, &scratch.shifted, d, &mut piece.conv2);
        times_slope(x.as_flattened(), d.as_flattened_mut());
        done(Part::Conv2Backward);

        let (x, choice) = (&scratch.pixels.0[..n], &scratch.choice_conv1[..n]);
        conv1::backward(level, x, choice, d, &mut piece.conv1);
        done(Part::Conv1Backward);
    }
}
