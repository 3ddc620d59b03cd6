//! Standard output that survives its reader.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::error::Error;
use crate::cli::ui::format;
use crate::io::text;

/// Writes lines to standard output. When the reader has gone, as after `| head`, the rest is dropped in
/// silence and the work goes on; any other failure is kept for [`Out::finish`], and the rest dropped too.
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
    /// Writes `text` as one line, at once. Whatever stands in it that a terminal would obey is shown instead.
    pub fn line(&mut self, text: &str) {
        self.verbatim(&text::line(text));
    }

    /// Writes each of these as a line.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        lines.into_iter().for_each(|line| self.line(line.as_ref()));
    }

    /// Writes what the program alone made, line ends and colours as they are, and a line end. Nothing that came from
    /// outside may stand in it: no name, no message, no text of a file.
    pub fn verbatim(&mut self, text: &str) {
        if self.ended.is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
            // ERROR_PIPE_NOT_CONNECTED, which Rust gives no kind.
            let unconnected = cfg!(windows) && error.raw_os_error() == Some(233);
            self.ended = Some(match error.kind() {
                io::ErrorKind::BrokenPipe => Ending::ReaderGone,
                _ if unconnected => Ending::ReaderGone,
                _ => Ending::Failed(error),
            });
        }
    }

    /// Writes `value` as one line of JSON.
    pub fn json(&mut self, value: &impl Serialize) {
        let document = serde_json::to_string(value);
        self.verbatim(&format::json(document.expect("what is written here always becomes JSON")));
    }

    /// Ends the writing.
    ///
    /// # Errors
    /// If a line could not be written though a reader was there.
    pub fn finish(&mut self) -> Result<(), Error> {
        match self.ended.take() {
            Some(Ending::Failed(error)) => Err(Error::Stdout(error)),
            _ => Ok(()),
        }
    }
}
