//! Terminal detection, and diagnostics on stderr.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, UnwindSafe};
use std::process::ExitCode;

use terminal_size::{Height, Width};

use crate::cli::args::ProgressStyle;
use crate::cli::error::Error;
use crate::io::{limits, text};

/// Returns whether to show a progress bar: only on a terminal, and only if neither the user nor the environment turns
/// it off.
pub fn bars_wanted(style: ProgressStyle) -> bool {
    style == ProgressStyle::Auto && io::stderr().is_terminal() && !plain_wanted()
}

/// Returns the width of the terminal on stdout, or `usize::MAX` if stdout is not a terminal.
pub fn columns() -> usize {
    width(terminal_size::terminal_size_of(io::stdout()))
}

/// Returns the width of the terminal on stderr, which shows the progress bars, or `usize::MAX` if stderr is not a
/// terminal.
pub fn bar_columns() -> usize {
    width(terminal_size::terminal_size_of(io::stderr()))
}

fn width(size: Option<(Width, Height)>) -> usize {
    size.map_or(usize::MAX, |(width, _)| usize::from(width.0))
}

/// The style in which images are drawn on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// In colour.
    Colour,
    /// In plain characters.
    Plain,
    /// Not at all.
    None,
}

/// Returns how to draw images. On a terminal, images are drawn in colour, or in plain characters if colours are off or
/// not supported. Elsewhere, no images are drawn. CLICOLOR_FORCE forces colour everywhere, unless NO_COLOR is set.
pub fn drawing_wanted() -> Drawing {
    let forced =
        env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    if forced && !is_set("NO_COLOR") {
        return Drawing::Colour;
    }
    match (io::stdout().is_terminal(), plain_wanted() || !supports_colours()) {
        (false, _) => Drawing::None,
        (true, true) => Drawing::Plain,
        (true, false) => Drawing::Colour,
    }
}

/// Returns whether the terminal supports colours. In a Windows console, this call first enables them. If that fails, the terminal
/// counts as supporting colours only if TERM is set.
fn supports_colours() -> bool {
    anstyle_query::windows::enable_ansi_colors() != Some(false) || is_set("TERM")
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Returns whether the environment turns colours and progress bars off.
fn plain_wanted() -> bool {
    is_set("NO_COLOR")
        || env::var("CI").is_ok_and(|ci| ci == "true")
        || env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// Writes `text` to stderr as one line. Characters that a terminal interprets are escaped. Failures are ignored.
pub fn note(text: &str) {
    // Use a single write, so that the lines of two programs do not mix.
    let line = format!("{}\n", text::line(text));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Prints an error and its hint, if any.
pub fn error(error: &Error) {
    note(&format!("error: {error}"));
    if let Some(hint) = error.hint() {
        note(&format!("hint: {hint}"));
    }
}

/// Runs the program, prints its error if it fails, and returns the exit status.
///
/// A panic is always a bug. Like an error, a panic is printed in two lines, and the exit status is 1.
pub fn exit_status(work: impl FnOnce() -> Result<(), Error> + UnwindSafe) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let info = info.to_string().replace('\n', " ");
        note(&format!("error: internal error: {info}"));
        note("hint: this is a bug in lenet; please report it with the command that you typed");
    }));
    limits::handle_sigxfsz();
    match panic::catch_unwind(work) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            self::error(&error);
            ExitCode::from(error.exit_code())
        }
        // The hook has already printed the panic.
        Err(_) => ExitCode::FAILURE,
    }
}
