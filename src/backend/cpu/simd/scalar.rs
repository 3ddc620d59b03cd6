//! Vectors as plain arrays.

use super::{Kernel, LANES, Pair, Shuffles, Simd, Vectors};

/// Plain Rust, for every CPU. The multiply-add rounds twice, because rounding once is very slow without an instruction for it.
#[derive(Clone, Copy)]
pub(super) struct Scalar;

#[inline(never)]
pub(super) fn run_scalar<K: Kernel>(kernel: K) {
    kernel.run(Scalar);
}

// The functions use loops, because `array::from_fn` would not be inlined.
#[inline(always)]
fn zip(mut a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    for (a, b) in a.iter_mut().zip(b) {
        *a = f(*a, b);
    }
    a
}

impl Vectors<LANES> for Scalar {
    type V = [f32; LANES];

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    fn splat_pair(self, [a, b]: &[f32; 2]) -> Self::V {
        [*a, *b, *a, *b, *a, *b, *a, *b]
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        *from
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        *to = v;
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if b > a { b } else { a })
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if b < a { b } else { a })
    }
    #[inline(always)]
    fn select_greater(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        let mut selected = no;
        for i in 0..LANES {
            if a[i] > b[i] {
                selected[i] = yes[i];
            }
        }
        selected
    }
    #[inline(always)]
    fn shift_into_exponent(self, v: Self::V) -> Self::V {
        zip(v, v, |x, _| f32::from_bits(x.to_bits() << 23))
    }
    #[inline(always)]
    fn to_bytes(self, v: Self::V) -> [u8; LANES] {
        let mut bytes = [0; LANES];
        for (byte, x) in bytes.iter_mut().zip(v) {
            *byte = x as u8;
        }
        bytes
    }
}

impl Shuffles for Scalar {
    #[inline(always)]
    fn deinterleave(self, a: Self::V, b: Self::V) -> (Self::V, Self::V) {
        (
            [a[0], a[2], a[4], a[6], b[0], b[2], b[4], b[6]],
            [a[1], a[3], a[5], a[7], b[1], b[3], b[5], b[7]],
        )
    }
    #[inline(always)]
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES] {
        let mut columns = rows;
        for i in 0..LANES {
            for j in 0..LANES {
                columns[i][j] = rows[j][i];
            }
        }
        columns
    }
}

impl Simd for Scalar {
    type Wide = Pair<Self>;

    #[inline(always)]
    fn wide(self) -> Pair<Self> {
        Pair(self)
    }
}
