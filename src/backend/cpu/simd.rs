//! Eight-lane vectors, one instruction set at a time, and the choice of the instruction set at run time.
//!
//! A kernel is a struct of its arguments with one generic body ([`Kernel::run`]); [`SimdLevel::run`] compiles that body once for
//! each instruction set and picks the copy to call. All `unsafe` code of the crate is in this
//! file and its submodules.

#![allow(unsafe_code, reason = "CPU intrinsics, each behind a token that proves the CPU has them")]

#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;
use std::sync::OnceLock;

/// Lanes of every vector, at every level.
pub const LANES: usize = 8;

/// An instruction set this CPU is known to have.
///
/// AVX-512 is none of them: with its 32 registers, on a Zen 4, conv1 took a fifth longer than with AVX2, a step 3 %,
/// and vectors of sixteen do no more a cycle there than two of eight.
///
/// A value can only be had from a check of the CPU, so holding one is the proof that its instructions may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimdLevel(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// Why a level asked for by name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimdLevelError {
    /// No level has this name.
    #[error("LENET_SIMD: unknown level {0:?}")]
    Unknown(String),
    /// The level exists, but not on this CPU.
    #[error("LENET_SIMD: this CPU does not have {0}")]
    Unavailable(&'static str),
}

/// The level of this process: the one that `LENET_SIMD` names, or else the best the CPU has.
///
/// The variable is read once, at the first call.
///
/// # Errors
/// `LENET_SIMD` names no level, or one that this CPU lacks.
pub fn level() -> Result<SimdLevel, SimdLevelError> {
    static LEVEL: OnceLock<Result<SimdLevel, SimdLevelError>> = OnceLock::new();
    LEVEL
        .get_or_init(|| match std::env::var_os("LENET_SIMD") {
            Some(name) if !name.is_empty() => SimdLevel::named(&name.to_string_lossy()),
            _ => Ok(SimdLevel::best()),
        })
        .clone()
}

impl SimdLevel {
    /// The level without special instructions, which every CPU has.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// Every level this CPU has, the slowest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "some CPUs have only the scalar level")]
        let mut levels = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            levels.push(Self(Isa::Avx2));
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

    /// The level called `scalar`, `avx2` or `neon`.
    ///
    /// # Errors
    /// The name is none of these, or this CPU lacks that level.
    pub fn named(name: &str) -> Result<Self, SimdLevelError> {
        const NAMES: [&str; 3] = ["scalar", "avx2", "neon"];
        let known = NAMES
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| SimdLevelError::Unknown(name.to_owned()))?;
        Self::available()
            .into_iter()
            .find(|level| level.to_string() == known)
            .ok_or(SimdLevelError::Unavailable(known))
    }

    /// Runs the kernel with this level's instructions.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            Isa::Scalar => kernel.run(scalar::Scalar),
            // SAFETY: a `SimdLevel` of this kind exists only where the CPU was found to have AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: a `SimdLevel` of this kind exists only where the CPU was found to have NEON.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::run_neon(kernel) },
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
        })
    }
}

/// A computation written once for all levels.
///
/// `run` and all it calls must be `#[inline(always)]`: only what is inlined into a level's wrapper is compiled for that level.
/// That holds for closures too, which cannot be: one that is called at several places stays outside and takes four times as long.
pub(crate) trait Kernel {
    fn run<S: Simd>(self, s: S);
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
