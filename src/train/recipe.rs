//! What a way of training is made of, as one plain value that the loop, the saved state and the report carry.

use serde::{Deserialize, Serialize};

use crate::data::{Augmentation, Scaling};

use crate::model::{Activation, Weights};
use crate::optim::{Muon, Schedule, Sgd};

/// How the weights start, what they are shown and how they are changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name it goes by, as in `--recipe classic`.
    pub name: String,
    /// How pixels are scaled.
    pub scaling: Scaling,
    /// Factor on Glorot's limit for the initial weights, as those of a network of sigmoids.
    pub gain: f32,
    /// Step size of gradient descent.
    pub learning_rate: f64,
    /// How the step size changes over the training.
    pub schedule: Schedule,
    /// What a velocity keeps of itself at each step; 0 for plain gradient descent.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// What is added to a weight's gradient, as a multiple of the weight; biases get nothing.
    pub weight_decay: f64,
    /// How the large matrices move, if another way.
    pub muon: Option<Muon>,
    /// What follows each layer in training; the saved model has sigmoids.
    pub activation: Activation,
    /// How training images are changed.
    pub augmentation: Augmentation,
}

impl Recipe {
    /// The notebook's: plain gradient descent at 0.9 from Keras' initial weights, on raw pixels.
    pub fn classic() -> Self {
        Self {
            name: "classic".to_owned(),
            scaling: Scaling::Raw,
            gain: 1.0,
            learning_rate: 0.9,
            schedule: Schedule::Constant,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            muon: None,
            activation: Activation::Sigmoid,
            augmentation: Augmentation::default(),
        }
    }

    /// The same network in its best training that costs hardly more time: chosen on the validation part with
    /// `cargo bench --bench recipe_search`, whose results are in `benches/recipe_search.csv`.
    pub fn tuned() -> Self {
        Self {
            name: "tuned".to_owned(),
            scaling: Scaling::STANDARD,
            gain: 3.0,
            learning_rate: 0.02,
            schedule: Schedule::Linear { warm_up: 0.05 },
            momentum: 0.9,
            nesterov: true,
            weight_decay: 1e-3,
            muon: Some(Muon { weight_decay: 0.07 }),
            activation: Activation::Tanh,
            augmentation: Augmentation { flip: true, shift: 1, clean_epochs: 3 },
        }
    }

    /// Images per step, where nothing else is asked: more with Muon, whose step takes as long for any number.
    pub fn batch_size(&self) -> usize {
        match self.muon {
            Some(_) => 128,
            None => 32,
        }
    }

    /// The rule of one step.
    pub fn sgd(&self) -> Sgd {
        Sgd {
            momentum: self.momentum as f32,
            nesterov: self.nesterov,
            weight_decay: self.weight_decay as f32,
            muon: self.muon,
        }
    }

    /// The model, with sigmoids and for raw pixels, of weights that are trained this way.
    pub fn fold(&self, weights: &Weights) -> Weights {
        weights.fold(self.activation, self.scaling)
    }

    /// Whether the weights after an epoch depend on how many follow.
    pub fn depends_on_length(&self) -> bool {
        self.schedule != Schedule::Constant || self.augmentation.ends_early()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_or_an_augmentation_that_ends_ties_the_weights_to_the_length() {
        let Recipe { schedule, augmentation, .. } = Recipe::tuned();
        let classic = Recipe::classic();
        assert!(!classic.depends_on_length());
        assert!(Recipe { schedule, ..classic.clone() }.depends_on_length());
        assert!(Recipe { augmentation, ..classic }.depends_on_length());
    }
}
