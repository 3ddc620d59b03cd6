//! LeNet's step as CPU code on slices of `f32`, free of Burn.
//!
//! ```text
//! samples   a few images at a time: pixels -> conv1 -> conv2 -> fc1 -> fc2 -> fc3 -> loss, and back again
//! weights   some parameters at a time: gradients as sums over the images, and the step of gradient descent
//! ```
//!
//! Each half is shared among the threads of the current rayon pool. Its pieces depend on the batch alone, and sums over
//! pieces are taken in a fixed order: results are equal bit for bit for any number of threads. Levels differ in the last
//! bits, as only some have a multiply-add that rounds once. A gradient is called `d_` and the name of what it is the gradient
//! of; x is what comes into a layer, z its sums, y what its activation makes of them.

mod activation;
mod conv1;
mod conv1_backward;
mod conv2;
mod conv2_backward;
mod conv2_input_gradient;
mod dense;
mod forward_backward;
mod loss;
mod micro_batch;
mod muon;
mod sgd;
mod simd;
mod spin_pool;
#[cfg(feature = "ndarray")]
mod trainer;
mod update;

use rayon::prelude::*;

use crate::data::Minibatch;
use crate::model::{Activation, PARAMETERS, SampleResult};

pub use sgd::ParameterUpdate;
pub use simd::{SimdLevel, SimdLevelError, level};

use dense::MICRO_BATCH;
use forward_backward::{Network, Outputs, Samples};
use loss::CLASSES;
use micro_batch::{MicroBatch, Scratch};
use muon::NewtonSchulz;
use sgd::Target;
use simd::{LANES, Simd};
use spin_pool::SpinPool;

/// The outputs of the network for `images`, [n, 10].
///
/// # Panics
/// There are not [`PARAMETERS`] of the parameters.
pub fn outputs(
    level: SimdLevel,
    activation: Activation,
    parameters: &[f32],
    images: Minibatch<'_>,
) -> Vec<f32> {
    assert_eq!(parameters.len(), PARAMETERS);
    let network = Network { activation, parameters };
    let mut outputs = vec![[0.0; CLASSES]; images.len()];
    let pieces = outputs.par_chunks_mut(MICRO_BATCH).enumerate();
    pieces.for_each_init(
        || Box::new(MicroBatch::new()),
        |piece, (number, outputs)| {
            let images = images.part(number * MICRO_BATCH, MICRO_BATCH);
            Scratch::with(|scratch| {
                level.run(Outputs { network, images, scratch, piece, outputs });
            });
        },
    );
    outputs.into_flattened()
}

/// Makes steps, in memory that it keeps.
#[derive(Default)]
pub struct Stepper {
    pieces: Vec<Box<MicroBatch>>,
    orthogonal: NewtonSchulz,
    awake: SpinPool,
}

impl Stepper {
    /// The gradients of the mean loss of `images`. Overwrites `gradients`.
    ///
    /// # Panics
    /// A slice has not [`PARAMETERS`] values.
    pub fn gradients(
        &mut self,
        level: SimdLevel,
        activation: Activation,
        parameters: &[f32],
        images: Minibatch<'_>,
        gradients: &mut [f32],
    ) {
        assert_eq!(gradients.len(), PARAMETERS);
        self.samples(level, Network { activation, parameters }, images);
        update::weights(level, &self.pieces, Target::keep(gradients));
    }

    /// A step of gradient descent on `images`. Changes parameters and velocity in place.
    ///
    /// # Panics
    /// A slice has not [`PARAMETERS`] values.
    pub fn step(
        &mut self,
        level: SimdLevel,
        activation: Activation,
        descent: ParameterUpdate<'_>,
        images: Minibatch<'_>,
    ) {
        self.samples(level, Network { activation, parameters: descent.parameters }, images);
        let pieces = &self.pieces;
        descent.apply(level, &mut self.orthogonal, |target| {
            update::weights(level, pieces, target);
        });
    }

    /// The scores of the last batch's images, in order.
    pub fn scores(&self) -> impl Iterator<Item = SampleResult> {
        self.pieces.iter().flat_map(|piece| piece.scores()).copied()
    }

    /// The first half: the passes of all images.
    fn samples(&mut self, level: SimdLevel, network: Network<'_>, images: Minibatch<'_>) {
        assert_eq!(network.parameters.len(), PARAMETERS);
        self.awake.call();
        let batch = images.len();
        let pieces = batch.div_ceil(MICRO_BATCH);
        self.pieces.resize_with(pieces, || Box::new(MicroBatch::new()));
        let pieces = self.pieces.par_iter_mut().with_max_len(1).enumerate();
        pieces.for_each(|(number, piece)| {
            let images = images.part(number * MICRO_BATCH, MICRO_BATCH);
            Scratch::with(|scratch| {
                level.run(Samples { network, images, batch, scratch, piece, done: |_| () });
            });
        });
    }
}

/// Values of a filter of 5x5.
const TAPS: usize = 25;

/// A value at the start of a cache line, so that rows of 16 floats never lie across two.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Aligned<T>(T);

/// The eight values of `x` from `at` on.
#[inline(always)]
fn lanes(x: &[f32], at: usize) -> &[f32; LANES] {
    window(x, at)
}

/// The `N` values of `x` from `at` on.
#[inline(always)]
fn window<T, const N: usize>(x: &[T], at: usize) -> &[T; N] {
    x[at..at + N].try_into().expect("the range is N long")
}

/// The eight values of `x` from `at` on, to be written.
#[inline(always)]
fn lanes_mut(x: &mut [f32], at: usize) -> &mut [f32; LANES] {
    (&mut x[at..at + LANES]).try_into().expect("the range is LANES long")
}

/// The maximum of four and its index, of equals the first.
#[inline(always)]
fn first_maximum<S: Simd>(s: S, [a, b, c, d]: [S::V; 4]) -> (S::V, S::V) {
    let in_upper = s.select_greater(b, a, s.splat(1.0), s.splat(0.0));
    let in_lower = s.select_greater(d, c, s.splat(3.0), s.splat(2.0));
    let (upper, lower) = (s.max(a, b), s.max(c, d));
    (s.max(upper, lower), s.select_greater(lower, upper, in_lower, in_upper))
}
