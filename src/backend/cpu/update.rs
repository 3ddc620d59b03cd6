//! The update phase of a step: computes the gradient of each parameter and updates the parameter.
//!
//! A gradient is summed over the images in their order. The threads share tasks of about two thousand parameters, and each task
//! only writes its own parameters.

use rayon::prelude::*;

use crate::model::{CONV2, DenseShape, FC1, FC2, FC3, KERNEL, OFFSETS, TAPS};

use super::dense::{stride, strides};
use super::micro_batch::{Dense, MICRO_BATCH, MicroBatch};
use super::muon::NewtonSchulz;
use super::simd::{Kernel, LANES, Simd, SimdLevel};
use super::slices::{lanes, lanes_mut, window};
use super::{conv1, conv2};

pub(super) use super::sgd::ParameterUpdate;
use super::sgd::Target;

/// Updates the parameters by their gradients, summed over the images of the micro-batches.
pub(super) fn update(
    level: SimdLevel,
    parameters: ParameterUpdate<'_>,
    micro_batches: &[Box<MicroBatch>],
    newton_schulz: &mut NewtonSchulz,
) {
    let ParameterUpdate { sgd, learning_rate, weights, velocity } = parameters;
    let directions = sgd.muon.is_some().then(|| newton_schulz.directions());
    let parameters = ParameterUpdate { sgd, learning_rate, weights: &mut *weights, velocity };
    let mut rest = Target { parameters, directions };
    let mut kernels = Vec::with_capacity(32);
    for task in UpdateTask::all() {
        let (target, others) = rest.split_at(task.parameters());
        kernels.push(Update { task, micro_batches, target });
        rest = others;
    }
    kernels.into_par_iter().with_max_len(1).for_each(|kernel| level.run(kernel));
    if let Some(muon) = sgd.muon {
        newton_schulz.update(level, muon, learning_rate, weights);
    }
}

/// The dense layers, and the number of weight rows that a task updates.
const DENSE: [(DenseShape, usize); 3] = [(FC1, 16), (FC2, 24), (FC3, 84)];

/// The parameters that one task updates.
#[derive(Clone, Copy)]
enum UpdateTask {
    Convolutions,
    /// Rows of the weight of a dense layer, from `first` on.
    Rows {
        layer: usize,
        first: usize,
    },
    /// The bias of a dense layer.
    Bias {
        layer: usize,
    },
}

impl UpdateTask {
    /// Returns all tasks, in the order of their parameters.
    fn all() -> impl Iterator<Item = Self> {
        let dense = DENSE.into_iter().enumerate().flat_map(|(layer, (shape, count))| {
            let rows = (0..shape.inputs).step_by(count);
            let rows = rows.map(move |first| Self::Rows { layer, first });
            rows.chain([Self::Bias { layer }])
        });
        std::iter::once(Self::Convolutions).chain(dense)
    }

    /// Returns the number of parameters.
    fn parameters(self) -> usize {
        match self {
            Self::Convolutions => OFFSETS[4],
            Self::Rows { layer, .. } => DENSE[layer].1 * DENSE[layer].0.outputs,
            Self::Bias { layer } => DENSE[layer].0.outputs,
        }
    }
}

struct Update<'a> {
    task: UpdateTask,
    micro_batches: &'a [Box<MicroBatch>],
    target: Target<'a>,
}

impl Kernel for Update<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { task, micro_batches, target } = self;
        match task {
            UpdateTask::Convolutions => convolutions(s, micro_batches, target),
            UpdateTask::Rows { layer: 0, first } => {
                rows(s, micro_batches, |m| &m.fc1, 0, first, target);
            }
            UpdateTask::Rows { layer: 1, first } => {
                rows(s, micro_batches, |m| &m.fc2, 1, first, target);
            }
            UpdateTask::Rows { first, .. } => {
                rows(s, micro_batches, |m| &m.fc3, 2, first, target);
            }
            UpdateTask::Bias { layer } => bias(s, micro_batches, layer, target),
        }
    }
}

#[inline(always)]
fn convolutions<S: Simd>(s: S, micro_batches: &[Box<MicroBatch>], mut target: Target<'_>) {
    let Some((first, others)) = micro_batches.split_first() else {
        return;
    };
    let (mut sums1, mut sums2) = (first.conv1, first.conv2);
    for micro_batch in others {
        sums1.add(&micro_batch.conv1);
        sums2.add(&micro_batch.conv2);
    }
    let mut d_conv1 = [0.0; conv1::WEIGHT + conv1::CHANNELS];
    let mut d_conv2 = [0.0; conv2::WEIGHT + conv2::CHANNELS];
    sums1.write(KERNEL, |row, column| KERNEL * row + column, &mut d_conv1);
    sums2.write(CONV2.inputs, |tap, input| TAPS * input + tap, &mut d_conv2);
    for (tensor, d, weights) in [(0, &d_conv1[..], conv1::WEIGHT), (2, &d_conv2[..], conv2::WEIGHT)]
    {
        target.update(s, OFFSETS[tensor], &d[..weights], tensor);
        target.update(s, OFFSETS[tensor + 1], &d[weights..], tensor + 1);
    }
}

/// Updates the rows of a weight from `first` on by their gradient, `transpose(x) * d_z`, in tiles of four inputs by sixteen
/// outputs.
#[inline(always)]
fn rows<S: Simd, const INPUTS: usize, const OUTPUTS: usize>(
    s: S,
    micro_batches: &[Box<MicroBatch>],
    dense: impl Fn(&MicroBatch) -> &Dense<INPUTS, OUTPUTS>,
    layer: usize,
    first: usize,
    mut target: Target<'_>,
) {
    let (DenseShape { outputs, .. }, count) = DENSE[layer];
    for row in (0..count).step_by(4) {
        for column in (0..outputs).step_by(2 * LANES) {
            // With these bounds, the compiler removes the bounds checks of the loop, and the sums stay in registers.
            let (input, output) = ((first + row).min(INPUTS - 4), column.min(OUTPUTS - 2 * LANES));
            let mut sums = [[s.splat(0.0); 2]; 4];
            for micro_batch in micro_batches {
                let Dense { x, d_z } = dense(micro_batch);
                for image in 0..micro_batch.n.min(MICRO_BATCH) {
                    let x: &[f32; 4] = window(&x.0[image], input);
                    let d: &[f32; 2 * LANES] = window(&d_z.0[image], output);
                    let d = [s.load(lanes(d, 0)), s.load(lanes(d, LANES))];
                    for (x, sums) in x.iter().zip(&mut sums) {
                        let x = s.splat(*x);
                        sums[0] = s.mul_add(x, d[0], sums[0]);
                        sums[1] = s.mul_add(x, d[1], sums[1]);
                    }
                }
            }
            let width = (outputs - column).min(2 * LANES);
            for (i, sums) in sums.iter().enumerate() {
                let mut g = [[0.0; LANES]; 2];
                s.store(sums[0], &mut g[0]);
                s.store(sums[1], &mut g[1]);
                let at = (row + i) * outputs + column;
                target.update(s, at, &g.as_flattened()[..width], 4 + 2 * layer);
            }
        }
    }
}

/// Updates a bias by its gradient, the sum of d_z.
#[inline(always)]
fn bias<S: Simd>(s: S, micro_batches: &[Box<MicroBatch>], layer: usize, mut target: Target<'_>) {
    const LONGEST: usize = stride(FC1.outputs);
    let shape = DENSE[layer].0;
    let [_, d_stride] = strides(shape);
    let mut sums = [0.0; LONGEST];
    for micro_batch in micro_batches {
        let (_, d) = micro_batch.dense(layer);
        for d in d.chunks_exact(d_stride).take(micro_batch.n) {
            for at in (0..d_stride).step_by(LANES) {
                let sum = s.add(s.load(lanes(&sums, at)), s.load(lanes(d, at)));
                s.store(sum, lanes_mut(&mut sums, at));
            }
        }
    }
    target.update(s, 0, &sums[..shape.outputs], 5 + 2 * layer);
}

// Tiles have four rows, and all tasks of a layer have the same number of rows.
const _: () = {
    let mut layer = 0;
    while layer < DENSE.len() {
        let (shape, count) = DENSE[layer];
        assert!(count.is_multiple_of(4) && shape.inputs.is_multiple_of(count));
        layer += 1;
    }
};
