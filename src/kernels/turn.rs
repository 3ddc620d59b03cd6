//! Gradients of a layer turned into what descent goes along: see [`crate::train::Coordinates`], which gives the reasons.

use super::simd::{Kernel, LANES, Level, Simd};

/// How a layer's gradients are turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// Factor on the gradient of a weight.
    pub scale: f32,
    /// Factor on the gradient of a bias.
    pub bias_scale: f32,
    /// Where the layer's inputs lie about.
    pub shift: f32,
    /// Share of a weight that is added to its gradient.
    pub weight_decay: f32,
}

/// For a dense layer, whose weights are `[inputs, units]`; in place:
/// `d = scale * (d_weight - shift * d_bias) + weight_decay * weight`, then
/// `d_bias = bias_scale * d_bias - shift * sum of d over inputs`.
///
/// # Panics
/// The lengths do not agree.
pub fn dense(level: Level, turn: Turn, weight: &[f32], d_weight: &mut [f32], d_bias: &mut [f32]) {
    assert_eq!(weight.len(), d_weight.len());
    assert_eq!(weight.len() % d_bias.len(), 0);
    level.run(Dense {
        turn,
        weight,
        d_weight,
        d_bias,
    });
}

/// For a convolution, whose weights are `[units, inputs, ..]`: as [`dense`].
///
/// # Panics
/// The lengths do not agree.
pub fn conv(turn: Turn, weight: &[f32], d_weight: &mut [f32], d_bias: &mut [f32]) {
    assert_eq!(weight.len(), d_weight.len());
    assert_eq!(weight.len() % d_bias.len(), 0);
    let inputs = weight.len() / d_bias.len();
    let units = d_weight
        .chunks_exact_mut(inputs)
        .zip(weight.chunks_exact(inputs));
    for ((d_weight, weight), d_bias) in units.zip(d_bias) {
        let offset = turn.scale * turn.shift * *d_bias;
        let mut sum = 0.0;
        for (d, w) in d_weight.iter_mut().zip(weight) {
            *d = turn.scale * *d - offset + turn.weight_decay * w;
            sum += *d;
        }
        *d_bias = turn.bias_scale * *d_bias - turn.shift * sum;
    }
}

struct Dense<'a> {
    turn: Turn,
    weight: &'a [f32],
    d_weight: &'a mut [f32],
    d_bias: &'a mut [f32],
}

impl Kernel for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Turn {
            scale,
            bias_scale,
            shift,
            weight_decay,
        } = self.turn;
        let units = self.d_bias.len();
        let offsets: Vec<f32> = self.d_bias.iter().map(|d| -scale * shift * d).collect();
        let mut sums = vec![0.0; units];
        let (offsets, offsets_rest) = offsets.as_chunks::<LANES>();
        let (sums_lanes, sums_rest) = sums.as_chunks_mut::<LANES>();
        let rows = self.d_weight.chunks_exact_mut(units);
        for (d_row, w_row) in rows.zip(self.weight.chunks_exact(units)) {
            let (d_lanes, d_rest) = d_row.as_chunks_mut::<LANES>();
            let (w_lanes, w_rest) = w_row.as_chunks::<LANES>();
            let lanes = d_lanes.iter_mut().zip(w_lanes);
            for (((d, w), offset), sum) in lanes.zip(offsets).zip(&mut *sums_lanes) {
                let turned = s.mul_add(s.splat(scale), s.load(d), s.load(offset));
                let turned = s.mul_add(s.splat(weight_decay), s.load(w), turned);
                s.store(turned, d);
                s.store(s.add(s.load(sum), turned), sum);
            }
            let rest = d_rest.iter_mut().zip(w_rest);
            for (((d, w), offset), sum) in rest.zip(offsets_rest).zip(&mut *sums_rest) {
                *d = scale * *d + offset + weight_decay * w;
                *sum += *d;
            }
        }
        for (d, sum) in self.d_bias.iter_mut().zip(sums) {
            *d = bias_scale * *d - shift * sum;
        }
    }
}
