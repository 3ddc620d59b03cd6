//! A training at rest: everything that its next batch depends on.

use serde::{Deserialize, Serialize};

use crate::model::Weights;

use super::{EpochRecord, Keep, RunningSums, Settings, StopReason};

/// The best epoch so far. Its weights are no part of its JSON.
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

/// A training between two batches.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The weights as trained: with the recipe's activation, for pixels as it scales them.
    pub weights: Weights,
    /// The optimiser's velocity of each weight, where the recipe has momentum.
    pub velocity: Option<Weights>,
    /// Finished epochs.
    pub history: Vec<EpochRecord>,
    /// The part of the next epoch that is done.
    pub sums: RunningSums,
    /// The best finished epoch by validation loss.
    pub best: Option<Best>,
}

impl State {
    /// The start of a training.
    #[must_use]
    pub fn initial(settings: &Settings) -> Self {
        let recipe = &settings.recipe;
        let weights = Weights::initial(settings.seed, recipe.gain);
        Self {
            velocity: recipe.sgd().has_velocity().then(Weights::zeros),
            weights: weights.for_activation(recipe.activation),
            history: Vec::new(),
            sums: RunningSums::default(),
            best: None,
        }
    }

    /// Whether nothing is left to do: all epochs are done, or patience is at its end.
    #[must_use]
    pub fn is_over(&self, settings: &Settings) -> bool {
        let done = self.history.len();
        let since_best = self.best.as_ref().map_or(0, |best| done - best.epoch);
        let patient = settings.patience.is_none_or(|patience| since_best < patience);
        done >= settings.epochs || (self.sums.batches == 0 && !patient)
    }

    /// Why a training that is over is.
    #[must_use]
    pub fn stop_reason(&self, settings: &Settings) -> StopReason {
        match self.history.len() < settings.epochs {
            true => StopReason::Patience,
            false => StopReason::Epochs,
        }
    }

    /// The epoch whose weights the model has; none in the middle of the first.
    #[must_use]
    pub fn kept_epoch(&self, keep: Keep) -> Option<usize> {
        let done = self.history.len();
        match (&self.best, keep) {
            (Some(best), Keep::Best) => Some(best.epoch),
            _ => (done > 0).then_some(done),
        }
    }

    /// The weights that the settings want for the model, from what is done so far, for raw pixels.
    #[must_use]
    pub fn model(&self, settings: &Settings) -> Weights {
        let weights = match &self.best {
            Some(best) if settings.keep == Keep::Best => &best.weights,
            _ => &self.weights,
        };
        settings.recipe.fold(weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::settings::tests::history;
    use crate::train::{Recipe, settings};

    /// A training whose epoch 2 of `done` was the best.
    fn state(done: usize) -> State {
        let settings = settings(Keep::Last, None);
        let mut state = State::initial(&settings);
        state.weights.tensors_mut()[9].fill(done as f32);
        let losses = (1..=done).map(|epoch| if epoch == 2 { 0.25 } else { 0.5 });
        state.history = history(&losses.collect::<Vec<_>>());
        let mut weights = state.weights.clone();
        weights.tensors_mut()[9].fill(2.0);
        state.best = Some(Best { epoch: 2, val_loss: 0.25, weights });
        state
    }

    fn settings(keep: Keep, patience: Option<usize>) -> Settings {
        Settings { keep, patience, ..settings::tests::settings(9, Recipe::classic()) }
    }

    #[test]
    fn the_best_epoch_is_kept_where_it_is_wanted() {
        let state = state(5);
        for (keep, epoch) in [(Keep::Best, 2), (Keep::Last, 5)] {
            assert_eq!(state.kept_epoch(keep), Some(epoch));
            let model = state.model(&settings(keep, None));
            assert_eq!(model.tensors()[9], [epoch as f32; 10], "{keep:?}");
        }
        let none = State::initial(&settings(Keep::Best, None));
        assert_eq!(none.kept_epoch(Keep::Best), None);
    }

    #[test]
    fn patience_counts_epochs_since_the_best() {
        let is_over = |done, patience| state(done).is_over(&settings(Keep::Last, Some(patience)));
        assert!(!is_over(4, 3) && is_over(5, 3) && is_over(4, 2) && !is_over(3, 2));
        let with_patience = settings(Keep::Last, Some(3));
        assert_eq!(state(5).stop_reason(&with_patience), StopReason::Patience);
        assert!(!state(8).is_over(&settings(Keep::Last, None)));
        assert!(state(9).is_over(&settings(Keep::Last, None)));
        assert_eq!(state(9).stop_reason(&with_patience), StopReason::Epochs);
        // In the middle of an epoch it goes on to the epoch's end.
        let mut begun = state(5);
        begun.sums.batches = 1;
        assert!(!begun.is_over(&with_patience));
    }
}
