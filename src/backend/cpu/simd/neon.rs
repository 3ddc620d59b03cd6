//! Vectors of NEON.

use super::{Kernel, LANES, Pair, Shuffles, Simd, Vectors};
use std::arch::aarch64::*;

/// NEON with two registers per vector. The field is private, so only the wrapper below creates a value.
#[derive(Clone, Copy)]
pub(super) struct Neon(());

#[inline(never)]
#[target_feature(enable = "neon")]
pub(super) fn run_neon<K: Kernel>(kernel: K) {
    kernel.run(Neon(()));
}

/// Implements operations on two vectors with the intrinsic for one register.
macro_rules! operations {
    ($($name:ident = $intrinsic:ident;)*) => {$(
        #[inline(always)]
        fn $name(self, a: Self::V, b: Self::V) -> Self::V {
            // SAFETY: `self` only exists if the CPU supports NEON.
            unsafe { [$intrinsic(a[0], b[0]), $intrinsic(a[1], b[1])] }
        }
    )*};
}

impl Vectors<LANES> for Neon {
    type V = [float32x4_t; 2];

    operations! { add = vaddq_f32; sub = vsubq_f32; mul = vmulq_f32; div = vdivq_f32; }
    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: `self` only exists if the CPU supports NEON.
        unsafe { [vdupq_n_f32(x); 2] }
    }
    #[inline(always)]
    fn splat_pair(self, [a, b]: &[f32; 2]) -> Self::V {
        self.load(&[*a, *b, *a, *b, *a, *b, *a, *b])
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        // SAFETY: as in `splat`; the reference covers both halves.
        unsafe { [vld1q_f32(from.as_ptr()), vld1q_f32(from.as_ptr().add(4))] }
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        // SAFETY: as in `splat`; the reference covers both halves.
        unsafe {
            vst1q_f32(to.as_mut_ptr(), v[0]);
            vst1q_f32(to.as_mut_ptr().add(4), v[1]);
        }
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: as in `splat`.
        unsafe { [vfmaq_f32(c[0], a[0], b[0]), vfmaq_f32(c[1], a[1], b[1])] }
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        self.select_greater(b, a, b, a)
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        self.select_greater(a, b, b, a)
    }
    #[inline(always)]
    fn select_greater(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        // SAFETY: as in `splat`.
        unsafe {
            [
                vbslq_f32(vcgtq_f32(a[0], b[0]), yes[0], no[0]),
                vbslq_f32(vcgtq_f32(a[1], b[1]), yes[1], no[1]),
            ]
        }
    }
    #[inline(always)]
    fn shift_into_exponent(self, v: Self::V) -> Self::V {
        // SAFETY: as in `splat`.
        unsafe { v.map(|v| vreinterpretq_f32_u32(vshlq_n_u32::<23>(vreinterpretq_u32_f32(v)))) }
    }
    #[inline(always)]
    fn to_bytes(self, v: Self::V) -> [u8; LANES] {
        let mut x = [0.0; LANES];
        self.store(v, &mut x);
        x.map(|x| x as u8)
    }
}

impl Shuffles for Neon {
    #[inline(always)]
    fn deinterleave(self, a: Self::V, b: Self::V) -> (Self::V, Self::V) {
        // SAFETY: as in `splat`.
        unsafe {
            (
                [vuzp1q_f32(a[0], a[1]), vuzp1q_f32(b[0], b[1])],
                [vuzp2q_f32(a[0], a[1]), vuzp2q_f32(b[0], b[1])],
            )
        }
    }
    #[inline(always)]
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES] {
        let mut columns = [[0.0; LANES]; LANES];
        for (i, v) in rows.into_iter().enumerate() {
            let mut row = [0.0; LANES];
            self.store(v, &mut row);
            for (column, value) in columns.iter_mut().zip(row) {
                column[i] = value;
            }
        }
        let mut vectors = rows;
        for (v, column) in vectors.iter_mut().zip(&columns) {
            *v = self.load(column);
        }
        vectors
    }
}

impl Simd for Neon {
    type Wide = Pair<Self>;

    #[inline(always)]
    fn wide(self) -> Pair<Self> {
        Pair(self)
    }
}
