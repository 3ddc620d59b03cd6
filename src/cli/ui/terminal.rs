//! What standard error is, and notes on it.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, UnwindSafe};
use std::process::ExitCode;

use terminal_size::{Height, Width};

use crate::cli::args::ProgressStyle;
use crate::cli::error::Error;
use crate::io::{limits, text};

/// Whether to draw a progress bar: only for a person at a terminal who has not asked otherwise.
pub fn bars_wanted(style: ProgressStyle) -> bool {
    style == ProgressStyle::Auto && io::stderr().is_terminal() && !plain_wanted()
}

/// Characters in a line of standard output: those of its terminal, or as many as there are.
pub fn columns() -> usize {
    width(terminal_size::terminal_size_of(io::stdout()))
}

/// The same of standard error, where the bars are.
pub fn bar_columns() -> usize {
    width(terminal_size::terminal_size_of(io::stderr()))
}

fn width(size: Option<(Width, Height)>) -> usize {
    size.map_or(usize::MAX, |(width, _)| usize::from(width.0))
}

/// How to draw an image on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// In colour.
    Colour,
    /// In characters alone.
    Plain,
    /// Not at all.
    None,
}

/// As well as standard output shows it: in colour on a terminal, but for a user who wants none; not in a file, unless
/// CLICOLOR_FORCE asks for colours.
pub fn drawing_wanted() -> Drawing {
    let forced =
        env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    if forced && !is_set("NO_COLOR") {
        return Drawing::Colour;
    }
    match (io::stdout().is_terminal(), plain_wanted() || !takes_colours()) {
        (false, _) => Drawing::None,
        (true, true) => Drawing::Plain,
        (true, false) => Drawing::Colour,
    }
}

/// Whether the terminal takes colours: all do but a console of Windows, where they are switched on first. (One that is not
/// Windows' own names itself in TERM.)
fn takes_colours() -> bool {
    anstyle_query::windows::enable_ansi_colors() != Some(false) || is_set("TERM")
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether the surroundings ask for neither colours nor bars.
fn plain_wanted() -> bool {
    is_set("NO_COLOR")
        || env::var("CI").is_ok_and(|ci| ci == "true")
        || env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// Tells the user something on standard error, in one line. Whatever stands in it that a terminal would obey is shown
/// instead. If nobody listens, that is no failure.
pub fn note(text: &str) {
    // In one piece, so that the lines of two programs do not mix.
    let line = format!("{}\n", text::line(text));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Tells the user what failed, and what to do about it.
pub fn error(error: &Error) {
    note(&format!("error: {error}"));
    if let Some(hint) = error.hint() {
        note(&format!("hint: {hint}"));
    }
}

/// Does a program's work, reports its error if it fails, and returns the exit status.
///
/// A panic, which is always a bug, is reported in two lines too, and has status 1.
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
        // The hook has said what there is to say.
        Err(_) => ExitCode::FAILURE,
    }
}
