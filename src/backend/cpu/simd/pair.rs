//! Implements vectors of sixteen lanes as two vectors of eight.

use super::{LANES, Shuffles, Vectors, WIDE, Wide};

/// Vectors of sixteen lanes for an instruction set with registers of at most eight.
#[derive(Clone, Copy)]
pub(crate) struct Pair<S>(pub(super) S);

/// Implements operations by applying the same operation to both halves.
macro_rules! halves {
    ($($name:ident($($x:ident),*);)*) => {$(
        #[inline(always)]
        fn $name(self, $($x: Self::V),*) -> Self::V {
            [self.0.$name($($x[0]),*), self.0.$name($($x[1]),*)]
        }
    )*};
}

impl<S: Vectors<LANES>> Vectors<WIDE> for Pair<S> {
    type V = [S::V; 2];

    halves! {
        add(a, b);
        sub(a, b);
        mul(a, b);
        div(a, b);
        mul_add(a, b, c);
        max(a, b);
        min(a, b);
        select_greater(a, b, yes, no);
        shift_into_exponent(v);
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [self.0.splat(x); 2]
    }
    #[inline(always)]
    fn splat_pair(self, x: &[f32; 2]) -> Self::V {
        [self.0.splat_pair(x); 2]
    }
    #[inline(always)]
    fn load(self, from: &[f32; WIDE]) -> Self::V {
        let [low, high] = from.as_chunks().0 else { unreachable!("sixteen values are two chunks") };
        [self.0.load(low), self.0.load(high)]
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; WIDE]) {
        for (v, to) in v.into_iter().zip(to.as_chunks_mut().0) {
            self.0.store(v, to);
        }
    }
    #[inline(always)]
    fn to_bytes(self, v: Self::V) -> [u8; WIDE] {
        let mut bytes = [0; WIDE];
        for (v, bytes) in v.into_iter().zip(bytes.as_chunks_mut().0) {
            *bytes = self.0.to_bytes(v);
        }
        bytes
    }
}

impl<S: Shuffles> Wide<S> for Pair<S> {
    const IS_ONE_REGISTER: bool = false;

    #[inline(always)]
    fn join(self, halves: [S::V; 2]) -> Self::V {
        halves
    }
    #[inline(always)]
    fn split(self, v: Self::V) -> [S::V; 2] {
        v
    }
}
