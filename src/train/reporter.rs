//! Who is told how a training goes.

use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::eval::Evaluation;
use crate::io::text::plural;

use super::{EpochRecord, Keep, Recipe, RunningSums, Settings, State};

/// The facts at the start of a training.
#[derive(Debug, Clone, Serialize)]
pub struct Start {
    /// Version of the JSON events.
    pub schema: u32,
    /// Number of training images.
    pub train_samples: usize,
    /// Number of validation images.
    pub validation_samples: usize,
    /// Seed of every random choice.
    pub seed: u64,
    /// The file that the model goes to, if it goes to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Name of the backend.
    pub backend: String,
    /// What computes: the CPU level of the kernels, or the GPU.
    pub device: String,
    /// CPU threads.
    pub threads: usize,
    /// Passes in all.
    pub epochs: usize,
    /// Passes that a resumed training has behind it.
    pub epochs_done: usize,
    /// Images per step.
    pub batch_size: usize,
    /// Its fields stand beside these, its name as `recipe`.
    #[serde(flatten, serialize_with = "by_name")]
    pub recipe: Recipe,
}

fn by_name<S: Serializer>(recipe: &Recipe, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = fields(recipe);
    let name = fields.shift_remove("name").unwrap_or_default();
    fields.insert("recipe".to_owned(), name);
    fields.serialize(serializer)
}

/// The fields of a value as JSON.
#[must_use]
pub fn fields(value: &impl Serialize) -> Map<String, Value> {
    // By way of the text, where an f32 has its own few digits and not those of the f64 that is equal to it.
    let text = serde_json::to_string(value).expect("numbers and strings always become JSON");
    serde_json::from_str(&text).expect("it is one of our structures")
}

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopReason {
    /// All epochs were done.
    Epochs,
    /// The validation loss had not improved for `--patience` epochs.
    Patience,
}

/// How a training came to its end.
#[derive(Debug, Clone, Serialize)]
pub struct End {
    /// Epochs that were done.
    pub epochs_done: usize,
    /// Why they were not more.
    pub stop_reason: StopReason,
    /// The epoch whose weights the model has.
    pub kept_epoch: Option<usize>,
    /// Whether the model gives all test images the same answer.
    pub collapsed: bool,
}

impl End {
    /// Of a training by `settings` that left `state`, whose model did so on the test images.
    #[must_use]
    pub fn new(settings: &Settings, state: &State, test: &Evaluation) -> Self {
        Self {
            epochs_done: state.history.len(),
            stop_reason: state.stop_reason(settings),
            kept_epoch: state.kept_epoch(settings.keep),
            collapsed: test.is_collapsed(),
        }
    }

    /// What a person should know of it.
    #[must_use]
    pub fn notes(&self, settings: &Settings) -> Vec<String> {
        let mut notes = Vec::new();
        let done = self.epochs_done;
        if let (StopReason::Patience, Some(patience)) = (self.stop_reason, settings.patience) {
            notes.push(format!(
                "note: stopped after epoch {done} of {}: the validation loss did not improve for {}; go on \
                 with --resume and a larger --patience",
                settings.epochs,
                plural(patience, "epoch")
            ));
        }
        if let (Keep::Best, Some(kept)) = (settings.keep, self.kept_epoch)
            && kept != done
        {
            notes.push(format!(
                "note: the model has the weights of epoch {kept}, of the best validation loss"
            ));
        }
        if self.collapsed {
            notes.push(format!(
                "warning: the model gives all test images the same answer; use a learning rate below {} (--lr), \
                 or train for longer if the images were few",
                settings.recipe.learning_rate
            ));
        }
        notes
    }
}

/// Receives the events of a training, in order. What it does not implement, it ignores.
///
/// A telling that fails must not end the training: the first failure is kept, and [`Reporter::finish`] returns
/// it once everything is done and saved.
#[allow(unused_variables, reason = "the names are for those who implement it")]
pub trait Reporter {
    /// Training begins.
    fn start(&mut self, start: &Start) {}
    /// Some batches of `epoch`, which has `batches`, are done.
    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {}
    /// An epoch over `samples` images is done and validated.
    fn epoch(&mut self, record: &EpochRecord, samples: usize) {}
    /// The last epoch is done, and the test images have been looked at.
    fn test(&mut self, test: &Evaluation, end: &End) {}
    /// The model lies there.
    fn saved(&mut self, path: &Path) {}
    /// Something to know that is no result.
    fn note(&mut self, text: &str) {}
    /// Nothing more will come.
    ///
    /// # Errors
    /// The first failure, if there was one.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Reporter for Quiet {}
