//! The gradients of all parameters from what the images left, and what becomes of them: the second half of a step.
//!
//! Each parameter's gradient is a sum over the images in their order. Parameters are shared among threads in jobs of about
//! two thousand; a job writes nothing but its own.

use rayon::prelude::*;

use crate::model::OFFSETS;

use super::dense::{Size, stride};
use super::micro_batch::{FC1, FC2, FC3, MicroBatch};
use super::sgd::Target;
use super::simd::{Kernel, LANES, Simd, SimdLevel};
use super::{TAPS, conv1, conv2, lanes};

/// The sizes of the dense layers, and how many rows of its weight are a job.
const DENSE: [(Size, usize); 3] = [(FC1, 16), (FC2, 24), (FC3, 84)];

/// Parameters that are summed and changed together.
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
    /// All jobs, in the order of their parameters.
    fn all() -> impl Iterator<Item = Self> {
        let dense = DENSE.into_iter().enumerate().flat_map(|(layer, (size, count))| {
            let rows = (0..size.inputs).step_by(count);
            let rows = rows.map(move |first| Self::Rows { layer, first });
            rows.chain([Self::Bias { layer }])
        });
        std::iter::once(Self::Convolutions).chain(dense)
    }

    fn parameters(self) -> usize {
        match self {
            Self::Convolutions => OFFSETS[4],
            Self::Rows { layer, .. } => DENSE[layer].1 * DENSE[layer].0.outputs,
            Self::Bias { layer } => DENSE[layer].0.outputs,
        }
    }
}

/// Hands the gradients of all parameters, summed over the images of `pieces`, to `target`.
pub(super) fn weights(level: SimdLevel, pieces: &[Box<MicroBatch>], target: Target<'_>) {
    let mut rest = target;
    let mut jobs = Vec::with_capacity(32);
    for job in UpdateTask::all() {
        let (target, others) = rest.split_at(job.parameters());
        jobs.push(Work { job, pieces, target });
        rest = others;
    }
    jobs.into_par_iter().with_max_len(1).for_each(|work| level.run(work));
}

struct Work<'a> {
    job: UpdateTask,
    pieces: &'a [Box<MicroBatch>],
    target: Target<'a>,
}

impl Kernel for Work<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { job, pieces, target } = self;
        match job {
            UpdateTask::Convolutions => convolutions(s, pieces, target),
            UpdateTask::Rows { layer, first } => rows(s, pieces, layer, first, target),
            UpdateTask::Bias { layer } => bias(s, pieces, layer, target),
        }
    }
}

#[inline(always)]
fn convolutions<S: Simd>(s: S, pieces: &[Box<MicroBatch>], mut target: Target<'_>) {
    const CONV1: usize = conv1::WEIGHT + conv1::CHANNELS;
    const CONV2: usize = conv2::WEIGHT + conv2::CHANNELS;
    let Some((first, others)) = pieces.split_first() else {
        return;
    };
    let (mut sums1, mut sums2) = (first.conv1, first.conv2);
    for piece in others {
        sums1.add(&piece.conv1);
        sums2.add(&piece.conv2);
    }
    let (mut d_conv1, mut d_conv2) = ([0.0; CONV1], [0.0; CONV2]);
    sums1.write(5, |row, column| 5 * row + column, &mut d_conv1);
    sums2.write(conv2::INPUTS, |tap, input| TAPS * input + tap, &mut d_conv2);
    for (tensor, d, weights) in [(0, &d_conv1[..], conv1::WEIGHT), (2, &d_conv2[..], conv2::WEIGHT)]
    {
        target.take(s, OFFSETS[tensor], &d[..weights], tensor);
        target.take(s, OFFSETS[tensor + 1], &d[weights..], tensor + 1);
    }
}

/// `transpose(x) * d_z` for some rows of a weight: tiles of four inputs by sixteen outputs.
#[inline(always)]
fn rows<S: Simd>(
    s: S,
    pieces: &[Box<MicroBatch>],
    layer: usize,
    first: usize,
    mut target: Target<'_>,
) {
    let (size, count) = DENSE[layer];
    let outputs = size.outputs;
    let [x_stride, d_stride] = size.strides();
    for row in (0..count).step_by(4) {
        for column in (0..outputs).step_by(2 * LANES) {
            let mut sums = [[s.splat(0.0); 2]; 4];
            for piece in pieces {
                let (x, d) = piece.of_dense(layer);
                let images = x.chunks_exact(x_stride).zip(d.chunks_exact(d_stride));
                for (x, d) in images.take(piece.n) {
                    let x: &[f32; 4] = super::window(x, first + row);
                    let d: &[f32; 2 * LANES] = super::window(d, column);
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
                target.take(s, at, &g.as_flattened()[..width], 4 + 2 * layer);
            }
        }
    }
}

/// The sum of d_z.
#[inline(always)]
fn bias<S: Simd>(s: S, pieces: &[Box<MicroBatch>], layer: usize, mut target: Target<'_>) {
    const LONGEST: usize = stride(FC1.outputs);
    let size = DENSE[layer].0;
    let [_, d_stride] = size.strides();
    let mut sums = [0.0; LONGEST];
    for piece in pieces {
        let (_, d) = piece.of_dense(layer);
        for d in d.chunks_exact(d_stride).take(piece.n) {
            for at in (0..d_stride).step_by(LANES) {
                let sum = s.add(s.load(lanes(&sums, at)), s.load(lanes(d, at)));
                s.store(sum, super::lanes_mut(&mut sums, at));
            }
        }
    }
    target.take(s, 0, &sums[..size.outputs], 5 + 2 * layer);
}

// A tile has four rows, and a job the same number of rows as the others of its layer.
const _: () = {
    let mut layer = 0;
    while layer < DENSE.len() {
        let (size, count) = DENSE[layer];
        assert!(count.is_multiple_of(4) && size.inputs.is_multiple_of(count));
        layer += 1;
    }
};
