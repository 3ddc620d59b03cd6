//! What a training is asked to do.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Recipe;

/// Which weights a training leaves as its model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
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

impl Settings {
    /// Refuses values that the command line would have refused: these may come from a file.
    ///
    /// # Errors
    /// The value's name and what it is.
    pub fn check(&self) -> Result<(), String> {
        let Recipe {
            learning_rate,
            momentum,
            gain,
            weight_decay,
            ..
        } = self.recipe;
        let sound = [
            ("epochs", self.epochs as f64, self.epochs > 0),
            (
                "batch size",
                self.batch_size as f64,
                (1..=60_000).contains(&self.batch_size),
            ),
            (
                "validation split",
                self.validation_split,
                (0.0..1.0).contains(&self.validation_split),
            ),
            ("limit", 0.0, self.limit != Some(0)),
            ("patience", 0.0, self.patience != Some(0)),
            (
                "learning rate",
                learning_rate,
                learning_rate > 0.0 && (learning_rate as f32).is_finite(),
            ),
            ("momentum", momentum, (0.0..1.0).contains(&momentum)),
            ("gain", f64::from(gain), gain.is_finite()),
            (
                "weight decay",
                weight_decay,
                (0.0..=f64::from(f32::MAX)).contains(&weight_decay),
            ),
        ];
        match sound.iter().find(|(.., is_sound)| !is_sound) {
            Some((name, value, _)) => Err(format!("a {name} of {value} is not possible")),
            None => Ok(()),
        }
    }

    /// What makes a training begun with these settings another than one begun with `other`: the name of the
    /// first difference and both values. Which epoch to keep may differ, and how
    /// long to train where the recipe does not depend on it.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let differ = |name: &str, a: String, b: String| {
            (a != b).then(|| format!("it was begun with {name} {a}, not {b}"))
        };
        let text = |recipe: &Recipe| serde_json::to_string(recipe).unwrap_or_default();
        let limit = |limit: Option<usize>| limit.map_or("none".to_owned(), |n| n.to_string());
        differ("seed", self.seed.to_string(), other.seed.to_string())
            .or_else(|| differ("recipe", text(&self.recipe), text(&other.recipe)))
            .or_else(|| match self.recipe.depends_on_length() {
                true => differ("epochs", self.epochs.to_string(), other.epochs.to_string()),
                false => None,
            })
            .or_else(|| {
                differ(
                    "batch size",
                    self.batch_size.to_string(),
                    other.batch_size.to_string(),
                )
            })
            .or_else(|| {
                let [a, b] = [self, other].map(|s| s.validation_split.to_string());
                differ("validation split", a, b)
            })
            .or_else(|| {
                let [a, b] = [self, other].map(|s| s.stratified.to_string());
                differ("stratified", a, b)
            })
            .or_else(|| differ("limit", limit(self.limit), limit(other.limit)))
            .or_else(|| differ("backend", self.backend.clone(), other.backend.clone()))
    }
}
