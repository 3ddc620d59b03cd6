//! Standard output that survives its reader.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::Error;

/// Writes lines to standard output. When the reader has gone, as after `| head`, the rest is dropped in
/// silence and the work goes on; any other failure is an error.
#[derive(Debug, Default)]
pub struct Out {
    reader_gone: bool,
}

impl Out {
    /// Writes `text` and a line end, at once.
    pub fn line(&mut self, text: &str) -> Result<(), Error> {
        if self.reader_gone {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader_gone = true;
                Ok(())
            }
            written => written.map_err(Error::Output),
        }
    }

    /// Writes `value` as one line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(value).map_err(|error| Error::Output(error.into()))?;
        self.line(&text)
    }
}
