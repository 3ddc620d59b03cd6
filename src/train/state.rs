//! A training at rest: everything that its next batch depends on.

use crate::model::Weights;

use super::{EpochRecord, Keep, RunningSums, Settings, StopReason};

/// The best epoch so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Its validation loss.
    pub val_loss: f64,
    /// Its weights, as trained.
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
        let patient = settings
            .patience
            .is_none_or(|patience| since_best < patience);
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
