//! Every file that the library reads or writes: data sets, models, training states. Files cut off, damaged, lying or
//! invented are refused, none panics, and none takes memory beyond its own size.

#![allow(clippy::unwrap_used)]

mod atomic_write;
#[cfg(feature = "ndarray")]
mod burn_record;
#[path = "../common/mod.rs"]
mod common;
mod data;
mod hostile_checkpoints;
mod hostile_models;
mod idx;
mod model_files;
mod torch_files;
#[path = "../common/zip.rs"]
mod zip;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file that another program wrote, or has accepted.
fn interop(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// For tests of large files: one at a time, as the peak of memory is the whole program's.
fn alone() -> MutexGuard<'static, ()> {
    static LARGE: Mutex<()> = Mutex::new(());
    LARGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The peak memory of this process, where the system tells it, is far below what a program may take.
fn check_memory() {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return;
    };
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 300_000, "{kilobytes} kB");
}
