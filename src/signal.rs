//! Handling of Ctrl-C and SIGTERM: the first signal requests a stop after the current batch, and a second signal ends the
//! process at once. SIGXCPU, which the OS sends every second between the soft and the hard limit on CPU time (`ulimit -S -t`), only
//! requests a stop.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

#[cfg(unix)]
use signal_hook::consts::SIGXCPU;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

static REQUEST: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Installs the signal handlers.
///
/// # Errors
/// Returns an error if the OS rejects a handler.
pub fn listen() -> io::Result<()> {
    let request = REQUEST.get_or_init(Default::default);
    let second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in the order of registration. At the first signal the conditional shutdown therefore does nothing,
        // because it runs before `second` is set.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&second))?;
        flag::register(signal, Arc::clone(&second))?;
        flag::register_usize(signal, Arc::clone(request), signal as usize)?;
    }
    #[cfg(unix)]
    flag::register_usize(SIGXCPU, Arc::clone(request), SIGXCPU as usize)?;
    Ok(())
}

/// Returns the last signal received, if any.
pub fn requested() -> Option<u8> {
    match REQUEST.get()?.load(Ordering::Relaxed) {
        0 => None,
        signal => u8::try_from(signal).ok(),
    }
}
