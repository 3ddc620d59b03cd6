//! Vectors of eight and sixteen lanes for several instruction sets, and the selection of the instruction set at run time.
//!
//! A kernel is a struct with its arguments and one generic function ([`Kernel::run`]). [`SimdLevel::run`] compiles that function
//! once per instruction set and calls the selected copy. All `unsafe` code for the CPU is in this file and its submodules; the
//! only other `unsafe` block of the crate launches GPU kernels.

#![allow(unsafe_code, reason = "CPU intrinsics, each behind a token that proves the CPU has them")]

#[cfg(target_arch = "aarch64")]
mod neon;
mod pair;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;
use std::sync::OnceLock;

use pair::Pair;

/// Lanes of a vector, with every instruction set.
pub(super) const LANES: usize = 8;

/// Lanes of a wide vector, with every instruction set: one register or two.
pub(super) const WIDE: usize = 2 * LANES;

/// An instruction set that this CPU supports.
///
/// A `SimdLevel` is only created after a check of the CPU, and therefore proves that the instructions may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimdLevel(Isa);

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

/// The reason why an instruction set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimdLevelError {
    /// No instruction set has this name.
    #[error("LENET_SIMD: unknown instruction set {0:?}")]
    Unknown(String),
    /// This CPU does not support the instruction set.
    #[error("LENET_SIMD: this CPU does not support {0}")]
    Unavailable(&'static str),
}

/// Returns the instruction set of this process: the value of `LENET_SIMD` if it is set, otherwise [`SimdLevel::best`].
///
/// The variable is read once, at the first call.
///
/// # Errors
/// Returns an error if `LENET_SIMD` is not the name of an instruction set that this CPU supports.
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
    /// Plain Rust without special instructions, for every CPU.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// Returns the instruction sets that this CPU supports, from the narrowest vectors to the widest.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "some CPUs only support scalar code")]
        let mut levels = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            levels.push(Self(Isa::Avx2));
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                levels.push(Self(Isa::Avx512));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            levels.push(Self(Isa::Neon));
        }
        levels
    }

    /// Returns the fastest instruction set that this CPU supports.
    ///
    /// AVX-512 counts as the fastest only on CPUs that also have AVX512-FP16 (Intel servers from Sapphire Rapids on) or
    /// AVX512-VP2INTERSECT (AMD from Zen 5 on). A step takes 0.60 to 0.73 of the time of AVX2 there, as measured by
    /// `benches/step.rs`. An AMD Zen 4 executes an instruction on sixteen lanes in two halves, and a step takes 1.02 of the time
    /// of AVX2 (classic) and 0.96 (tuned). Other CPUs with AVX-512 have not been measured.
    pub fn best() -> Self {
        Self::available().into_iter().rfind(Self::is_default).unwrap_or(Self::SCALAR)
    }

    /// Returns whether this instruction set is faster than those before it in [`Self::available`].
    fn is_default(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Isa::Avx512 {
            return is_x86_feature_detected!("avx512fp16")
                || is_x86_feature_detected!("avx512vp2intersect");
        }
        true
    }

    /// Returns the reason for [`Self::best`].
    pub fn reason() -> &'static str {
        match Self::available().last() {
            Some(level) if !level.is_default() => "AVX-512 is not faster on this CPU",
            _ => "the fastest on this CPU",
        }
    }

    /// The names of all instruction sets.
    pub const NAMES: [&str; 4] = ["scalar", "avx2", "avx512", "neon"];

    /// Returns the instruction set with one of the [`Self::NAMES`].
    ///
    /// # Errors
    /// Returns an error if the name is unknown or this CPU does not support the instruction set.
    pub fn named(name: &str) -> Result<Self, SimdLevelError> {
        let known = Self::NAMES
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| SimdLevelError::Unknown(name.chars().take(60).collect()))?;
        Self::available()
            .into_iter()
            .find(|level| level.to_string() == known)
            .ok_or(SimdLevelError::Unavailable(known))
    }

    /// Runs the kernel with these instructions.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            Isa::Scalar => scalar::run_scalar(kernel),
            // SAFETY: a `SimdLevel` of this kind is only created if the CPU supports AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: a `SimdLevel` of this kind is only created if the CPU supports AVX2, FMA, AVX-512F and AVX-512VL.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { x86::run_avx512(kernel) },
            // SAFETY: a `SimdLevel` of this kind is only created if the CPU supports NEON.
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
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
        })
    }
}

/// A computation that is written once for all instruction sets.
///
/// `run` and every function it calls must be `#[inline(always)]`: only code that is inlined into the wrapper of an instruction
/// set is compiled for that instruction set. Closures cannot have the attribute; a closure that is called in several places is
/// not inlined and takes four times as long. A `zip` of three iterators, `array::from_fn` and `array::map` are closures too.
/// `.ci/inlined` lists the remaining calls.
pub(crate) trait Kernel {
    fn run<S: Simd>(self, s: S);
}

/// The operations of one instruction set on vectors of `N` `f32`.
pub(crate) trait Vectors<const N: usize>: Copy {
    type V: Copy;

    fn splat(self, x: f32) -> Self::V;
    /// Returns the two values in turn, in all lanes.
    fn splat_pair(self, x: &[f32; 2]) -> Self::V;
    fn load(self, from: &[f32; N]) -> Self::V;
    fn store(self, v: Self::V, to: &mut [f32; N]);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// Computes `a * b + c`, rounded once if the instruction set has a fused multiply-add, otherwise twice.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Returns `b` in lanes with `b > a`, otherwise `a`. Ties go to `a`, and a NaN in `a` is kept.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// Returns `b` in lanes with `b < a`, otherwise `a`.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// Returns `yes` in lanes with `a > b`, otherwise `no`.
    fn select_greater(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// Shifts the bit patterns left by 23, so that the lowest 9 bits become sign and exponent.
    fn shift_into_exponent(self, v: Self::V) -> Self::V;
    /// Converts integers from 0 to 127 to bytes.
    fn to_bytes(self, v: Self::V) -> [u8; N];
}

/// The operations of one instruction set that move values between the lanes of vectors of eight.
pub(crate) trait Shuffles: Vectors<LANES> {
    /// Splits the sixteen lanes of `a` and `b` into the even and the odd ones.
    fn deinterleave(self, a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// Transposes an 8x8 block.
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES];
}

/// An instruction set, with vectors of eight lanes and wide vectors.
///
/// An instruction set determines how many lanes are computed at once, but never the order of a sum. Therefore all instruction
/// sets with fused multiply-add give the same bits.
pub(crate) trait Simd: Shuffles {
    type Wide: Wide<Self>;

    /// Returns the operations on wide vectors.
    fn wide(self) -> Self::Wide;
}

/// The operations of one instruction set on wide vectors.
pub(crate) trait Wide<S: Shuffles>: Vectors<WIDE> {
    /// Whether a wide vector is one register (the CPU then has 32 of them) rather than two (of 16).
    const IS_ONE_REGISTER: bool;

    /// Returns the wide vector with these lower and upper eight lanes.
    fn join(self, halves: [S::V; 2]) -> Self::V;
    /// Returns the lower and the upper eight lanes.
    fn split(self, v: Self::V) -> [S::V; 2];
    /// Transposes a 16x16 block, in blocks of 8x8.
    #[inline(always)]
    fn transpose(self, s: S, rows: [Self::V; WIDE]) -> [Self::V; WIDE] {
        let mut columns = [[s.splat(0.0); 2]; WIDE];
        for (lower, rows) in rows.as_chunks::<LANES>().0.iter().enumerate() {
            let mut halves = [[s.splat(0.0); LANES]; 2];
            for (i, row) in rows.iter().enumerate() {
                [halves[0][i], halves[1][i]] = self.split(*row);
            }
            for (right, half) in halves.into_iter().enumerate() {
                for (i, v) in s.transpose(half).into_iter().enumerate() {
                    columns[right * LANES + i][lower] = v;
                }
            }
        }
        let mut joined = rows;
        for (to, halves) in joined.iter_mut().zip(columns) {
            *to = self.join(halves);
        }
        joined
    }
}

/// A wide vector of the instruction set `S`.
pub(crate) type WideVector<S> = <<S as Simd>::Wide as Vectors<WIDE>>::V;
