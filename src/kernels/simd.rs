//! Eight-lane vectors, one instruction set at a time, and the choice of the instruction set at run time.
//!
//! A kernel is a struct of its arguments with one generic body ([`Kernel::run`]); [`Level::run`] compiles that body once for
//! each instruction set and picks the copy to call. All `unsafe` code of the crate is in this file.

#![allow(
    unsafe_code,
    reason = "CPU intrinsics, each behind a token that proves the CPU has them"
)]

use std::fmt;
use std::sync::OnceLock;

/// Lanes of every vector, at every level.
pub const LANES: usize = 8;

/// An instruction set this CPU is known to have.
///
/// A value can only be had from a check of the CPU, so holding one is the proof that its instructions may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// Why a level asked for by name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// No level has this name.
    #[error("LENET_SIMD: unknown level {0:?}")]
    Unknown(String),
    /// The level exists, but not on this CPU.
    #[error("LENET_SIMD: this CPU does not have {0}")]
    Unavailable(&'static str),
}

impl LevelError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        let names: Vec<String> = Level::available().iter().map(Level::to_string).collect();
        Some(format!(
            "unset LENET_SIMD, or set it to one of: {}",
            names.join(", ")
        ))
    }
}

/// The level of this process: the one that `LENET_SIMD` names, or else the best the CPU has.
///
/// The variable is read once, at the first call.
///
/// # Errors
/// `LENET_SIMD` names no level, or one that this CPU lacks.
pub fn level() -> Result<Level, LevelError> {
    static LEVEL: OnceLock<Result<Level, LevelError>> = OnceLock::new();
    LEVEL
        .get_or_init(|| match std::env::var_os("LENET_SIMD") {
            Some(name) if !name.is_empty() => Level::named(&name.to_string_lossy()),
            _ => Ok(Level::best()),
        })
        .clone()
}

impl Level {
    /// The level without special instructions, which every CPU has.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// Every level this CPU has, the slowest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "some CPUs have only the scalar level")]
        let mut levels = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 {
                levels.push(Self(Isa::Avx2));
            }
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                levels.push(Self(Isa::Avx512));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            levels.push(Self(Isa::Neon));
        }
        levels
    }

    /// The fastest level this CPU has.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::SCALAR)
    }

    /// The level called `scalar`, `avx2`, `avx512` or `neon`.
    ///
    /// # Errors
    /// The name is none of these, or this CPU lacks that level.
    pub fn named(name: &str) -> Result<Self, LevelError> {
        const NAMES: [&str; 4] = ["scalar", "avx2", "avx512", "neon"];
        let known = NAMES
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| LevelError::Unknown(name.to_owned()))?;
        Self::available()
            .into_iter()
            .find(|level| level.to_string() == known)
            .ok_or(LevelError::Unavailable(known))
    }

    /// Runs the kernel with this level's instructions.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Isa::Scalar => kernel.run(Scalar),
            // SAFETY: a `Level` of this kind exists only where the CPU was found to have AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: a `Level` of this kind exists only where the CPU was found to have these four features.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { x86::run_avx512(kernel) },
            // SAFETY: a `Level` of this kind exists only where the CPU was found to have NEON.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::run_neon(kernel) },
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
        })
    }
}

/// A computation written once for all levels.
///
/// `run` and all it calls must be `#[inline(always)]`: only what is inlined into a level's wrapper is compiled for that level.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// The operations of one instruction set on vectors of eight `f32`.
pub(crate) trait Simd: Copy {
    type V: Copy;

    fn splat(self, x: f32) -> Self::V;
    fn load(self, from: &[f32; LANES]) -> Self::V;
    fn store(self, v: Self::V, to: &mut [f32; LANES]);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the level has such an instruction, else twice.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `b` where `b > a`, else `a`: of equals the first, and a NaN in `a` stays.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// `b` where `b < a`, else `a`.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `yes` where `a > b`, else `no`.
    fn select_greater(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// The lanes of even and of odd index of the sixteen lanes of `a` and `b`.
    fn deinterleave(self, a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// Rows become columns.
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES];
    /// The bit patterns shifted left by 23: what lay in the lowest 9 bits becomes sign and exponent.
    fn shift_into_exponent(self, v: Self::V) -> Self::V;
    /// Whole numbers from 0 to 127 as bytes.
    fn to_bytes(self, v: Self::V) -> [u8; LANES];
}

/// Plain Rust, for every CPU. Its multiply-add rounds twice: without an instruction for it, rounding once is very slow.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Scalar {
    type V = [f32; LANES];

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
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
        std::array::from_fn(|i| a[i] * b[i] + c[i])
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
        std::array::from_fn(|i| if a[i] > b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    fn deinterleave(self, a: Self::V, b: Self::V) -> (Self::V, Self::V) {
        (
            [a[0], a[2], a[4], a[6], b[0], b[2], b[4], b[6]],
            [a[1], a[3], a[5], a[7], b[1], b[3], b[5], b[7]],
        )
    }
    #[inline(always)]
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES] {
        std::array::from_fn(|i| std::array::from_fn(|j| rows[j][i]))
    }
    #[inline(always)]
    fn shift_into_exponent(self, v: Self::V) -> Self::V {
        v.map(|x| f32::from_bits(x.to_bits() << 23))
    }
    #[inline(always)]
    fn to_bytes(self, v: Self::V) -> [u8; LANES] {
        v.map(|x| x as u8)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Kernel, LANES, Simd};
    use std::arch::x86_64::*;

    /// AVX2 and FMA. The field is private, so that only the wrappers below make one: where they run, the CPU has both.
    ///
    /// The AVX-512 level uses these same vectors, for equal results; what it gains are 32 registers instead of 16.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(());

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(Avx2(()))
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512vl")]
    pub(super) fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(Avx2(()))
    }

    /// Transposes the 4x4 block in the lower halves of four vectors, and that in the upper halves.
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

    impl Simd for Avx2 {
        type V = __m256;

        #[inline(always)]
        fn splat(self, x: f32) -> __m256 {
            // SAFETY: `self` exists only where the CPU has AVX2 and FMA.
            unsafe { _mm256_set1_ps(x) }
        }
        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> __m256 {
            // SAFETY: as in `splat`; the reference covers the 32 bytes read, and no alignment is asked for.
            unsafe { _mm256_loadu_ps(from.as_ptr()) }
        }
        #[inline(always)]
        fn store(self, v: __m256, to: &mut [f32; LANES]) {
            // SAFETY: as in `splat`; the reference covers the 32 bytes written, and no alignment is asked for.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
        }
        #[inline(always)]
        fn add(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as in `splat`.
            unsafe { _mm256_add_ps(a, b) }
        }
        #[inline(always)]
        fn sub(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as in `splat`.
            unsafe { _mm256_sub_ps(a, b) }
        }
        #[inline(always)]
        fn mul(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as in `splat`.
            unsafe { _mm256_mul_ps(a, b) }
        }
        #[inline(always)]
        fn div(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as in `splat`.
            unsafe { _mm256_div_ps(a, b) }
        }
        #[inline(always)]
        fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: as in `splat`.
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn max(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as in `splat`. The instruction gives its second operand unless the first is greater.
            unsafe { _mm256_max_ps(b, a) }
        }
        #[inline(always)]
        fn min(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as in `splat`. The instruction gives its second operand unless the first is less.
            unsafe { _mm256_min_ps(b, a) }
        }
        #[inline(always)]
        fn select_greater(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
            // SAFETY: as in `splat`.
            unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)) }
        }
        #[inline(always)]
        fn deinterleave(self, a: __m256, b: __m256) -> (__m256, __m256) {
            // SAFETY: as in `splat`.
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
            // SAFETY: as in `splat`.
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
        #[inline(always)]
        fn shift_into_exponent(self, v: __m256) -> __m256 {
            // SAFETY: as in `splat`.
            unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(v))) }
        }
        #[inline(always)]
        fn to_bytes(self, v: __m256) -> [u8; LANES] {
            // SAFETY: as in `splat`.
            unsafe {
                let v = _mm256_cvttps_epi32(v);
                let v =
                    _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
                _mm_cvtsi128_si64(_mm_packus_epi16(v, v)).to_le_bytes()
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::{Kernel, LANES, Simd};
    use std::arch::aarch64::*;

    /// NEON, a vector being two registers. The field is private, so that only the wrapper below makes one.
    #[derive(Clone, Copy)]
    pub(crate) struct Neon(());

    #[target_feature(enable = "neon")]
    pub(super) fn run_neon<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(Neon(()))
    }

    impl Simd for Neon {
        type V = [float32x4_t; 2];

        #[inline(always)]
        fn splat(self, x: f32) -> Self::V {
            // SAFETY: `self` exists only where the CPU has NEON.
            unsafe { [vdupq_n_f32(x); 2] }
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
        fn add(self, a: Self::V, b: Self::V) -> Self::V {
            // SAFETY: as in `splat`.
            unsafe { [vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1])] }
        }
        #[inline(always)]
        fn sub(self, a: Self::V, b: Self::V) -> Self::V {
            // SAFETY: as in `splat`.
            unsafe { [vsubq_f32(a[0], b[0]), vsubq_f32(a[1], b[1])] }
        }
        #[inline(always)]
        fn mul(self, a: Self::V, b: Self::V) -> Self::V {
            // SAFETY: as in `splat`.
            unsafe { [vmulq_f32(a[0], b[0]), vmulq_f32(a[1], b[1])] }
        }
        #[inline(always)]
        fn div(self, a: Self::V, b: Self::V) -> Self::V {
            // SAFETY: as in `splat`.
            unsafe { [vdivq_f32(a[0], b[0]), vdivq_f32(a[1], b[1])] }
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
            let mut table = [[0.0; LANES]; LANES];
            for (row, v) in table.iter_mut().zip(rows) {
                self.store(v, row);
            }
            std::array::from_fn(|i| self.load(&std::array::from_fn(|j| table[j][i])))
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
}
