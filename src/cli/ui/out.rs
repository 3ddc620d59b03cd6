//! Writes to stdout, and tolerates a closed pipe.

use std::io::{self, Write};

use serde::Serialize;

use super::table::Table;
use super::{Drawing, columns, drawing_wanted, format};
use crate::cli::error::Error;
use crate::io::text;

/// Writes lines to stdout. If the reader closes the pipe, as in `lenet .. | head`, the remaining output is dropped silently and
/// the command continues. Any other failure is kept for [`Out::finish`], and the remaining output is dropped as well.
#[derive(Debug, Default)]
pub struct Out {
    ended: Option<Ending>,
}

#[derive(Debug)]
enum Ending {
    ReaderGone,
    Failed(io::Error),
}

impl Out {
    /// Writes `text` as one line and flushes it. Characters that a terminal interprets are escaped.
    pub fn line(&mut self, text: &str) {
        self.verbatim(&text::line(text));
    }

    /// Writes each item as one line.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        lines.into_iter().for_each(|line| self.line(line.as_ref()));
    }

    /// Writes the lines of a table, in colour if the terminal supports it.
    pub fn table(&mut self, table: &Table) {
        let lines = table.lines(columns(), drawing_wanted() == Drawing::Colour);
        lines.iter().for_each(|line| self.verbatim(line));
    }

    /// Writes `text` and a newline without escaping. `text` must come from the program itself, without names, messages
    /// or file contents from outside.
    pub fn verbatim(&mut self, text: &str) {
        if self.ended.is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
            // ERROR_PIPE_NOT_CONNECTED, for which Rust has no `ErrorKind`.
            let is_unconnected = cfg!(windows) && error.raw_os_error() == Some(233);
            self.ended = Some(match error.kind() {
                io::ErrorKind::BrokenPipe => Ending::ReaderGone,
                _ if is_unconnected => Ending::ReaderGone,
                _ => Ending::Failed(error),
            });
        }
    }

    /// Writes `value` as one line of JSON.
    pub fn json(&mut self, value: &impl Serialize) {
        let document = serde_json::to_string(value);
        self.verbatim(&format::json(document.expect("every document becomes JSON")));
    }

    /// Ends the output.
    ///
    /// # Errors
    /// Returns the first failure, unless the reader closed the pipe.
    pub fn finish(&mut self) -> Result<(), Error> {
        match self.ended.take() {
            Some(Ending::Failed(error)) => Err(Error::Stdout(error)),
            _ => Ok(()),
        }
    }
}
