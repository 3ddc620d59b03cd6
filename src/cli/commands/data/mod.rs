//! `lenet data`: downloading, checking and looking at the data set.

mod fetch;
mod show;
mod verify;

use crate::cli::args::{DataAction, DataCommand};
use crate::error::Error;

impl DataCommand {
    /// Runs what was asked for.
    ///
    /// # Errors
    /// Whatever ends it early; for `verify`, also files that are not right.
    pub fn run(&self) -> Result<(), Error> {
        match &self.action {
            DataAction::Fetch(args) => fetch::fetch(args),
            DataAction::Verify(args) => verify::verify(args),
            DataAction::Show(args) => show::show(args),
        }
    }
}
