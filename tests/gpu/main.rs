//! The GPU backend: the tests of `tests/numbers` that apply to every implementation, and tests of the GPU alone.
//!
//! On a machine without a GPU, the tests only check the error, and fail if `LENET_TEST_GPU=required` is set.
//! With `LENET_GPU_CHECKED=1` every access is checked against the length of its buffer, and workgroup memory starts as NaN.

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

use implementation::{Implementation, Kernels};

/// Returns the GPU. Without a GPU, checks the error and returns `None`, or panics if `LENET_TEST_GPU=required` is set.
fn device() -> Option<&'static WgpuDevice> {
    static GPU: OnceLock<Result<Gpu, Error>> = OnceLock::new();
    match GPU.get_or_init(|| gpu::open(None)) {
        Ok(gpu) => Some(&gpu.device),
        Err(error) => {
            assert!(matches!(error, Error::Gpu(_)), "{error}");
            assert!(error.to_string().starts_with("no GPU found"), "{error}");
            let required = std::env::var("LENET_TEST_GPU");
            assert_ne!(required.as_deref(), Ok("required"), "{error}");
            None
        }
    }
}

/// Returns the GPU kernels, or an empty list without a GPU.
fn implementations() -> Vec<Box<dyn Implementation>> {
    let kernels = |device: &WgpuDevice| Box::new(Kernels::<Wgpu>(device.clone())) as _;
    device().map(kernels).into_iter().collect()
}
