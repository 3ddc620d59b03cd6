//! A checkpoint: everything needed to resume training at the next batch.

use serde::{Deserialize, Serialize};

use crate::backend::cpu::are_bit_identical;
use crate::eval::Evaluation;
use crate::model::Weights;

use super::{EpochRecord, Keep, RunRecord, RunningSums, StopReason};

/// The state of a training run between two batches. The JSON form has everything except weights and optimizer state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The settings and the finished epochs.
    pub record: RunRecord,
    /// SHA-256 of the model that this save overwrites. If the process dies after writing the checkpoint but before writing
    /// the model, the old model is still on disk, and resuming recognises it by this digest.
    pub replaced: Option<String>,
    /// Sums over the finished batches of the unfinished epoch.
    pub sums: RunningSums,
    /// The finished epoch with the lowest validation loss.
    pub best: Option<Best>,
    /// The weights as trained with the recipe's activation and pixel scaling, before `Weights::fold`.
    #[serde(skip, default = "Weights::zeros")]
    pub weights: Weights,
    /// Optimizer state: [`Sgd::slots`](crate::optim::Sgd::slots) values per parameter.
    #[serde(skip)]
    pub slots: Vec<Weights>,
}

/// The epoch with the lowest validation loss so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Validation loss of the epoch.
    pub val_loss: f64,
    /// Weights after the epoch, as trained.
    #[serde(skip, default = "Weights::zeros")]
    pub weights: Weights,
}

impl Checkpoint {
    /// Returns the checkpoint before the first batch of the run that `record` describes.
    pub fn initial(record: RunRecord) -> Self {
        let recipe = &record.settings.recipe;
        let weights = Weights::initial(record.settings.seed, recipe.gain);
        let weights = weights.for_activation(recipe.activation);
        Self {
            slots: vec![Weights::zeros(); recipe.sgd().slots()],
            weights: weights.with_outputs(record.classes(), recipe.activation),
            replaced: None,
            sums: RunningSums::default(),
            best: None,
            record,
        }
    }

    /// Prepares this checkpoint to resume with the settings in `record`.
    ///
    /// # Errors
    /// Returns the first difference that would lead to other weights.
    pub fn resume(self, record: RunRecord) -> Result<Self, String> {
        let (then, now) = (&self.record, &record);
        if let Some(difference) = then.settings.difference(&now.settings) {
            return Err(difference);
        }
        now.settings.check_history(&then.epochs)?;
        if then.data != now.data {
            return Err("the run started with another data set".to_owned());
        }
        if then.dataset != now.dataset {
            return Err("the run started with other class names".to_owned());
        }
        if then.lenet != now.lenet {
            return Err(format!(
                "the checkpoint was written by lenet {}, but this is lenet {}",
                then.lenet, now.lenet
            ));
        }
        if !are_bit_identical(&then.device, &now.device) {
            return Err(format!("the run started on {}, not on {}", then.device, now.device));
        }
        self.check_progress(now.train_samples)?;
        let RunRecord { started, epochs, restarts, .. } = self.record;
        let restarts = restarts.saturating_add(1);
        let mut resumed =
            Self { record: RunRecord { started, epochs, restarts, ..record }, ..self };
        resumed.record.kept_epoch = resumed.kept_epoch();
        Ok(resumed)
    }

    /// Checks that the sums of the unfinished epoch are possible with `samples` training images.
    ///
    /// # Errors
    /// Returns a description of the contradiction.
    pub fn check_progress(&self, samples: usize) -> Result<(), String> {
        let RunningSums { batches, samples: seen, correct, .. } = self.sums;
        match batches.checked_mul(self.record.settings.batch_size) {
            Some(most) if seen == most.min(samples) && correct <= seen => Ok(()),
            _ => Err(format!(
                "inconsistent progress: {batches} batches cannot contain {seen} of {samples} images"
            )),
        }
    }

    /// Returns the number of the epoch that the next batch belongs to, from 1.
    pub(super) fn epoch(&self) -> usize {
        self.record.epochs.len() + 1
    }

    /// Finishes the epoch: resets the sums, updates `best`, and adds the metrics of the epoch to the record. Returns these
    /// metrics, which come from the sums and from `validation`.
    pub(super) fn finish_epoch(&mut self, validation: Option<&Evaluation>) -> EpochRecord {
        let (epoch, sums) = (self.epoch(), std::mem::take(&mut self.sums));
        let val_loss = validation.map(Evaluation::loss);
        if let Some(val_loss) = val_loss
            && self.best.as_ref().is_none_or(|best| val_loss < best.val_loss)
        {
            self.best = Some(Best { epoch, val_loss, weights: self.weights.clone() });
        }
        let finished = EpochRecord {
            epoch,
            seconds: sums.seconds,
            loss: sums.mean_loss(),
            accuracy: sums.accuracy(),
            val_loss,
            val_accuracy: validation.map(Evaluation::accuracy),
        };
        self.record.epochs.push(finished.clone());
        self.record.kept_epoch = self.kept_epoch();
        finished
    }

    /// Returns whether all epochs are done or early stopping ends the run. Early stopping never ends a run within an epoch.
    pub fn is_over(&self) -> bool {
        let (done, settings) = (self.record.epochs.len(), &self.record.settings);
        let since_best = self.best.as_ref().map_or(0, |best| done - best.epoch);
        let stops_early = settings.patience.is_some_and(|patience| since_best >= patience);
        done >= settings.epochs || (self.sums.batches == 0 && stops_early)
    }

    /// Returns the reason why a finished run ended.
    pub fn stop_reason(&self) -> StopReason {
        match self.record.epochs.len() < self.record.settings.epochs {
            true => StopReason::Patience,
            false => StopReason::Epochs,
        }
    }

    /// Returns the epoch whose weights are saved as the model, or `None` during the first epoch.
    fn kept_epoch(&self) -> Option<usize> {
        match (&self.best, self.record.settings.keep) {
            (Some(best), Keep::Best) => Some(best.epoch),
            _ => self.record.epochs.last().map(|last| last.epoch),
        }
    }

    /// Returns the weights to save as the model, converted for sigmoids and raw pixels.
    pub fn model(&self) -> Weights {
        let settings = &self.record.settings;
        let weights = match &self.best {
            Some(best) if settings.keep == Keep::Best => &best.weights,
            _ => &self.weights,
        };
        settings.recipe.fold(weights)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::UNKNOWN;
    use crate::train::{Recipe, Settings};

    /// Returns the checkpoint at the start of a run.
    pub fn initial(settings: Settings) -> Checkpoint {
        Checkpoint::initial(RunRecord::new(settings, "CPU"))
    }

    /// Returns the checkpoint after as many epochs as `outputs` has elements. There is one validation image, with label 0, and
    /// each element is the output for class 0 after that epoch. `fc3.bias` holds the number of the epoch.
    fn after(outputs: &[f32], keep: Keep, patience: Option<usize>) -> Checkpoint {
        let settings = Settings { epochs: 9, keep, patience, ..Settings::new(Recipe::classic()) };
        let mut checkpoint = initial(settings);
        for output in outputs {
            let mut row = [0.1; 10];
            row[0] = *output;
            let epoch = checkpoint.epoch();
            let validation = Evaluation::new(&[row], &[0], &UNKNOWN);
            checkpoint.weights.tensor_mut(9).fill(epoch as f32);
            checkpoint.sums.seconds = 0.5 * epoch as f64;
            let finished = checkpoint.finish_epoch(Some(&validation));
            assert_eq!((finished.epoch, finished.seconds), (epoch, 0.5 * epoch as f64));
            assert_eq!(finished.val_loss, Some(validation.loss()));
            assert_eq!(finished.val_accuracy, Some(1.0));
            assert_eq!(checkpoint.record.epochs.last(), Some(&finished));
            assert_eq!(checkpoint.sums.batches, 0);
        }
        checkpoint
    }

    #[test]
    fn keep_best_has_lowest_validation_loss() {
        // Epochs 2 and 3 have the same loss, so the earlier of them is the best epoch.
        for (keep, epoch) in [(Keep::Best, 2), (Keep::Last, 4)] {
            let checkpoint = after(&[0.5, 0.9, 0.9, 0.4], keep, None);
            assert_eq!(checkpoint.record.kept_epoch, Some(epoch));
            assert_eq!(*checkpoint.model().tensor(9), [epoch as f32; 10], "{keep:?}");
            let best = checkpoint.best.unwrap();
            assert_eq!((best.epoch, best.weights.tensor(9)), (2, &[2.0; 10][..]));
            assert_eq!(Some(best.val_loss), checkpoint.record.epochs[1].val_loss);
        }
        assert_eq!(after(&[], Keep::Best, None).kept_epoch(), None);
    }

    #[test]
    fn patience_counts_epochs_since_best() {
        let outputs = [0.5, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
        let done = |done, patience| after(&outputs[..done], Keep::Last, patience);
        let is_over = |epochs, patience| done(epochs, Some(patience)).is_over();
        assert!(!is_over(4, 3) && is_over(5, 3) && is_over(4, 2) && !is_over(3, 2));
        assert_eq!(done(5, Some(3)).stop_reason(), StopReason::Patience);
        assert!(!done(8, None).is_over() && done(9, None).is_over());
        assert_eq!(done(9, Some(3)).stop_reason(), StopReason::Epochs);
        // An unfinished epoch is completed first.
        let mut unfinished = done(5, Some(3));
        unfinished.sums.batches = 1;
        assert!(!unfinished.is_over());
    }
}
