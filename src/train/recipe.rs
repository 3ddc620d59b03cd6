//! What a way of training is made of, as one plain value that the loop, the saved state and the report carry.

use serde::{Deserialize, Serialize};

use crate::data::{Augmentation, Scaling};

use super::{Coordinates, Schedule};

/// How the weights start, what they are shown and how they are changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name it goes by, as in `--recipe classic`.
    pub name: String,
    /// How pixels are scaled.
    pub scaling: Scaling,
    /// Factor on Glorot's limit for the initial weights.
    pub gain: f32,
    /// Step size of gradient descent.
    pub learning_rate: f64,
    /// How the step size changes over the training.
    pub schedule: Schedule,
    /// Share of the last step's velocity that the next one keeps; 0 for plain gradient descent.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Whose weights descent changes: the network's, or its twin's.
    pub coordinates: Coordinates,
    /// What is added to a weight's gradient, as a share of the weight; biases get nothing. In the coordinates of the
    /// twin it is the twin's weights that shrink.
    pub weight_decay: f64,
    /// How training images are changed.
    pub augmentation: Augmentation,
    /// The model is the exponential moving average of the weights, which keeps this share of itself at every
    /// step; 0 for the weights themselves.
    pub averaging: f64,
}

impl Recipe {
    /// The notebook's: plain gradient descent at 0.9 from Keras' initial weights, on raw pixels.
    #[must_use]
    pub fn classic() -> Self {
        Self {
            name: "classic".to_owned(),
            scaling: Scaling::Raw,
            gain: 1.0,
            learning_rate: 0.9,
            schedule: Schedule::Constant,
            momentum: 0.0,
            nesterov: false,
            coordinates: Coordinates::Sigmoid,
            weight_decay: 0.0,
            augmentation: Augmentation::default(),
            averaging: 0.0,
        }
    }

    /// The same network in its best training that costs hardly more time: chosen on the validation part with
    /// `cargo bench --bench recipe_search`, whose results are in `benches/recipe_search.csv`.
    #[must_use]
    pub fn tuned() -> Self {
        Self {
            name: "tuned".to_owned(),
            scaling: Scaling::STANDARD,
            gain: 3.0,
            learning_rate: 0.025,
            schedule: Schedule::Linear { warm_up: 0.05 },
            momentum: 0.9,
            nesterov: true,
            coordinates: Coordinates::Tanh,
            weight_decay: 1e-3,
            augmentation: Augmentation {
                flip: false,
                shift: 1,
                clean_epochs: 3,
            },
            averaging: 0.0,
        }
    }

    /// Whether the weights after an epoch depend on how many follow.
    #[must_use]
    pub fn depends_on_length(&self) -> bool {
        self.schedule != Schedule::Constant || self.augmentation.ends_early()
    }
}
