//! Turns OS resource limits that would kill the process into ordinary errors.

use std::sync::Mutex;
use std::{io, thread};

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

/// Checks that `count` threads can be started at a time.
///
/// Graphics drivers and the libraries above them panic or crash if they cannot start a thread.
///
/// # Errors
/// Returns the error of the first thread that does not start.
pub fn check_threads(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // The threads wait at the gate until all have started or one could not.
        let _closed = gate.lock();
        for _ in 0..count {
            thread::Builder::new().spawn_scoped(scope, || drop(gate.lock()))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_started_and_joined() {
        check_threads(20).unwrap();
    }

    #[test]
    fn impossible_reservation_is_rejected() {
        assert!(check_address_space(1 << 20).is_ok());
        let error = check_address_space(usize::MAX / 2 - 4096).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
