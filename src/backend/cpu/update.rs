//! The update phase of a step: computes the gradient of each parameter and updates the parameter.
//!
//! A gradient is summed over the images in their order. The threads share tasks of about two thousand parameters, and each task
//! only writes its own parameters.

use rayon::prelude::*;

use crate::model::{CONV2, DenseShape, FC1, FC2, FC3, KERNEL, OFFSETS, TAPS};

use super::dense::{stride, strides};
use super::micro_batch::{Dense, MICRO_BATCH, MicroBatch};
use super::muon::NewtonSchulz;
use super::simd::{Kernel, LANES, Simd, SimdLevel, Vectors, WIDE, Wide};
use super::slices::{window, window_mut};
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

/// Maximum number of parameters per task on a dense layer.
const MOST: usize = 24 * FC2.outputs;

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
            UpdateTask::Rows { layer, first } => match (S::Wide::IS_ONE_REGISTER, layer) {
                (true, 0) => rows::<S, 8, 2, _, _>(s, micro_batches, |m| &m.fc1, 0, first, target),
                (true, 1) => rows::<S, 8, 2, _, _>(s, micro_batches, |m| &m.fc2, 1, first, target),
                (true, _) => rows::<S, 12, 1, _, _>(s, micro_batches, |m| &m.fc3, 2, first, target),
                (false, 0) => rows::<S, 4, 1, _, _>(s, micro_batches, |m| &m.fc1, 0, first, target),
                (false, 1) => rows::<S, 4, 1, _, _>(s, micro_batches, |m| &m.fc2, 1, first, target),
                (false, _) => rows::<S, 4, 1, _, _>(s, micro_batches, |m| &m.fc3, 2, first, target),
            },
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
    let index = |ky, lane| TAPS * (lane / KERNEL) + KERNEL * ky + lane % KERNEL;
    sums2.write(CONV2.inputs * KERNEL, index, &mut d_conv2);
    for (tensor, d, weights) in [(0, &d_conv1[..], conv1::WEIGHT), (2, &d_conv2[..], conv2::WEIGHT)]
    {
        target.update(s, OFFSETS[tensor], &d[..weights], tensor);
        target.update(s, OFFSETS[tensor + 1], &d[weights..], tensor + 1);
    }
}

/// Updates the rows of a weight from `first` on by their gradient, `transpose(x) * d_z`, in tiles of `R` inputs by `C` wide
/// vectors of outputs.
#[inline(always)]
fn rows<S: Simd, const R: usize, const C: usize, const INPUTS: usize, const OUTPUTS: usize>(
    s: S,
    micro_batches: &[Box<MicroBatch>],
    dense: impl Fn(&MicroBatch) -> &Dense<INPUTS, OUTPUTS>,
    layer: usize,
    first: usize,
    mut target: Target<'_>,
) {
    let w = s.wide();
    let (DenseShape { outputs, .. }, count) = DENSE[layer];
    let mut gradient = [0.0; MOST + WIDE];
    for row in (0..count).step_by(R) {
        // The last vector of a row ends in the next row. The columns are processed from last to first, so that the values of
        // the next row are written later.
        for column in (0..outputs).step_by(C * WIDE).rev() {
            // With these bounds, the compiler removes the bounds checks of the loop, and the sums stay in registers.
            let (input, output) = ((first + row).min(INPUTS - R), column.min(OUTPUTS - C * WIDE));
            let mut sums = [[w.splat(0.0); C]; R];
            for micro_batch in micro_batches {
                let Dense { x, d_z } = dense(micro_batch);
                for image in 0..micro_batch.n.min(MICRO_BATCH) {
                    let x: &[f32; R] = window(&x.0[image], input);
                    let mut d = [w.splat(0.0); C];
                    for (c, d) in d.iter_mut().enumerate() {
                        *d = w.load(window(&d_z.0[image], output + c * WIDE));
                    }
                    for (x, sums) in x.iter().zip(&mut sums) {
                        let x = w.splat(*x);
                        for (sum, d) in sums.iter_mut().zip(&d) {
                            *sum = w.mul_add(x, *d, *sum);
                        }
                    }
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                for (c, sum) in sums.iter().enumerate() {
                    let at = (row + i) * outputs + column + c * WIDE;
                    w.store(*sum, window_mut(&mut gradient, at));
                }
            }
        }
    }
    target.update(s, 0, &gradient[..count * outputs], 4 + 2 * layer);
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
                let sum = s.add(s.load(window(&sums, at)), s.load(window(d, at)));
                s.store(sum, window_mut(&mut sums, at));
            }
        }
    }
    target.update(s, 0, &sums[..shape.outputs], 5 + 2 * layer);
}

// Tiles have 4, 8 or 12 rows, and all tasks of a layer have the same number of rows.
const _: () = {
    let mut layer = 0;
    while layer < DENSE.len() {
        let (shape, count) = DENSE[layer];
        assert!(count.is_multiple_of(if layer == 2 { 12 } else { 8 }));
        assert!(shape.inputs.is_multiple_of(count) && count * shape.outputs <= MOST);
        layer += 1;
    }
};
