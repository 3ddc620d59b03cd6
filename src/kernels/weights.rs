//! The gradients of all parameters from what the images left, and what becomes of them: the second half of a step.
//!
//! Each parameter's gradient is a sum over the images in their order. Parameters are shared among threads in jobs of about
//! two thousand; a job writes nothing but its own.

use crate::model::OFFSETS;

use super::dense::{Size, stride};
use super::piece::{FC1, FC2, FC3, PIECE, Piece};
use super::simd::{Kernel, LANES, Level, Simd};
use super::update::{Kind, Target};
use super::{conv1, conv2, lanes};

/// Parameters that are summed and changed together.
#[derive(Clone, Copy)]
enum Job {
    Convolutions,
    /// Rows of the weight of a dense layer.
    Rows {
        layer: Dense,
        first: usize,
        count: usize,
    },
    /// The bias of a dense layer.
    Bias {
        layer: Dense,
    },
}

/// The index of fc1's weight in [`crate::model::TENSORS`]; the others' follow by twos.
const FIRST_DENSE: usize = 4;

#[derive(Clone, Copy)]
enum Dense {
    Fc1,
    Fc2,
    Fc3,
}

impl Dense {
    const fn size(self) -> Size {
        match self {
            Self::Fc1 => FC1,
            Self::Fc2 => FC2,
            Self::Fc3 => FC3,
        }
    }

    /// The layer's inputs, the gradients of its sums, of the images of a piece.
    #[inline(always)]
    fn of(self, piece: &Piece) -> (&[f32], &[f32]) {
        match self {
            Self::Fc1 => (piece.x_fc1.0.as_flattened(), piece.d_fc1.0.as_flattened()),
            Self::Fc2 => (piece.x_fc2.0.as_flattened(), piece.d_fc2.0.as_flattened()),
            Self::Fc3 => (piece.x_fc3.0.as_flattened(), piece.d_fc3.0.as_flattened()),
        }
    }
}

impl Job {
    const fn parameters(self) -> usize {
        match self {
            Self::Convolutions => OFFSETS[4],
            Self::Rows { layer, count, .. } => count * layer.size().outputs,
            Self::Bias { layer } => layer.size().outputs,
        }
    }
}

/// All jobs, in the order of their parameters.
const JOBS: [Job; 26] = {
    let mut jobs = [Job::Convolutions; 26];
    let mut next = 1;
    let layers = [(Dense::Fc1, 16), (Dense::Fc2, 24), (Dense::Fc3, 84)];
    let mut i = 0;
    while i < layers.len() {
        let (layer, count) = layers[i];
        let mut first = 0;
        while first < layer.size().inputs {
            jobs[next] = Job::Rows { layer, first, count };
            first += count;
            next += 1;
        }
        jobs[next] = Job::Bias { layer };
        next += 1;
        i += 1;
    }
    assert!(next == jobs.len());
    jobs
};

/// Hands the gradients of all parameters, summed over the images of `pieces`, to `target`.
pub(super) fn weights(level: Level, pieces: &[Box<Piece>], target: Target<'_>) {
    share(level, pieces, &JOBS, target);
}

/// Does `jobs`, each half of their parameters perhaps on another thread.
fn share(level: Level, pieces: &[Box<Piece>], jobs: &[Job], target: Target<'_>) {
    if let [job] = jobs {
        return level.run(Work { job: *job, pieces, target });
    }
    let all: usize = jobs.iter().map(|job| job.parameters()).sum();
    let (mut count, mut middle) = (jobs[0].parameters(), 1);
    while middle < jobs.len() - 1 && 2 * count < all {
        count += jobs[middle].parameters();
        middle += 1;
    }
    let (first, others) = jobs.split_at(middle);
    let (first_target, others_target) = target.split_at(count);
    rayon::join(
        || share(level, pieces, first, first_target),
        || share(level, pieces, others, others_target),
    );
}

struct Work<'a> {
    job: Job,
    pieces: &'a [Box<Piece>],
    target: Target<'a>,
}

impl Kernel for Work<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { job, pieces, target } = self;
        match job {
            Job::Convolutions => convolutions(s, pieces, target),
            Job::Rows { layer, first, count } => rows(s, pieces, layer, first, count, target),
            Job::Bias { layer } => bias(s, pieces, layer, target),
        }
    }
}

#[inline(always)]
fn convolutions<S: Simd>(s: S, pieces: &[Box<Piece>], mut target: Target<'_>) {
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
    sums1.write(&mut d_conv1);
    sums2.write(&mut d_conv2);
    for (at, d, weights, kind) in [
        (0, &d_conv1[..], conv1::WEIGHT, Kind::of(0)),
        (CONV1, &d_conv2[..], conv2::WEIGHT, Kind::of(2)),
    ] {
        target.take(s, at, &d[..weights], kind);
        target.take(s, at + weights, &d[weights..], Kind::Bias);
    }
}

/// `transpose(x) * d_z` for some rows of a weight: tiles of four inputs by sixteen outputs.
#[inline(always)]
fn rows<S: Simd>(
    s: S,
    pieces: &[Box<Piece>],
    layer: Dense,
    first: usize,
    count: usize,
    mut target: Target<'_>,
) {
    let outputs = layer.size().outputs;
    let kind = Kind::of(FIRST_DENSE + 2 * layer as usize);
    let [x_stride, d_stride] = layer.size().strides();
    for row in (0..count).step_by(4) {
        for column in (0..outputs).step_by(2 * LANES) {
            let mut sums = [[s.splat(0.0); 2]; 4];
            for piece in pieces {
                let (x, d) = layer.of(piece);
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
                target.take(s, at, &g.as_flattened()[..width], kind);
            }
        }
    }
}

/// The sum of d_z.
#[inline(always)]
fn bias<S: Simd>(s: S, pieces: &[Box<Piece>], layer: Dense, mut target: Target<'_>) {
    const LONGEST: usize = stride(FC1.outputs);
    let outputs = layer.size().outputs;
    let [_, d_stride] = layer.size().strides();
    let mut sums = [0.0; LONGEST];
    for piece in pieces {
        let (_, d) = layer.of(piece);
        for d in d.chunks_exact(d_stride).take(piece.n) {
            for at in (0..d_stride).step_by(LANES) {
                let sum = s.add(s.load(lanes(&sums, at)), s.load(lanes(d, at)));
                s.store(sum, super::lanes_mut(&mut sums, at));
            }
        }
    }
    target.take(s, 0, &sums[..outputs], Kind::Bias);
}

const _: () =
    assert!(PIECE == LANES && FC1.inputs.is_multiple_of(16) && FC2.inputs.is_multiple_of(24));
