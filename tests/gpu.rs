//! The GPU backend: the suite of all operations on the GPU that is there, and what only a GPU has to show.
//!
//! Where there is none, the program must say so. `LENET_TEST_GPU=required` insists on one; with `LENET_GPU_CHECKED=1`
//! every access is held against the lengths and the memory of workgroups begins as what is no number.

#![allow(clippy::unwrap_used)]

mod operations;

use std::sync::OnceLock;

use burn_wgpu::{Wgpu, WgpuDevice};
use lenet::error::Error;
use lenet::gpu::{self, Gpu};

use operations::{goldens, odd, training};

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

macro_rules! suite {
    ($($module:ident::$name:ident),* $(,)?) => {$(
        #[test]
        fn $name() {
            if let Some(device) = device() {
                $module::$name::<Wgpu>(device);
            }
        }
    )*};
}

suite! {
    goldens::first_batch,
    goldens::twenty_steps,
    goldens::trained_model,
    odd::batch_sizes,
    odd::ties,
    odd::saturation,
    odd::no_number,
    odd::rules,
    training::tuned_steps,
    training::again_and_resumed,
    training::scores_once,
}
