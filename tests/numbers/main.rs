//! What the network computes, on every implementation of its operations, against Keras' own figures and plain loops in f64.
//!
//! Those on the CPU; the GPU's goes through the same in `tests/gpu`, which compiles it.
#![cfg(feature = "ndarray")]
#![allow(clippy::unwrap_used)]

mod agreement;
mod cpu;
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

use cpu::Cpu;
use implementation::{Backend, Implementation, Reference};

/// The CPU's kernels at every level, Burn's operations, and what trains on the CPU.
fn implementations() -> Vec<Box<dyn Implementation>> {
    let cpu = SimdLevel::available().into_iter().map(|level| Box::new(Cpu(level)) as _);
    let burn: [Box<dyn Implementation>; 2] = [
        Box::new(Reference::<NdArray>(Default::default())),
        Box::new(Backend::<NdArray>(Default::default())),
    ];
    cpu.chain(burn).collect()
}
