//! Vectors of AVX2 with FMA, and wide vectors of AVX-512.

use super::{Kernel, LANES, Pair, Shuffles, Simd, Vectors, WIDE, Wide};
use std::arch::x86_64::*;

/// AVX2 and FMA; if `ZMM`, also AVX-512F and AVX-512VL. The field is private, so only the wrappers below create a value, and a
/// wrapper only runs if the CPU supports these instructions.
#[derive(Clone, Copy)]
pub(super) struct X86<const ZMM: bool>(());

#[target_feature(enable = "avx2,fma")]
pub(super) fn run_avx2<K: Kernel>(kernel: K) {
    kernel.run(X86::<false>(()));
}

#[target_feature(enable = "avx2,fma,avx512f,avx512vl")]
pub(super) fn run_avx512<K: Kernel>(kernel: K) {
    kernel.run(X86::<true>(()));
}

/// Implements operations on vectors, each by the expression that computes it.
macro_rules! operations {
    ($($name:ident($($x:ident: $t:ty),*) $(-> $result:ty)? = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($x: $t),*) $(-> $result)? {
            // SAFETY: `self` only exists if the CPU supports the instructions of its type. Memory is accessed through references
            // to arrays, which cover all bytes of a vector, and no alignment is required.
            unsafe { $body }
        }
    )*};
}

impl<const ZMM: bool> Vectors<LANES> for X86<ZMM> {
    type V = __m256;

    // The instructions of `max` and `min` return their second operand unless the first is greater or less.
    operations! {
        splat(x: f32) -> __m256 = _mm256_set1_ps(x);
        splat_pair(x: &[f32; 2]) -> __m256 = _mm256_castpd_ps(_mm256_set1_pd(as_double(x)));
        load(from: &[f32; LANES]) -> __m256 = _mm256_loadu_ps(from.as_ptr());
        store(v: __m256, to: &mut [f32; LANES]) = _mm256_storeu_ps(to.as_mut_ptr(), v);
        add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
        mul_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(b, a);
        min(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(b, a);
        select_greater(a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 =
            _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b));
        shift_into_exponent(v: __m256) -> __m256 =
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(v)));
    }
    #[inline(always)]
    fn to_bytes(self, v: __m256) -> [u8; LANES] {
        // SAFETY: as in `operations`.
        unsafe {
            let v = _mm256_cvttps_epi32(v);
            let v = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_cvtsi128_si64(_mm_packus_epi16(v, v)).to_le_bytes()
        }
    }
}

/// Returns the bits of two floats as one double, which one instruction copies to all lanes.
#[inline(always)]
fn as_double(x: &[f32; 2]) -> f64 {
    f64::from_bits(u64::from(x[0].to_bits()) | u64::from(x[1].to_bits()) << 32)
}

impl<const ZMM: bool> Shuffles for X86<ZMM> {
    #[inline(always)]
    fn deinterleave(self, a: __m256, b: __m256) -> (__m256, __m256) {
        // SAFETY: as in `operations`.
        unsafe {
            let low = _mm256_permute2f128_ps::<0x20>(a, b);
            let high = _mm256_permute2f128_ps::<0x31>(a, b);
            (
                _mm256_shuffle_ps::<0b10_00_10_00>(low, high),
                _mm256_shuffle_ps::<0b11_01_11_01>(low, high),
            )
        }
    }
    #[inline(always)]
    fn transpose(self, rows: [__m256; LANES]) -> [__m256; LANES] {
        let [a, b, c, d, e, f, g, h] = rows;
        // SAFETY: as in `operations`.
        unsafe {
            let [p0, p1, p2, p3] = transpose_halves(a, b, c, d);
            let [q0, q1, q2, q3] = transpose_halves(e, f, g, h);
            [
                _mm256_permute2f128_ps::<0x20>(p0, q0),
                _mm256_permute2f128_ps::<0x20>(p1, q1),
                _mm256_permute2f128_ps::<0x20>(p2, q2),
                _mm256_permute2f128_ps::<0x20>(p3, q3),
                _mm256_permute2f128_ps::<0x31>(p0, q0),
                _mm256_permute2f128_ps::<0x31>(p1, q1),
                _mm256_permute2f128_ps::<0x31>(p2, q2),
                _mm256_permute2f128_ps::<0x31>(p3, q3),
            ]
        }
    }
}

/// Transposes the 4x4 block in the lower halves of four vectors, and the block in the upper halves.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_halves(a: __m256, b: __m256, c: __m256, d: __m256) -> [__m256; 4] {
    let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
    let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
    [
        _mm256_shuffle_ps::<0b01_00_01_00>(ab, cd),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab, cd),
        _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
    ]
}

impl Simd for X86<false> {
    type Wide = Pair<Self>;

    #[inline(always)]
    fn wide(self) -> Pair<Self> {
        Pair(self)
    }
}

impl Simd for X86<true> {
    type Wide = Self;

    #[inline(always)]
    fn wide(self) -> Self {
        self
    }
}

impl Vectors<WIDE> for X86<true> {
    type V = __m512;

    operations! {
        splat(x: f32) -> __m512 = _mm512_set1_ps(x);
        splat_pair(x: &[f32; 2]) -> __m512 = _mm512_castpd_ps(_mm512_set1_pd(as_double(x)));
        load(from: &[f32; WIDE]) -> __m512 = _mm512_loadu_ps(from.as_ptr());
        store(v: __m512, to: &mut [f32; WIDE]) = _mm512_storeu_ps(to.as_mut_ptr(), v);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(b, a);
        min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(b, a);
        select_greater(a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes);
        shift_into_exponent(v: __m512) -> __m512 =
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(v)));
    }
    #[inline(always)]
    fn to_bytes(self, v: __m512) -> [u8; WIDE] {
        let mut bytes = [0; WIDE];
        // SAFETY: as in `operations`; the array has the 16 bytes written, and no alignment is required.
        unsafe {
            let v = _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(v));
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), v);
        }
        bytes
    }
}

impl Wide<Self> for X86<true> {
    const IS_ONE_REGISTER: bool = true;

    #[inline(always)]
    fn join(self, [lower, upper]: [__m256; 2]) -> __m512 {
        // SAFETY: as in `operations`.
        unsafe {
            let lower = _mm512_castps_pd(_mm512_castps256_ps512(lower));
            _mm512_castpd_ps(_mm512_insertf64x4::<1>(lower, _mm256_castps_pd(upper)))
        }
    }
    #[inline(always)]
    fn split(self, v: __m512) -> [__m256; 2] {
        // SAFETY: as in `operations`.
        unsafe {
            let upper = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(v));
            [_mm512_castps512_ps256(v), _mm256_castpd_ps(upper)]
        }
    }
}
