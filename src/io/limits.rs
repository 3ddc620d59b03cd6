//! Turns OS resource limits that would kill the process into ordinary errors.

use std::collections::TryReserveError;
use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

/// Makes a write beyond the file size limit (`ulimit -f`) fail with "File too large".
///
/// By default the OS would kill the process, which could then not remove its temporary files.
pub fn handle_sigxfsz() {
    // With any handler installed, the write returns an error. If the handler cannot be installed, the OS still kills
    // the process.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// Checks that `bytes` of address space can be reserved.
///
/// Rust aborts the process when an allocation fails, so a low limit (`ulimit -v`) should be detected before the work
/// starts.
///
/// # Errors
/// Returns [`io::ErrorKind::OutOfMemory`] if the reservation fails.
pub fn check_address_space(bytes: usize) -> io::Result<()> {
    // The reservation uses no physical memory, because nothing is written to it. It is freed when the function returns.
    let mut reserve: Vec<u8> = Vec::new();
    reserve.try_reserve_exact(bytes).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))
}

/// Checks that `count` threads can run at the same time.
///
/// Graphics drivers and the libraries above them panic or crash if they cannot start a thread.
///
/// # Errors
/// Returns the error of the first thread that does not start.
pub fn check_threads(count: usize) -> io::Result<()> {
    let before = thread_count();
    let gate = Mutex::new(());
    let started = thread::scope(|scope| {
        // The threads wait at the gate until all of them have started or one could not be started.
        let _closed = gate.lock();
        for _ in 0..count {
            thread::Builder::new().spawn_scoped(scope, || drop(gate.lock()))?;
        }
        Ok(())
    });
    // Linux counts a joined thread for a short time longer.
    let deadline = Instant::now() + Duration::from_millis(500);
    while thread_count() > before && Instant::now() < deadline {
        thread::yield_now();
    }
    started
}

/// Returns whether the cause of `error` is that memory or file descriptors were exhausted. The file is not at fault then, so a
/// command that skips faulty files must stop: without this file its result would be another one.
pub fn is_exhausted(error: &(dyn Error + 'static)) -> bool {
    let is_limit = |cause: &io::Error| {
        // EMFILE and ENFILE: the process or the whole system has too many open files.
        let is_full = cfg!(unix) && matches!(cause.raw_os_error(), Some(24 | 23));
        is_full || cause.kind() == io::ErrorKind::OutOfMemory
    };
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<TryReserveError>() || cause.downcast_ref().is_some_and(is_limit) {
            return true;
        }
        next = cause.source();
    }
    false
}

/// Returns the number of threads of this process on Linux, and `None` elsewhere.
fn thread_count() -> Option<usize> {
    fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::FileError;

    #[test]
    fn threads_are_started_and_joined() {
        for _ in 0..50 {
            check_threads(20).unwrap();
        }
    }

    #[test]
    fn exhaustion_is_found_in_causes() {
        for (error, expected) in [
            (io::ErrorKind::OutOfMemory.into(), true),
            (io::Error::from_raw_os_error(24), cfg!(unix)),
            (io::Error::from_raw_os_error(23), cfg!(unix)),
            (io::Error::from_raw_os_error(2), false),
            (io::ErrorKind::InvalidData.into(), false),
        ] {
            assert_eq!(is_exhausted(&error), expected, "{error}");
            let error = FileError::new("cannot read", "x".as_ref(), error);
            assert_eq!(is_exhausted(&error), expected, "{error}");
        }
    }

    #[test]
    fn impossible_reservation_is_rejected() {
        assert!(check_address_space(1 << 20).is_ok());
        let error = check_address_space(usize::MAX / 2 - 4096).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
