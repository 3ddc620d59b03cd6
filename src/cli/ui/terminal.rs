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

/// Writes `text` to stderr. Characters that a terminal interprets are escaped, and passwords in URLs are hidden. On a terminal,
/// the text is wrapped between words, and the first word (`error:`, `warning:`, ..) is coloured. Elsewhere, the text is one
/// line. Failures are ignored.
pub fn note(text: &str) {
    let words: Vec<_> = text.split(' ').map(text::without_password_in).collect();
    let mut lines = wrap(&text::line(&words.join(" ")), bar_columns()).join("\n");
    if io::stderr().is_terminal() && !plain_wanted() && supports_colours() {
        lines = with_coloured_label(&lines);
    }
    // Use a single write, so that the lines of two programs do not mix.
    let _ = io::stderr().write_all(format!("{lines}\n").as_bytes());
}

/// Colours the label of a message: errors red, warnings yellow, anything else bold.
fn with_coloured_label(text: &str) -> String {
    let colour = match text.split(':').next() {
        Some("error") => "1;31",
        Some("warning") => "1;33",
        Some("hint" | "note") => "1",
        _ => return text.to_owned(),
    };
    let (label, rest) = text.split_once(':').unwrap_or_default();
    format!("\u{1b}[{colour}m{label}:\u{1b}[0m{rest}")
}

/// Programs with which a command at the end of a hint may start.
const PROGRAMS: [&str; 11] =
    ["7z", "bunzip2", "curl", "env", "gunzip", "lenet", "tar", "unrar", "unxz", "unzip", "unzstd"];

/// Returns the index of the `: ` before the command or the line of Python at the end of `text`, if there is one.
fn command_start(text: &str) -> Option<usize> {
    let mut starts = text.match_indices(": ").map(|(index, _)| index);
    starts.find(|index| {
        let (before, after) = (&text[..*index], &text[index + 2..]);
        let program = after.split(' ').next().unwrap_or_default();
        PROGRAMS.contains(&program) || before.ends_with("in Python")
    })
}

/// Wraps `text` to lines of at most `columns` characters, where possible. A command, which is in backquotes or at the end, stays
/// whole, so that it can be copied.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    if text.chars().count() <= columns {
        return vec![text.to_owned()];
    }
    if let Some(index) = command_start(text) {
        let mut lines = wrap(&text[..=index], columns);
        lines.push(text[index + 2..].to_owned());
        return lines;
    }
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match words.last_mut() {
            // The last word has an opening backquote without a closing one.
            Some(last) if last.matches('`').count() % 2 == 1 => *last += &format!(" {word}"),
            _ => words.push(word.to_owned()),
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                *line += &format!(" {word}");
            }
            _ => lines.push(word),
        }
    }
    lines
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_wrap_between_words() {
        let text = "note: use `lenet data fetch --force` to download a valid file";
        assert_eq!(wrap(text, 80), [text]);
        let lines = wrap(text, 24);
        assert_eq!(lines, ["note: use", "`lenet data fetch --force`", "to download a valid file"]);
        let lines =
            wrap("hint: everything is saved; resume with: lenet train --resume -o m.mpk", 26);
        assert_eq!(
            lines,
            ["hint: everything is saved;", "resume with:", "lenet train --resume -o m.mpk"]
        );
        for command in [
            "env LENET_SIMD=avx2 lenet train '--output=a: lenet b.mpk' --resume",
            "gunzip < 'my model.mpk' > 'unpacked-my model.mpk'",
        ] {
            let lines = wrap(&format!("hint: unpack it first: {command}"), 26);
            assert_eq!(lines, ["hint: unpack it first:", command]);
        }
        let lines = wrap("hint: save it again in Python: torch.save(torch.load(\"a b\"))", 20);
        assert_eq!(lines, ["hint: save it again", "in Python:", "torch.save(torch.load(\"a b\"))"]);
        assert_eq!(wrap("one_very_long_word", 4), ["one_very_long_word"]);
        assert_eq!(wrap("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrap("ab cd ef", 4), ["ab", "cd", "ef"]);
    }
}
