//! The forward/backward phase of a step: the forward and backward passes for one micro-batch.

use crate::data::Minibatch;
use crate::model::{Activation, FC1, FC2, FC3, OFFSETS, OUTPUTS, range};

use super::activation::{activate, times_slope};
use super::loss::{loss, output};
use super::micro_batch::{MicroBatch, Scratch};
use super::simd::{Kernel, Simd};
use super::{conv1, conv2, dense};

/// A network: its activation, and its parameters in the layout of [`Weights`](crate::model::Weights).
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
    pub activation: Activation,
    pub parameters: &'a [f32],
}

impl Network<'_> {
    /// Returns the weight of layer `layer`, counted from 0.
    #[inline(always)]
    fn weight(&self, layer: usize) -> &[f32] {
        &self.parameters[range(2 * layer)]
    }

    /// Returns the weight of layer `layer` and all parameters after it.
    #[inline(always)]
    fn weight_and_rest(&self, layer: usize) -> &[f32] {
        &self.parameters[OFFSETS[2 * layer]..]
    }

    #[inline(always)]
    fn bias(&self, layer: usize) -> &[f32] {
        &self.parameters[range(2 * layer + 1)]
    }

    /// Runs the forward pass. Writes the values that the backward pass reads to `scratch` and `micro_batch`.
    #[inline(always)]
    fn forward<S: Simd>(
        &self,
        s: S,
        images: Minibatch<'_>,
        scratch: &mut Scratch,
        micro_batch: &mut MicroBatch,
    ) {
        let activation = self.activation;
        let n = images.len();
        micro_batch.n = n;
        scratch.load(images);

        let y = &mut scratch.y_conv1.0[..n];
        let argmax = &mut scratch.argmax_conv1[..n];
        conv1::forward(s, &scratch.pixels.0[..n], self.weight(0), self.bias(0), y, argmax);
        activate(s, activation, y.as_flattened_mut());

        let (x, y) = (&*y, &mut micro_batch.fc1.x.0[..n]);
        let argmax = &mut scratch.argmax_conv2[..n];
        conv2::forward(s, x, self.weight(1), self.bias(1), y, argmax);
        activate(s, activation, y.as_flattened_mut());

        let (x, y) = (micro_batch.fc1.x.0.as_flattened(), micro_batch.fc2.x.0.as_flattened_mut());
        dense::forward(s, FC1, n, x, self.weight_and_rest(2), self.bias(2), y);
        activate(s, activation, y);

        let (x, y) = (micro_batch.fc2.x.0.as_flattened(), micro_batch.fc3.x.0.as_flattened_mut());
        dense::forward(s, FC2, n, x, self.weight_and_rest(3), self.bias(3), y);
        activate(s, activation, y);

        let (x, y) = (micro_batch.fc3.x.0.as_flattened(), scratch.y_fc3.0.as_flattened_mut());
        dense::forward(s, FC3, n, x, self.weight_and_rest(4), self.bias(4), y);
        activate(s, activation, y);
    }

    /// Runs the backward pass after [`Self::forward`]. The images are part of a minibatch of `batch_size` images.
    #[inline(always)]
    fn backward<S: Simd>(
        &self,
        s: S,
        images: Minibatch<'_>,
        batch_size: usize,
        scratch: &mut Scratch,
        micro_batch: &mut MicroBatch,
    ) {
        let activation = self.activation;
        let n = images.len();

        for (index, result) in micro_batch.results[..n].iter_mut().enumerate() {
            let y = scratch.y_fc3.0[index].first_chunk().expect("ten outputs and padding");
            let d_y = &mut micro_batch.fc3.d_z.0[index];
            let d_y = d_y.first_chunk_mut().expect("ten outputs and padding");
            *result = loss(activation, y, images.get(index).2, batch_size, d_y);
        }
        let d = micro_batch.fc3.d_z.0.as_flattened_mut();
        times_slope(s, activation, scratch.y_fc3.0.as_flattened(), d);

        let (d_z, d) = (&*d, micro_batch.fc2.d_z.0.as_flattened_mut());
        dense::input_gradient(s, FC3, d_z, self.weight(4), d);
        times_slope(s, activation, micro_batch.fc3.x.0.as_flattened(), d);

        let (d_z, d) = (&*d, micro_batch.fc1.d_z.0.as_flattened_mut());
        dense::input_gradient(s, FC2, d_z, self.weight(3), d);
        times_slope(s, activation, micro_batch.fc2.x.0.as_flattened(), d);

        let (d_z, d) = (&*d, scratch.d_conv2.0.as_flattened_mut());
        dense::input_gradient(s, FC1, d_z, self.weight(2), d);
        times_slope(s, activation, micro_batch.fc1.x.0.as_flattened(), d);

        scratch.shifted.fill(s, self.weight(1));
        let (x, argmax) = (&scratch.y_conv1.0[..n], &scratch.argmax_conv2[..n]);
        let (d_z, d) = (&scratch.d_conv2.0[..n], &mut scratch.d_conv1.0[..n]);
        conv2::backward(s, x, argmax, d_z, &scratch.shifted, d, &mut micro_batch.conv2);
        times_slope(s, activation, x.as_flattened(), d.as_flattened_mut());

        let (x, argmax) = (&scratch.pixels.0[..n], &scratch.argmax_conv1[..n]);
        conv1::backward(s, x, argmax, d, &mut micro_batch.conv1);
    }
}

/// The forward pass of a micro-batch, for inference.
pub(super) struct Forward<'a> {
    pub network: Network<'a>,
    pub images: Minibatch<'a>,
    pub scratch: &'a mut Scratch,
    pub micro_batch: &'a mut MicroBatch,
    pub outputs: &'a mut [[f32; OUTPUTS]],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.network.forward(s, self.images, self.scratch, self.micro_batch);
        for (outputs, y) in self.outputs.iter_mut().zip(&self.scratch.y_fc3.0) {
            for (output_, y) in outputs.iter_mut().zip(y) {
                *output_ = output(self.network.activation, *y);
            }
        }
    }
}

/// The forward and backward pass of a micro-batch, which is part of a minibatch of `batch_size`.
pub(super) struct ForwardBackward<'a> {
    pub network: Network<'a>,
    pub images: Minibatch<'a>,
    pub batch_size: usize,
    pub scratch: &'a mut Scratch,
    pub micro_batch: &'a mut MicroBatch,
}

impl Kernel for ForwardBackward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { network, images, batch_size, scratch, micro_batch } = self;
        network.forward(s, images, scratch, micro_batch);
        network.backward(s, images, batch_size, scratch, micro_batch);
    }
}
