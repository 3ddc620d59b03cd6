//! The GPU backend: what every implementation of the operations has to show, and what only a GPU has.
//!
//! Where there is none, the program must say so; `LENET_TEST_GPU=required` insists on one. With `LENET_GPU_CHECKED=1` every
//! access is held against the lengths of the buffers, and the memory of workgroups begins as what is no number.

#![allow(clippy::unwrap_used)]

#[path = "../numbers/agreement.rs"]
mod agreement;
#[path = "../numbers/goldens.rs"]
mod goldens;
#[path = "../common/implementation.rs"]
mod implementation;
mod launches;
#[path = "../common/plain.rs"]
mod plain;
#[path = "../numbers/steps.rs"]
mod steps;
#[path = "../numbers/support.rs"]
mod support;
mod training;

use std::sync::OnceLock;

use burn_wgpu::{Wgpu, WgpuDevice};
use lenet::backend::gpu::{self, Gpu};
use lenet::error::Error;

use implementation::{Backend, Implementation};

/// The GPU; none where there is none, and then the error is what it should be.
fn device() -> Option<&'static WgpuDevice> {
    static GPU: OnceLock<Result<Gpu, Error>> = OnceLock::new();
    match GPU.get_or_init(gpu::open) {
        Ok(gpu) => Some(&gpu.device),
        Err(error) => {
            assert!(matches!(error, Error::Gpu(_)), "{error}");
            assert!(error.to_string().starts_with("no GPU was found"), "{error}");
            let required = std::env::var("LENET_TEST_GPU");
            assert_ne!(required.as_deref(), Ok("required"), "{error}");
            None
        }
    }
}

/// The GPU's kernels.
fn implementations() -> Vec<Box<dyn Implementation>> {
    let kernels =
        |device: &WgpuDevice| Box::new(Backend::<Wgpu>(device.clone())) as Box<dyn Implementation>;
    device().map(kernels).into_iter().collect()
}
