//! `lenet data`: downloads, imports, checks and shows data sets.

mod fetch;
mod import;
mod show;
mod verify;

use crate::cli::args::{DataAction, DataCommand};
use crate::cli::error::Error;

impl DataCommand {
    /// Runs the selected action.
    ///
    /// # Errors
    /// Returns the error of the action; `verify` also fails if a file is missing or incorrect.
    pub fn run(&self) -> Result<(), Error> {
        match &self.action {
            DataAction::Fetch(args) => fetch::fetch(args),
            DataAction::Import(args) => import::import(args),
            DataAction::Verify(args) => verify::verify(args),
            DataAction::Show(args) => show::show(args),
        }
    }
}
