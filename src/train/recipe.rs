//! What a way of training is made of, as one plain value that the loop, the saved state and the report carry.

use serde::{Deserialize, Serialize};

/// How the weights start and how they are changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name it goes by, as in `--recipe classic`.
    pub name: String,
    /// Factor on Glorot's limit for the initial weights.
    pub gain: f32,
    /// Step size of gradient descent.
    pub learning_rate: f64,
    /// Share of the last step's velocity that the next one keeps; 0 for plain gradient descent.
    pub momentum: f64,
}

impl Recipe {
    /// The notebook's: plain gradient descent at 0.9 from Keras' initial weights, on raw pixels.
    #[must_use]
    pub fn classic() -> Self {
        Self {
            name: "classic".to_owned(),
            gain: 1.0,
            learning_rate: 0.9,
            momentum: 0.0,
        }
    }
}
