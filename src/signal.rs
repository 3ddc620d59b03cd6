//! Ctrl-C and SIGTERM: the first asks what runs to stop after its batch, the second ends the process.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

static REQUEST: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Listens for the signals from now on.
pub fn listen() -> io::Result<()> {
    let request = REQUEST.get_or_init(Default::default);
    let second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Handlers run in the order of their registration: the exit is armed after it has been passed once.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&second))?;
        flag::register(signal, Arc::clone(&second))?;
        flag::register_usize(signal, Arc::clone(request), signal as usize)?;
    }
    Ok(())
}

/// The signal that has come, if one has.
pub fn requested() -> Option<u8> {
    match REQUEST.get()?.load(Ordering::Relaxed) {
        0 => None,
        signal => u8::try_from(signal).ok(),
    }
}
