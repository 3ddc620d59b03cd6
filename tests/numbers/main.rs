//! The numbers that every implementation computes on the CPU, against Keras and against plain loops in f64.
//!
//! `tests/gpu` runs the same tests on a GPU, and `tests/plain_burn` runs them with Burn's own operations.
#![cfg(feature = "ndarray")]
#![allow(clippy::unwrap_used)]

mod agreement;
mod digests;
mod goldens;
#[path = "../common/implementation.rs"]
mod implementation;
#[path = "../common/plain.rs"]
mod plain;
mod resume;
mod steps;
mod support;

use burn_ndarray::NdArray;
use lenet::backend::cpu::SimdLevel;

use implementation::{Cpu, Implementation, Kernels};

/// Returns the CPU kernels with every instruction set of this machine, and the default of the CPU backend.
fn implementations() -> Vec<Box<dyn Implementation>> {
    let cpu = SimdLevel::available().into_iter().map(|level| Box::new(Cpu(level)) as _);
    let default: Box<dyn Implementation> = Box::new(Kernels::<NdArray>(Default::default()));
    cpu.chain([default]).collect()
}
