//! What standard error is, and notes on it.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::panic;

use crate::cli::ProgressStyle;

/// Whether to draw a progress bar: only for a person at a terminal who has not asked otherwise.
#[must_use]
pub fn bars_wanted(style: ProgressStyle) -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    style == ProgressStyle::Auto
        && io::stderr().is_terminal()
        && !set("NO_COLOR")
        && !env::var("CI").is_ok_and(|ci| ci == "true")
        && !env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// Tells the user something on standard error. If that is closed, nobody listens, and that is no failure.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Makes a panic, which is always a bug, say so in two lines. No panic is expected to reach a user.
pub fn explain_panics() {
    panic::set_hook(Box::new(|info| {
        note(&format!(
            "error: internal error: {}",
            info.to_string().replace('\n', " ")
        ));
        note("hint: this is a bug in lenet; please report it with the command that you typed");
    }));
}
