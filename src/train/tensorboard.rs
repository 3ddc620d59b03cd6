//! A reporter that also writes TensorBoard's event files: `DIR/train` and `DIR/validation`, a run each.
//!
//! | run | scalars of an epoch |
//! |---|---|
//! | train | `loss`, `accuracy`, `learning_rate` |
//! | validation | `loss`, `accuracy` |
//!
//! The step is the number of the epoch, the learning rate that in its middle. Each epoch is in the files as soon as it
//! is over. A training that is gone on with begins files of its own beside the earlier ones; TensorBoard joins them. They
//! begin with the epochs that the earlier ones lack: a kill may have come between the saving of an epoch and its event.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::eval::Evaluation;
use crate::io::FileError;

use super::event_file::{EventFile, files_in, steps_in};
use super::{End, EpochRecord, Reporter, RunningSums, Start};

/// Tells `inner` everything, and TensorBoard what it shows.
pub struct TensorBoard {
    inner: Box<dyn Reporter>,
    train: Run,
    validation: Run,
    /// That of each epoch.
    learning_rates: Vec<f64>,
    /// The epochs that were done before.
    history: Vec<EpochRecord>,
    failure: Option<Error>,
}

/// One run: a folder, and the file in it once there is something to write.
struct Run {
    dir: PathBuf,
    events: Option<EventFile>,
}

impl TensorBoard {
    /// Writes below `dir`, which is made if it is not there. A training that is gone on with comes with its `history`.
    ///
    /// # Errors
    /// If `dir` has event files of lenet already, and they are neither those of this training's `history` nor does
    /// `force` remove them; if a folder cannot be made.
    pub fn new(
        inner: Box<dyn Reporter>,
        dir: &Path,
        history: Option<&[EpochRecord]>,
        force: bool,
    ) -> Result<Self, Error> {
        let run = |name| {
            let dir = dir.join(name);
            let earlier = files_in(&dir);
            if !earlier.is_empty() && history.is_none() && !force {
                return Err(Error::exists(&dir));
            }
            for path in earlier.iter().filter(|_| history.is_none()) {
                fs::remove_file(path).map_err(FileError::of("cannot remove", path))?;
            }
            fs::create_dir_all(&dir).map_err(FileError::of("cannot make the folder", &dir))?;
            Ok(Run { dir, events: None })
        };
        Ok(Self {
            inner,
            train: run("train")?,
            validation: run("validation")?,
            learning_rates: Vec::new(),
            history: history.unwrap_or_default().to_vec(),
            failure: None,
        })
    }
}

impl TensorBoard {
    /// Writes what the earlier files of each run lack.
    fn complete(&mut self) {
        let history = std::mem::take(&mut self.history);
        let missing = |run: &Run| run.first_missing(&history).unwrap_or(history.len());
        let (train, validation) = (missing(&self.train), missing(&self.validation));
        self.keep(|this| {
            let mut train = history[train..].iter();
            train.try_for_each(|record| this.write_training(record))?;
            let mut validation = history[validation..].iter();
            validation.try_for_each(|record| this.write_validation(record))
        });
    }

    /// Does `write`, unless something has failed before: after the first failure the files are left as they are.
    fn keep(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Error>) {
        if self.failure.is_none() {
            self.failure = write(self).err();
        }
    }

    fn write_training(&mut self, record: &EpochRecord) -> Result<(), Error> {
        let rate = self.learning_rates[record.epoch - 1];
        let scalars =
            [("loss", record.loss), ("accuracy", record.accuracy), ("learning_rate", rate)];
        self.train.write(record.epoch, &scalars)
    }

    fn write_validation(&mut self, record: &EpochRecord) -> Result<(), Error> {
        match (record.val_loss, record.val_accuracy) {
            (Some(loss), Some(accuracy)) => {
                let scalars = [("loss", loss), ("accuracy", accuracy)];
                self.validation.write(record.epoch, &scalars)
            }
            _ => Ok(()),
        }
    }
}

impl Run {
    /// The index in `history` of the first epoch that the files do not hold.
    fn first_missing(&self, history: &[EpochRecord]) -> Option<usize> {
        let steps = steps_in(&self.dir);
        history.iter().position(|record| !steps.contains(&(record.epoch as u64)))
    }

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
            .map(|epoch| {
                start.recipe.learning_rate * start.recipe.schedule.factor(epoch, start.epochs)
            })
            .collect();
        self.inner.start(start);
        self.complete();
    }

    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        self.inner.progress(epoch, batches, sums);
    }

    fn epoch(&mut self, record: &EpochRecord, samples: usize) {
        self.keep(|this| {
            this.write_training(record)?;
            this.write_validation(record)
        });
        self.inner.epoch(record, samples);
    }

    fn test(&mut self, test: &Evaluation, end: &End) {
        self.inner.test(test, end);
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
