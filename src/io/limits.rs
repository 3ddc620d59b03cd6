//! Limits of the system that would end the process in mid-work become errors like any other.

use std::io;

/// Makes a write beyond the limit on file sizes (`ulimit -f`) fail with "File too large", where the system would kill
/// the process and leave its scratch files.
pub fn handle_sigxfsz() {
    // A handler that only notes the signal: with it the write returns. Where it cannot be set, nothing is lost.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// Checks that `bytes` of memory are available now. Rust ends a process that is refused memory in mid-work; where the
/// limit on addresses (`ulimit -v`) is that low, it is better found out before the work begins.
pub fn check_address_space(bytes: usize) -> io::Result<()> {
    // It takes addresses and no memory, since nothing is written to it; and only until the end of this function.
    let mut reserve: Vec<u8> = Vec::new();
    reserve.try_reserve_exact(bytes).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        assert!(check_address_space(1 << 20).is_ok());
        let error = check_address_space(usize::MAX / 2 - 4096).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
