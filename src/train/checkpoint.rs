//! A training at rest: everything that its next batch depends on.

use serde::{Deserialize, Serialize};

use crate::eval::Evaluation;
use crate::model::Weights;

use super::{EpochRecord, Keep, RunRecord, RunningSums, StopReason};

/// A training between two batches. Its JSON has all but the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// What the training is, and its finished epochs.
    pub record: RunRecord,
    /// SHA-256 of the model that was replaced when this was saved: it is still there after a kill between the two.
    pub replaced: Option<String>,
    /// The part of the next epoch that is done.
    pub sums: RunningSums,
    /// The best finished epoch by validation loss.
    pub best: Option<Best>,
    /// The weights as trained: with the recipe's activation, for pixels as it scales them.
    #[serde(skip, default = "Weights::zeros")]
    pub weights: Weights,
    /// Optimizer state: [`Sgd::slots`](crate::optim::Sgd::slots) values per parameter.
    #[serde(skip)]
    pub slots: Vec<Weights>,
}

/// The best epoch so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Its validation loss.
    pub val_loss: f64,
    /// Its weights, as trained.
    #[serde(skip, default = "Weights::zeros")]
    pub weights: Weights,
}

impl Checkpoint {
    /// The start of the training that `record` describes.
    pub fn initial(record: RunRecord) -> Self {
        let recipe = &record.settings.recipe;
        let weights = Weights::initial(record.settings.seed, recipe.gain);
        Self {
            slots: vec![Weights::zeros(); recipe.sgd().slots()],
            weights: weights.for_activation(recipe.activation),
            replaced: None,
            sums: RunningSums::default(),
            best: None,
            record,
        }
    }

    /// This training, to go on as `record` describes it.
    ///
    /// # Errors
    /// What makes that another training.
    pub fn go_on(self, record: RunRecord) -> Result<Self, String> {
        let (then, now) = (&self.record, &record);
        if let Some(difference) = then.settings.difference(&now.settings) {
            return Err(difference);
        }
        now.settings.allow(&then.epochs)?;
        if then.data != now.data {
            return Err("it was begun with another data set".to_owned());
        }
        if then.lenet != now.lenet {
            return Err(format!("lenet {} wrote it, this is {}", then.lenet, now.lenet));
        }
        if then.device != now.device {
            return Err(format!("it was begun on {}, not {}", then.device, now.device));
        }
        self.check_progress(now.train_samples)?;
        let RunRecord { started, epochs, .. } = self.record;
        let mut state = Self { record: RunRecord { started, epochs, ..record }, ..self };
        state.record.kept_epoch = state.kept_epoch();
        Ok(state)
    }

    /// Refuses an unfinished epoch that does not fit `samples` training images.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn check_progress(&self, samples: usize) -> Result<(), String> {
        let RunningSums { batches, samples: seen, correct, .. } = self.sums;
        match batches.checked_mul(self.record.settings.batch_size) {
            Some(most) if seen == most.min(samples) && correct <= seen => Ok(()),
            _ => Err(format!(
                "{batches} batches with {seen} images of {samples} are not the start of an epoch"
            )),
        }
    }

    /// Number of the next epoch to end, from 1.
    pub(super) fn epoch(&self) -> usize {
        self.record.epochs.len() + 1
    }

    /// Moves the epoch's sums and its validation into the record.
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

    /// Whether nothing is left to do: all epochs are done, or patience is at its end.
    pub fn is_over(&self) -> bool {
        let (done, settings) = (self.record.epochs.len(), &self.record.settings);
        let since_best = self.best.as_ref().map_or(0, |best| done - best.epoch);
        let patient = settings.patience.is_none_or(|patience| since_best < patience);
        done >= settings.epochs || (self.sums.batches == 0 && !patient)
    }

    /// Why a training that is over is.
    pub fn stop_reason(&self) -> StopReason {
        match self.record.epochs.len() < self.record.settings.epochs {
            true => StopReason::Patience,
            false => StopReason::Epochs,
        }
    }

    /// The epoch whose weights the model has; none in the middle of the first.
    fn kept_epoch(&self) -> Option<usize> {
        match (&self.best, self.record.settings.keep) {
            (Some(best), Keep::Best) => Some(best.epoch),
            _ => self.record.epochs.last().map(|last| last.epoch),
        }
    }

    /// The weights that the settings want for the model, from what is done so far, for raw pixels.
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

    /// A training in which nothing is out of the ordinary.
    pub fn state(settings: Settings) -> Checkpoint {
        Checkpoint::initial(RunRecord::new(settings, "CPU"))
    }

    /// After so many epochs, whose outputs for the right class were these: all images are of class 0, and the weights
    /// of `fc3.bias` are the number of the epoch.
    fn after(outputs: &[f32], keep: Keep, patience: Option<usize>) -> Checkpoint {
        let settings = Settings { epochs: 9, keep, patience, ..Settings::new(Recipe::classic()) };
        let mut state = state(settings);
        for output in outputs {
            let mut row = [0.1; 10];
            row[0] = *output;
            let (epoch, validation) = (state.epoch(), Evaluation::new(&[row], &[0], &UNKNOWN));
            state.weights.tensor_mut(9).fill(epoch as f32);
            state.sums.seconds = 0.5 * epoch as f64;
            let finished = state.finish_epoch(Some(&validation));
            assert_eq!((finished.epoch, finished.seconds), (epoch, 0.5 * epoch as f64));
            assert_eq!(finished.val_loss, Some(validation.loss()));
            assert_eq!(finished.val_accuracy, Some(1.0));
            assert_eq!(state.record.epochs.last(), Some(&finished));
            assert_eq!(state.sums.batches, 0);
        }
        state
    }

    #[test]
    fn the_epoch_of_the_smallest_validation_loss_is_kept_where_it_is_wanted() {
        // Of equal losses the first is the smallest.
        for (keep, epoch) in [(Keep::Best, 2), (Keep::Last, 4)] {
            let state = after(&[0.5, 0.9, 0.9, 0.4], keep, None);
            assert_eq!(state.record.kept_epoch, Some(epoch));
            assert_eq!(*state.model().tensor(9), [epoch as f32; 10], "{keep:?}");
            let best = state.best.unwrap();
            assert_eq!((best.epoch, best.weights.tensor(9)), (2, &[2.0; 10][..]));
            assert_eq!(Some(best.val_loss), state.record.epochs[1].val_loss);
        }
        assert_eq!(after(&[], Keep::Best, None).kept_epoch(), None);
    }

    #[test]
    fn patience_counts_epochs_since_the_best() {
        let outputs = [0.5, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
        let done = |done, patience| after(&outputs[..done], Keep::Last, patience);
        let is_over = |epochs, patience| done(epochs, Some(patience)).is_over();
        assert!(!is_over(4, 3) && is_over(5, 3) && is_over(4, 2) && !is_over(3, 2));
        assert_eq!(done(5, Some(3)).stop_reason(), StopReason::Patience);
        assert!(!done(8, None).is_over() && done(9, None).is_over());
        assert_eq!(done(9, Some(3)).stop_reason(), StopReason::Epochs);
        // In the middle of an epoch it goes on to the epoch's end.
        let mut begun = done(5, Some(3));
        begun.sums.batches = 1;
        assert!(!begun.is_over());
    }
}
