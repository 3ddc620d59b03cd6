//! A reporter that also writes TensorBoard's event files: `DIR/train` and `DIR/validation`, a run each.
//!
//! | run | scalars of an epoch |
//! |---|---|
//! | train | `loss`, `accuracy`, `learning_rate` |
//! | validation | `loss`, `accuracy` |
//!
//! The step is the number of the epoch, the learning rate that in its middle. Each epoch is in the files as soon as it
//! is over. A training that is gone on with begins files of its own beside the earlier ones; TensorBoard joins them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::eval::Evaluation;

use super::event_file::{EventFile, files_in};
use super::{EpochRecord, Reporter, RunningSums, Start};

/// Tells `inner` everything, and TensorBoard what it shows.
pub struct TensorBoard {
    inner: Box<dyn Reporter>,
    train: Run,
    validation: Run,
    /// That of each epoch.
    learning_rates: Vec<f64>,
    failure: Option<Error>,
}

/// One run: a folder, and the file in it once there is something to write.
struct Run {
    dir: PathBuf,
    events: Option<EventFile>,
}

impl TensorBoard {
    /// Writes below `dir`, which is made if it is not there.
    ///
    /// # Errors
    /// If `dir` has event files of lenet already, and neither `resume` allows others beside them nor `force`
    /// removes them; if a folder cannot be made.
    pub fn new(
        inner: Box<dyn Reporter>,
        dir: &Path,
        resume: bool,
        force: bool,
    ) -> Result<Self, Error> {
        let run = |name| {
            let dir = dir.join(name);
            let earlier = files_in(&dir);
            if !earlier.is_empty() && !resume && !force {
                return Err(Error::exists(&dir));
            }
            for path in earlier.iter().filter(|_| force) {
                fs::remove_file(path).map_err(|error| Error::file("cannot remove", path, error))?;
            }
            fs::create_dir_all(&dir)
                .map_err(|error| Error::file("cannot make the folder", &dir, error))?;
            Ok(Run { dir, events: None })
        };
        Ok(Self {
            inner,
            train: run("train")?,
            validation: run("validation")?,
            learning_rates: Vec::new(),
            failure: None,
        })
    }
}

impl Run {
    fn write(&mut self, epoch: usize, scalars: &[(&str, f64)]) -> Result<(), Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| Error::file("cannot write", &path, error)
        };
        let events = match &mut self.events {
            Some(events) => events,
            none => {
                let events = EventFile::create(&self.dir, epoch).map_err(failed(&self.dir))?;
                none.insert(events)
            }
        };
        let written = events.scalars(epoch, scalars);
        written.map_err(failed(events.path()))
    }
}

impl Reporter for TensorBoard {
    fn start(&mut self, start: &Start) {
        self.learning_rates = (0..start.epochs)
            .map(|epoch| start.learning_rate * start.schedule.factor(epoch, start.epochs))
            .collect();
        self.inner.start(start);
    }

    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        self.inner.progress(epoch, batches, sums);
    }

    fn epoch(&mut self, record: &EpochRecord, samples: usize) {
        let epoch = record.epoch;
        let scalars = [
            ("loss", record.loss),
            ("accuracy", record.accuracy),
            ("learning_rate", self.learning_rates[epoch - 1]),
        ];
        // After the first failure the files are left as they are.
        if self.failure.is_none() {
            let mut written = self.train.write(epoch, &scalars);
            if let (Ok(()), Some(loss), Some(accuracy)) =
                (&written, record.val_loss, record.val_accuracy)
            {
                let scalars = [("loss", loss), ("accuracy", accuracy)];
                written = self.validation.write(epoch, &scalars);
            }
            self.failure = written.err();
        }
        self.inner.epoch(record, samples);
    }

    fn test(&mut self, test: &Evaluation) {
        self.inner.test(test);
    }

    fn saved(&mut self, path: &Path) {
        self.inner.saved(path);
    }

    fn note(&mut self, text: &str) {
        self.inner.note(text);
    }

    fn finish(&mut self) -> Result<(), Error> {
        let told = self.inner.finish();
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => told,
        }
    }
}
