//! The forward and backward pass of the network, for a few images from pixels to gradients: the first half of a step.

use crate::data::View;
use crate::model::{Activation, OFFSETS, range};
use crate::ops::Score;

use super::activation::{activate, times_slope};
use super::loss::{CLASSES, loss, output};
use super::piece::{FC1, FC2, FC3, Piece, Scratch};
use super::simd::Level;
use super::{conv1, conv2, dense};

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
        let Self { level, activation, .. } = *self;
        let activate = |x: &mut [f32]| activate(level, activation, x);
        let n = images.len();
        piece.n = n;
        scratch.load(level, images);
        done(Part::Load);

        let y = &mut scratch.y_conv1.0[..n];
        let choice = &mut scratch.choice_conv1[..n];
        conv1::forward(level, &scratch.pixels.0[..n], self.weight(0), self.bias(0), y, choice);
        activate(y.as_flattened_mut());
        done(Part::Conv1);

        let (x, y) = (&*y, &mut piece.x_fc1.0[..n]);
        let choice = &mut scratch.choice_conv2[..n];
        conv2::forward(level, x, self.weight(1), self.bias(1), y, choice);
        activate(y.as_flattened_mut());
        done(Part::Conv2);

        let (x, y) = (piece.x_fc1.0.as_flattened(), piece.x_fc2.0.as_flattened_mut());
        dense::forward(level, FC1, n, x, self.weight_and_rest(2), self.bias(2), y);
        activate(y);
        done(Part::Fc1);

        let (x, y) = (piece.x_fc2.0.as_flattened(), piece.x_fc3.0.as_flattened_mut());
        dense::forward(level, FC2, n, x, self.weight_and_rest(3), self.bias(3), y);
        activate(y);
        done(Part::Fc2);

        let (x, y) = (piece.x_fc3.0.as_flattened(), scratch.y_fc3.0.as_flattened_mut());
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
        let Self { level, activation, .. } = *self;
        let times_slope = |y: &[f32], d: &mut [f32]| times_slope(level, activation, y, d);
        let n = images.len();

        for (place, score) in piece.scores[..n].iter_mut().enumerate() {
            let y = scratch.y_fc3.0[place].first_chunk().expect("ten and more");
            let d_y = piece.d_fc3.0[place].first_chunk_mut().expect("ten and more");
            let found = loss(activation, y, images.get(place).2, batch, d_y);
            *score = Score { loss: found.loss, is_correct: found.is_correct };
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
