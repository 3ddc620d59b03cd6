//! The numbers that every implementation computes on the CPU, against Keras and against plain loops in f64.
//!
//! `tests/gpu` runs the same tests on a GPU.
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

use implementation::{Cpu, Implementation, Kernels, PlainBurn};

/// Returns the CPU kernels with every instruction set of this machine, plain Burn, and the default of the CPU backend.
fn implementations() -> Vec<Box<dyn Implementation>> {
    let cpu = SimdLevel::available().into_iter().map(|level| Box::new(Cpu(level)) as _);
    let others: [Box<dyn Implementation>; 2] = [
        Box::new(PlainBurn::<NdArray>(Default::default())),
        Box::new(Kernels::<NdArray>(Default::default())),
    ];
    cpu.chain(others).collect()
}
