//! Turns OS resource limits that would kill the process into ordinary errors.

use std::io;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_reservation_is_rejected() {
        assert!(check_address_space(1 << 20).is_ok());
        let error = check_address_space(usize::MAX / 2 - 4096).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
