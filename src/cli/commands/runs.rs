//! `lenet runs`: one row per training run, with the settings that differ.

mod cell;
mod find;
mod table;

use crate::cli::args::RunsArgs;
use crate::cli::compare::Run;
use crate::cli::error::Error;
use crate::cli::ui::{self, Out};
use crate::io::FileError;
use crate::io::limits::is_exhausted;

use table::RunTable;

impl RunsArgs {
    /// Prints the runs, and then a warning for each record that cannot be read.
    ///
    /// # Errors
    /// Returns an error if no run can be read, if `--sort` names no column, if memory is exhausted, or if the output cannot be written.
    pub fn run(&self) -> Result<(), Error> {
        let (mut runs, mut broken) = (Vec::new(), Vec::new());
        for path in find::records(&self.paths)? {
            match Run::read(&path) {
                Ok(run) => runs.push((path.display().to_string(), run)),
                Err(error) if is_exhausted(&error) => {
                    return Err(FileError::new("cannot read", &path, error).into());
                }
                Err(problem) => broken.push(format!("{}: {problem}", path.display())),
            }
        }
        if runs.is_empty() {
            broken.iter().for_each(|broken| skip(broken));
            let paths: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
            return Err(Error::NoRuns(paths.join(", ")));
        }
        let mut table = match self.per_epoch {
            true => RunTable::of_epochs(&runs),
            false => RunTable::of_runs(&runs),
        };
        let sort = self.sort.as_deref().or(self.best.map(|_| "val_accuracy"));
        if let Some(key) = sort {
            table.sort(key).map_err(|known| {
                Error::Usage(format!(
                    "--sort {key}: no such column; expected one of {}",
                    known.join(", ")
                ))
            })?;
        }
        table.rows.truncate(self.best.map_or(usize::MAX, |best| best.get()));
        let mut out = Out::default();
        match (self.json, self.csv) {
            (true, _) => out.json(&table.json(&broken)),
            (_, true) => out.lines(table.csv()),
            _ => out.table(&table.text()),
        }
        broken.iter().for_each(|broken| skip(broken));
        out.finish()
    }
}

fn skip(broken: &str) {
    ui::note(&format!("warning: skipping {broken}"));
}
