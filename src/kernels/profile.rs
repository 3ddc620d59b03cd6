//! What a step's parts take, and what this CPU could do: for `cargo bench --bench step`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::data::View;
use crate::model::Activation;

use super::Descent;
use super::dense::PIECE;
use super::muon::Orthogonal;
use super::piece::{Piece, Scratch};
use super::samples::{Network, Samples};
use super::simd::{Kernel, LANES, Level, Simd};
use super::weights::weights;

/// The time of each part of one step in a pool of one thread, as training makes it: the parts of both passes, each summed over
/// the pieces of the batch, and at last the weights' half.
pub fn step(
    level: Level,
    activation: Activation,
    descent: Descent<'_>,
    images: View<'_>,
) -> Vec<(&'static str, Duration)> {
    let network = Network { activation, parameters: descent.parameters };
    let mut parts: Vec<(&'static str, Duration)> = Vec::new();
    let batch = images.len();
    let mut pieces: Vec<_> = (0..batch.div_ceil(PIECE)).map(|_| Box::new(Piece::new())).collect();
    for (number, piece) in pieces.iter_mut().enumerate() {
        let mut begin = Instant::now();
        let done = |part| {
            let now = Instant::now();
            match parts.iter_mut().find(|(name, _)| *name == part) {
                Some((_, time)) => *time += now - begin,
                None => parts.push((part, now - begin)),
            }
            begin = Instant::now();
        };
        let images = images.part(number * PIECE, PIECE);
        Scratch::with(|scratch| {
            level.run(Samples { network, images, batch, scratch, piece, done });
        });
    }
    let mut orthogonal = Orthogonal::default();
    descent.apply(level, &mut orthogonal, |target| {
        let begin = Instant::now();
        weights(level, &pieces, target);
        parts.push(("weights", begin.elapsed()));
    });
    parts
}

/// Multiply-adds a second that one thread of this CPU makes at a level when it does nothing else.
pub fn peak(level: Level) -> f64 {
    const ROUNDS: usize = 200_000;
    let best = (0..20).map(|_| {
        let begin = Instant::now();
        let mut sum = [0.0; LANES];
        level.run(Chains(black_box(ROUNDS), &mut sum));
        black_box(sum);
        begin.elapsed()
    });
    let seconds = best.min().unwrap_or_default().as_secs_f64();
    (ROUNDS * CHAINS * LANES) as f64 / seconds
}

/// Sums that do not wait for each other: enough to hide the latency of a multiply-add.
const CHAINS: usize = 12;

/// So many rounds, and their sum.
struct Chains<'a>(usize, &'a mut [f32; LANES]);

impl Kernel for Chains<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
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
        s.store(total, self.1);
    }
}
