//! The forward and backward pass of the network, for a few images from pixels to gradients: the first half of a step.

use crate::data::Minibatch;
use crate::model::{Activation, OFFSETS, range};

use super::activation::{activate, times_slope};
use super::loss::{CLASSES, loss, output};
use super::micro_batch::{FC1, FC2, FC3, MicroBatch, Scratch};
use super::simd::{Kernel, Simd};
use super::{conv1, conv2, dense};

/// What a network computes with: its activation and its parameters, in the layout of [`crate::model::OFFSETS`].
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
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

    /// The forward pass of up to [`MICRO_BATCH`](super::dense::PIECE) images. What the backward pass reads is in `scratch` and
    /// `piece`. Calls `done` with the name of each part.
    #[inline(always)]
    fn forward<S: Simd>(
        &self,
        s: S,
        images: Minibatch<'_>,
        scratch: &mut Scratch,
        piece: &mut MicroBatch,
        done: &mut impl FnMut(&'static str),
    ) {
        let activation = self.activation;
        let n = images.len();
        piece.n = n;
        scratch.load(images);
        done("load");

        let y = &mut scratch.y_conv1.0[..n];
        let argmax = &mut scratch.argmax_conv1[..n];
        conv1::forward(s, &scratch.pixels.0[..n], self.weight(0), self.bias(0), y, argmax);
        activate(s, activation, y.as_flattened_mut());
        done("conv1");

        let (x, y) = (&*y, &mut piece.fc1.x.0[..n]);
        let argmax = &mut scratch.argmax_conv2[..n];
        conv2::forward(s, x, self.weight(1), self.bias(1), y, argmax);
        activate(s, activation, y.as_flattened_mut());
        done("conv2");

        let (x, y) = (piece.fc1.x.0.as_flattened(), piece.fc2.x.0.as_flattened_mut());
        dense::forward(s, FC1, n, x, self.weight_and_rest(2), self.bias(2), y);
        activate(s, activation, y);
        done("fc1");

        let (x, y) = (piece.fc2.x.0.as_flattened(), piece.fc3.x.0.as_flattened_mut());
        dense::forward(s, FC2, n, x, self.weight_and_rest(3), self.bias(3), y);
        activate(s, activation, y);
        done("fc2");

        let (x, y) = (piece.fc3.x.0.as_flattened(), scratch.y_fc3.0.as_flattened_mut());
        dense::forward(s, FC3, n, x, self.weight_and_rest(4), self.bias(4), y);
        activate(s, activation, y);
        done("fc3");
    }

    /// The backward pass after [`Self::forward`], of images of a batch of `batch`.
    #[inline(always)]
    fn backward<S: Simd>(
        &self,
        s: S,
        images: Minibatch<'_>,
        batch: usize,
        scratch: &mut Scratch,
        piece: &mut MicroBatch,
        done: &mut impl FnMut(&'static str),
    ) {
        let activation = self.activation;
        let n = images.len();

        for (place, score) in piece.scores[..n].iter_mut().enumerate() {
            let y = scratch.y_fc3.0[place].first_chunk().expect("ten and more");
            let d_y = piece.fc3.d_z.0[place].first_chunk_mut().expect("ten and more");
            *score = loss(activation, y, images.get(place).2, batch, d_y);
        }
        let d = piece.fc3.d_z.0.as_flattened_mut();
        times_slope(s, activation, scratch.y_fc3.0.as_flattened(), d);
        done("loss");

        let (d_z, d) = (&*d, piece.fc2.d_z.0.as_flattened_mut());
        dense::input_gradient(s, FC3, d_z, self.weight(4), d);
        times_slope(s, activation, piece.fc3.x.0.as_flattened(), d);
        done("fc3 backward");

        let (d_z, d) = (&*d, piece.fc1.d_z.0.as_flattened_mut());
        dense::input_gradient(s, FC2, d_z, self.weight(3), d);
        times_slope(s, activation, piece.fc2.x.0.as_flattened(), d);
        done("fc2 backward");

        let (d_z, d) = (&*d, scratch.d_conv2.0.as_flattened_mut());
        dense::input_gradient(s, FC1, d_z, self.weight(2), d);
        times_slope(s, activation, piece.fc1.x.0.as_flattened(), d);
        done("fc1 backward");

        scratch.shifted.fill(s, self.weight(1));
        let (x, argmax) = (&scratch.y_conv1.0[..n], &scratch.argmax_conv2[..n]);
        let (d_z, d) = (&scratch.d_conv2.0[..n], &mut scratch.d_conv1.0[..n]);
        conv2::backward(s, x, argmax, d_z, &scratch.shifted, d, &mut piece.conv2);
        times_slope(s, activation, x.as_flattened(), d.as_flattened_mut());
        done("conv2 backward");

        let (x, argmax) = (&scratch.pixels.0[..n], &scratch.argmax_conv1[..n]);
        conv1::backward(s, x, argmax, d, &mut piece.conv1);
        done("conv1 backward");
    }
}

/// The network's outputs for the images of a piece.
pub(super) struct Outputs<'a> {
    pub network: Network<'a>,
    pub images: Minibatch<'a>,
    pub scratch: &'a mut Scratch,
    pub piece: &'a mut MicroBatch,
    pub outputs: &'a mut [[f32; CLASSES]],
}

impl Kernel for Outputs<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.network.forward(s, self.images, self.scratch, self.piece, &mut |_| ());
        for (outputs, y) in self.outputs.iter_mut().zip(&self.scratch.y_fc3.0) {
            for (output_, y) in outputs.iter_mut().zip(y) {
                *output_ = output(self.network.activation, *y);
            }
        }
    }
}

/// Both passes of the images of a piece, of a batch of `batch`.
pub(super) struct Samples<'a, F> {
    pub network: Network<'a>,
    pub images: Minibatch<'a>,
    pub batch: usize,
    pub scratch: &'a mut Scratch,
    pub piece: &'a mut MicroBatch,
    /// Called after each part with its name.
    pub done: F,
}

impl<F: FnMut(&'static str)> Kernel for Samples<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { network, images, batch, scratch, piece, mut done } = self;
        network.forward(s, images, scratch, piece, &mut done);
        network.backward(s, images, batch, scratch, piece, &mut done);
    }
}
