//! An allocator that counts allocations and lets one of them fail.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The variable that selects the allocation that fails, by its number, or none with 0.
pub const FAIL_AT: &str = "LENET_TEST_FAIL_AT";
/// The variable with the path of a file, to which the number of allocations is written.
pub const COUNT_TO: &str = "LENET_TEST_COUNT_TO";

struct Failing;

#[global_allocator]
static ALLOCATOR: Failing = Failing;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static FAILING: AtomicUsize = AtomicUsize::new(0);

/// Starts counting from 0, and lets the allocation with this number fail.
pub fn fail_at(number: usize) {
    FAILING.store(number, Relaxed);
    COUNT.store(0, Relaxed);
}

/// Returns the number of allocations so far.
pub fn count() -> usize {
    COUNT.load(Relaxed)
}

/// Counts an allocation and returns whether it fails.
fn fails() -> bool {
    COUNT.fetch_add(1, Relaxed) + 1 == FAILING.load(Relaxed)
}

// SAFETY: every call is passed on to `System`, or returns null, which is allowed at any time.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract.
        if fails() { null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract.
        if fails() { null_mut() } else { unsafe { System.alloc_zeroed(layout) } }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller upholds the contract.
        if fails() { null_mut() } else { unsafe { System.realloc(memory, layout, size) } }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract.
        unsafe { System.dealloc(memory, layout) }
    }
}
