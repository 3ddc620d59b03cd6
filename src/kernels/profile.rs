//! What a step's parts take, and what this CPU could do: for `cargo bench --bench step`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::data::View;
use crate::model::Activation;

use super::Descent;
use super::muon::Orthogonal;
use super::piece::{PIECE, Piece, Scratch};
use super::samples::Network;
use super::simd::{Kernel, LANES, Level, Simd};
use super::weights::weights;

pub use super::samples::Part;

/// The time of each part of one step in a pool of one thread, as training makes it: each [`Part`] summed over the pieces of the
/// batch, and at last the weights' half.
pub fn step(
    level: Level,
    activation: Activation,
    descent: Descent<'_>,
    images: View<'_>,
) -> (Vec<(Part, Duration)>, Duration) {
    let network = Network { level, activation, parameters: descent.parameters };
    let mut parts: Vec<(Part, Duration)> = Vec::new();
    let mut pieces: Vec<_> =
        (0..images.len().div_ceil(PIECE)).map(|_| Box::new(Piece::new())).collect();
    for (number, piece) in pieces.iter_mut().enumerate() {
        let mut begin = Instant::now();
        let mut done = |part: Part| {
            let now = Instant::now();
            match parts.iter_mut().find(|(p, _)| *p == part) {
                Some((_, time)) => *time += now - begin,
                None => parts.push((part, now - begin)),
            }
            begin = Instant::now();
        };
        let part = images.part(number * PIECE, PIECE);
        Scratch::with(|scratch| network.samples(part, images.len(), scratch, piece, &mut done));
    }
    let mut orthogonal = Orthogonal::default();
    let mut begin = Instant::now();
    let mut summed = Duration::ZERO;
    descent.apply(level, &mut orthogonal, |target| {
        begin = Instant::now();
        weights(level, &pieces, target);
        summed = begin.elapsed();
    });
    (parts, summed)
}

/// Multiply-adds a second that one thread of this CPU makes at a level when it does nothing else.
#[must_use]
pub fn peak(level: Level) -> f64 {
    const ROUNDS: usize = 200_000;
    let best = (0..20).map(|_| {
        let begin = Instant::now();
        black_box(level.run(Chains(black_box(ROUNDS))));
        begin.elapsed()
    });
    let seconds = best.min().unwrap_or_default().as_secs_f64();
    (ROUNDS * CHAINS * LANES) as f64 / seconds
}

/// Sums that do not wait for each other: enough to hide the latency of a multiply-add.
const CHAINS: usize = 12;

struct Chains(usize);

impl Kernel for Chains {
    type Output = [f32; LANES];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> [f32; LANES] {
        let (a, b) = (s.splat(black_box(0.999)), s.splat(black_box(0.001)));
        let mut sums = [s.splat(1.0); CHAINS];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, a, b);
            }
        }
        let mut total = s.splat(0.0);
        for sum in sums {
            total = s.add(total, sum);
        }
        let mut result = [0.0; LANES];
        s.store(total, &mut result);
        result
    }
}
