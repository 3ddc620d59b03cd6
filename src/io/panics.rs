//! Panics in decoders of other crates, which an untrusted file can cause.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic on this thread is caught and must not be printed.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread. Returns `None` if it panics, and prints nothing.
///
/// A value that `work` changes may be incomplete after a panic, so the caller must not use it any more.
pub fn catch<T>(work: impl FnOnce() -> T) -> Option<T> {
    // The hook runs before the panic is caught. Extend the hook that the program has set, because a fuzzer's hook aborts.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_CAUGHT.get() {
                print(info);
            }
        }));
    });
    let before = IS_CAUGHT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(before);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_caught() {
        assert_eq!(catch(|| 1), Some(1));
        assert_eq!(catch(|| catch(|| panic!("inner")).map_or(2, |()| 3)), Some(2));
        assert_eq!(catch(|| -> u8 { panic!("outer") }), None);
        assert!(!IS_CAUGHT.get());
    }
}
