//! The settings of a training run.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::data::Scaling;
use crate::optim::Schedule;

use super::{EpochRecord, Recipe};

/// The epoch whose weights are saved as the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The last epoch.
    #[default]
    Last,
    /// The epoch with the lowest validation loss.
    Best,
}

/// Everything that determines the weights of a run, except for the data and the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Total number of epochs.
    pub epochs: usize,
    /// Images per batch.
    pub batch_size: usize,
    /// Fraction of the training images to hold out for validation: the last images, unless `stratified` is set.
    pub validation_split: f64,
    /// Whether to hold out all classes in proportion, instead of the last images.
    pub stratified: bool,
    /// Seed of all random numbers.
    pub seed: u64,
    /// The recipe.
    pub recipe: Recipe,
    /// Number of images to use of each file, or `None` for all.
    pub limit: Option<usize>,
    /// The epoch whose weights are saved as the model.
    pub keep: Keep,
    /// Number of epochs without a lower validation loss after which to stop; `None` disables early stopping.
    pub patience: Option<usize>,
    /// Name of the backend.
    pub backend: String,
}

/// The maximum number of epochs. A larger number is assumed to be a typing error.
pub const MAX_EPOCHS: usize = 100_000;

/// The maximum batch size: all training images of Fashion-MNIST.
pub const MAX_BATCH_SIZE: usize = 60_000;

/// The largest mean and deviation of the pixels, which are from 0 to 255, and the smallest deviation. With values far outside
/// this range, the weights for raw pixels are infinite.
const MAX_PIXEL: f64 = 1000.0;
const MIN_DEVIATION: f64 = 0.001;

/// Returns whether `rate` is a valid learning rate: a positive number in the normal range of f32, the type of the weights.
pub fn is_learning_rate(rate: f64) -> bool {
    (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&rate)
}

impl Settings {
    /// Returns the default settings of `recipe`.
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

    /// Checks that every value is possible, whether it comes from the user, a run record or a checkpoint.
    ///
    /// # Errors
    /// Returns the name of the first impossible value and the value.
    pub fn check(&self) -> Result<(), String> {
        let recipe = &self.recipe;
        let is_fraction = |fraction: f64| (0.0..1.0).contains(&fraction);
        let warm_up = match recipe.schedule {
            Schedule::Constant => 0.0,
            Schedule::Linear { warm_up } => warm_up,
        };
        let (mean, deviation) = match recipe.scaling {
            Scaling::Raw => (0.0, 1.0),
            Scaling::Standardise { mean, deviation } => (mean.into(), deviation.into()),
        };
        let gain = f64::from(recipe.gain);
        let rate = recipe.learning_rate;
        let (decay, most) = (recipe.weight_decay, f64::from(f32::MAX));
        let of_muon = recipe.muon.map_or(0.0, |m| f64::from(m.weight_decay));
        let values = [
            ("number of epochs", self.epochs as f64, (1..=MAX_EPOCHS).contains(&self.epochs)),
            ("batch size", self.batch_size as f64, (1..=MAX_BATCH_SIZE).contains(&self.batch_size)),
            ("limit", 0.0, self.limit != Some(0)),
            ("patience", 0.0, self.patience != Some(0)),
            ("validation split", self.validation_split, is_fraction(self.validation_split)),
            ("learning rate", rate, is_learning_rate(rate)),
            ("momentum", recipe.momentum, is_fraction(recipe.momentum)),
            ("warm-up", warm_up, is_fraction(warm_up)),
            ("gain", gain, gain.is_finite()),
            ("pixel mean", mean, (-MAX_PIXEL..=MAX_PIXEL).contains(&mean)),
            ("pixel deviation", deviation, (MIN_DEVIATION..=MAX_PIXEL).contains(&deviation)),
            ("weight decay", decay, (0.0..=most).contains(&decay)),
            ("Muon weight decay", of_muon, (0.0..=most).contains(&of_muon)),
        ];
        // Every output would show the sign of negative zero.
        let is_negative_zero = |value: f64| value == 0.0 && value.is_sign_negative();
        match values.iter().find(|(_, value, is_valid)| !is_valid || is_negative_zero(*value)) {
            Some((name, value, _)) => Err(format!("invalid {name}: {value}")),
            None => Ok(()),
        }
    }

    /// Checks that `history` is possible with these settings, so that the model can be reproduced from its record: no
    /// more epochs than `epochs`, and none after early stopping would have ended the run.
    ///
    /// # Errors
    /// Returns a description of the contradiction.
    pub fn check_history(&self, history: &[EpochRecord]) -> Result<(), String> {
        let done = history.len();
        if done > self.epochs {
            return Err(format!(
                "the run already has {done} epochs, more than the requested {}",
                self.epochs
            ));
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
                        "the run already has {done} epochs, but a patience of {patience} would have ended the run after epoch {}",
                        epoch.epoch
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Describes the first setting that prevents a run with these settings from being resumed with `other`, if any. The kept
    /// epoch and the patience may change. The number of epochs may change if the recipe does not depend on it.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let [ours, theirs] = [self, other].map(Self::fixed_on_resume);
        let (ours, theirs) = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs)?;
        let ((name, ours), (_, theirs)) = (ours, theirs);
        let name = name.replace('_', " ");
        Some(format!("the run started with {name} {ours}, not {theirs}"))
    }

    /// Returns the names and values of the settings that a resumed run must keep. The name of the recipe comes before its values.
    fn fixed_on_resume(&self) -> Vec<(String, String)> {
        let recipe = serde_json::to_value(&self.recipe).unwrap_or_default();
        let recipe = recipe.as_object().cloned().unwrap_or_default().into_iter();
        let recipe = recipe.map(|(name, value)| match name.as_str() {
            "name" => ("recipe".to_owned(), value),
            _ => (name, value),
        });
        let epochs = self.recipe.depends_on_length().then_some(self.epochs);
        let others = [
            ("seed", json!(self.seed)),
            ("epochs", json!(epochs)),
            ("batch size", json!(self.batch_size)),
            ("validation split", json!(self.validation_split)),
            ("stratified", json!(self.stratified)),
            ("limit", json!(self.limit)),
            ("backend", json!(self.backend)),
        ];
        let text = |value| match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text,
            value => value.to_string(),
        };
        let all = recipe.chain(others.map(|(name, value)| (name.to_owned(), value)));
        all.map(|(name, value)| (name, text(value))).collect()
    }

    /// Returns the learning rate in the middle of `epoch`, which counts from 1.
    pub fn learning_rate(&self, epoch: usize) -> f64 {
        self.recipe.learning_rate * self.recipe.schedule.factor(epoch - 1, self.epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_names_one_setting() {
        let classic = Settings::new(Recipe::classic());
        let recipe = Recipe { learning_rate: 0.5, ..Recipe::classic() };
        let found = classic.difference(&Settings { recipe, ..classic.clone() }).unwrap();
        assert_eq!(found, "the run started with learning rate 0.9, not 0.5");
        let found = classic.difference(&Settings::new(Recipe::tuned())).unwrap();
        assert_eq!(found, "the run started with recipe classic, not tuned");
        let found = classic.difference(&Settings { limit: Some(9), ..classic.clone() }).unwrap();
        assert_eq!(found, "the run started with limit none, not 9");
        assert_eq!(classic.difference(&Settings { epochs: 9, ..classic.clone() }), None);
    }

    #[test]
    fn impossible_history_is_rejected() {
        let check = |epochs, patience, losses: &[f64]| {
            let epoch = |(index, loss): (usize, &f64)| EpochRecord {
                epoch: index + 1,
                seconds: 1.0,
                loss: 1.0,
                accuracy: 0.5,
                val_loss: Some(*loss),
                val_accuracy: Some(0.5),
            };
            let done: Vec<_> = losses.iter().enumerate().map(epoch).collect();
            Settings { epochs, patience, ..Settings::new(Recipe::classic()) }.check_history(&done)
        };
        let losses = [1.0, 0.5, 0.6, 0.7, 0.4];
        assert!(check(5, None, &losses).is_ok() && check(4, None, &losses).is_err());
        assert!(check(9, Some(3), &losses).is_ok());
        let error = check(9, Some(2), &losses).unwrap_err();
        assert!(error.ends_with("would have ended the run after epoch 4"), "{error}");
        // With a patience of 2, the run ends after exactly these four epochs.
        assert!(check(9, Some(2), &losses[..4]).is_ok());
        // An equal loss is not an improvement, and patience counts from the best epoch.
        assert!(check(9, Some(2), &[0.5, 0.5, 0.5, 0.4]).is_err());
        assert!(check(9, Some(2), &[0.5, 0.6, 0.4]).is_ok());
    }
}
