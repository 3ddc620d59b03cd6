//! Tests of all files that the library reads or writes: data sets, models and checkpoints.
//!
//! Truncated, corrupt, random and crafted files are rejected. Reading them never panics and never needs more memory than a
//! small multiple of the file size.

#![allow(clippy::unwrap_used)]

mod atomic_write;
mod changed_records;
#[path = "../common/mod.rs"]
mod common;
mod data;
mod foreign_models;
mod idx;
mod model_files;
mod model_memory;
mod strict_pickles;
mod tensor_names;
mod torch_files;
mod untrusted_checkpoints;
mod untrusted_models;
#[path = "../common/zip.rs"]
mod zip;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Returns the path of a file in `tests/interop`, which another program wrote or has accepted.
fn interop(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// Serialises the tests with large files, because the peak memory usage is measured for the whole process.
fn lock_memory() -> MutexGuard<'static, ()> {
    static MEMORY: Mutex<()> = Mutex::new(());
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asserts that the peak memory usage of this process is below 300 MB. Does nothing without /proc.
fn assert_memory_is_bounded() {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return;
    };
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 300_000, "{kilobytes} kB");
}
