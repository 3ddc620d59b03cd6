//! What a training is asked to do.

use serde::{Deserialize, Serialize};

use crate::data::Scaling;
use crate::optim::Schedule;

use super::{EpochRecord, Recipe};

/// Which weights a training leaves as its model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Those of the last epoch.
    #[default]
    Last,
    /// Those of the epoch with the smallest validation loss.
    Best,
}

/// Everything that decides the weights of a training, but for the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Passes over the training images, in all.
    pub epochs: usize,
    /// Images per step.
    pub batch_size: usize,
    /// Share of the training images, the last ones, that are kept for validation.
    pub validation_split: f64,
    /// Whether these are of all classes in proportion, instead of simply the last ones.
    pub stratified: bool,
    /// Seed of every random choice.
    pub seed: u64,
    /// How the weights start and change.
    pub recipe: Recipe,
    /// Only the first so many images of each file are used.
    pub limit: Option<usize>,
    /// Which weights become the model.
    pub keep: Keep,
    /// Epochs without a better validation loss after which training ends.
    pub patience: Option<usize>,
    /// Name of the backend that computes.
    pub backend: String,
}

/// The most epochs; more is a slip of the finger.
pub const MAX_EPOCHS: usize = 100_000;

/// The most images in a batch; Fashion-MNIST has so many.
pub const MAX_BATCH_SIZE: usize = 60_000;

/// Whether gradient descent can have this learning rate: weights are f32, and a rate that is zero or infinite there
/// is none.
pub fn is_learning_rate(rate: f64) -> bool {
    (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&rate)
}

impl Settings {
    /// What the command takes where nothing is asked.
    pub fn new(recipe: Recipe) -> Self {
        Self {
            epochs: 5,
            batch_size: recipe.batch_size(),
            validation_split: 0.1,
            stratified: false,
            seed: 42,
            recipe,
            limit: None,
            keep: Keep::Last,
            patience: None,
            backend: "ndarray".to_owned(),
        }
    }

    /// Refuses values with which nothing can be trained, wherever they come from: the command line, a record, a state.
    ///
    /// # Errors
    /// The value's name and what it is.
    pub fn check(&self) -> Result<(), String> {
        let recipe = &self.recipe;
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        let warm_up = match recipe.schedule {
            Schedule::Constant => 0.0,
            Schedule::Linear { warm_up } => warm_up,
        };
        let deviation = match recipe.scaling {
            Scaling::Raw => 1.0,
            Scaling::Standardise { mean, deviation } => deviation + 0.0 * mean,
        };
        let gain = f64::from(recipe.gain);
        let rate = recipe.learning_rate;
        let (decay, most) = (recipe.weight_decay, f64::from(f32::MAX));
        let of_muon = recipe.muon.map_or(0.0, |m| f64::from(m.weight_decay));
        let sound = [
            ("number of epochs", self.epochs as f64, (1..=MAX_EPOCHS).contains(&self.epochs)),
            ("batch size", self.batch_size as f64, (1..=MAX_BATCH_SIZE).contains(&self.batch_size)),
            ("limit", 0.0, self.limit != Some(0)),
            ("patience", 0.0, self.patience != Some(0)),
            ("validation split", self.validation_split, is_share(self.validation_split)),
            ("learning rate", rate, is_learning_rate(rate)),
            ("momentum", recipe.momentum, is_share(recipe.momentum)),
            ("warm-up", warm_up, is_share(warm_up)),
            ("gain", gain, gain.is_finite()),
            ("deviation of pixels", deviation.into(), deviation.is_normal()),
            ("weight decay", decay, (0.0..=most).contains(&decay)),
            ("weight decay of Muon", of_muon, (0.0..=most).contains(&of_muon)),
        ];
        match sound.iter().find(|(.., is_sound)| !is_sound) {
            Some((name, value, _)) => Err(format!("a {name} of {value} is not possible")),
            None => Ok(()),
        }
    }

    /// Refuses epochs that a training with these settings would not have done: what it leaves could not be had again
    /// from its settings.
    ///
    /// # Errors
    /// What it would have done instead.
    pub fn allow(&self, history: &[EpochRecord]) -> Result<(), String> {
        let done = history.len();
        if done > self.epochs {
            let wanted = self.epochs;
            return Err(format!("{done} epochs are done, more than {wanted}"));
        }
        let Some(patience) = self.patience else {
            return Ok(());
        };
        let (mut best, mut best_loss) = (0, f64::INFINITY);
        for epoch in &history[..done.saturating_sub(1)] {
            match epoch.val_loss {
                Some(loss) if loss < best_loss => (best, best_loss) = (epoch.epoch, loss),
                Some(_) if epoch.epoch - best >= patience => {
                    return Err(format!(
                        "{done} epochs are done; a patience of {patience} would have ended it after epoch {}",
                        epoch.epoch
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What makes a training begun with these settings another than one begun with `other`: the name of the
    /// first difference and both values. Which epoch to keep may differ, and how
    /// long to train where the recipe does not depend on it.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let [ours, theirs] = [self, other].map(Self::unchangeable);
        let (ours, theirs) = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs)?;
        let (name, ours, theirs) = (ours.0, &ours.1, &theirs.1);
        Some(format!("it was begun with {name} {ours}, not {theirs}"))
    }

    /// Names and values of what must stay when a training goes on.
    fn unchangeable(&self) -> [(&'static str, String); 8] {
        let epochs = self.recipe.depends_on_length().then_some(self.epochs);
        let limit = self.limit.map_or("none".to_owned(), |limit| limit.to_string());
        [
            ("seed", self.seed.to_string()),
            ("recipe", serde_json::to_string(&self.recipe).unwrap_or_default()),
            ("epochs", epochs.map_or(String::new(), |epochs| epochs.to_string())),
            ("batch size", self.batch_size.to_string()),
            ("validation split", self.validation_split.to_string()),
            ("stratified", self.stratified.to_string()),
            ("limit", limit),
            ("backend", self.backend.clone()),
        ]
    }

    /// The learning rate in the middle of epoch `epoch`, counted from 1.
    pub fn learning_rate(&self, epoch: usize) -> f64 {
        self.recipe.learning_rate * self.recipe.schedule.factor(epoch - 1, self.epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_have_been_trained_is_not_allowed() {
        let allow = |epochs, patience, losses: &[f64]| {
            let epoch = |(index, loss): (usize, &f64)| EpochRecord {
                epoch: index + 1,
                seconds: 1.0,
                loss: 1.0,
                accuracy: 0.5,
                val_loss: Some(*loss),
                val_accuracy: Some(0.5),
            };
            let done: Vec<_> = losses.iter().enumerate().map(epoch).collect();
            Settings { epochs, patience, ..Settings::new(Recipe::classic()) }.allow(&done)
        };
        let losses = [1.0, 0.5, 0.6, 0.7, 0.4];
        assert!(allow(5, None, &losses).is_ok() && allow(4, None, &losses).is_err());
        assert!(allow(9, Some(3), &losses).is_ok());
        let error = allow(9, Some(2), &losses).unwrap_err();
        assert!(error.ends_with("would have ended it after epoch 4"), "{error}");
        // It ends there itself.
        assert!(allow(9, Some(2), &losses[..4]).is_ok());
        // As good as the best is no better, and what counts is the distance from it.
        assert!(allow(9, Some(2), &[0.5, 0.5, 0.5, 0.4]).is_err());
        assert!(allow(9, Some(2), &[0.5, 0.6, 0.4]).is_ok());
    }
}
