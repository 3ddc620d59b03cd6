//! Training recipes: plain values that the training loop, the checkpoint and the report share.

use serde::{Deserialize, Serialize};

use crate::data::{Augmentation, Scaling};
use crate::model::{Activation, Weights};
use crate::optim::{Muon, Schedule, Sgd};

/// The initial weights, the images and the update rule of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name, `classic` or `tuned`.
    pub name: String,
    /// Scaling of the pixels.
    pub scaling: Scaling,
    /// Factor on the Glorot limit of the initial weights, for a network with sigmoids.
    pub gain: f32,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Change of the learning rate over the run.
    pub schedule: Schedule,
    /// Momentum, or 0 for plain gradient descent.
    pub momentum: f64,
    /// Whether to use Nesterov momentum.
    pub nesterov: bool,
    /// Weight decay, which is added to the gradients of the weights but not to those of the biases.
    pub weight_decay: f64,
    /// Muon, the update rule of the large matrices, or `None` if they have the same rule as the other parameters.
    pub muon: Option<Muon>,
    /// Activation after each layer in training. The saved model always uses sigmoids.
    pub activation: Activation,
    /// Random changes to the training images.
    pub augmentation: Augmentation,
}

impl Recipe {
    /// Returns the recipe of the notebook: plain gradient descent with learning rate 0.9, from Keras' initial weights and on
    /// raw pixels.
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

    /// Returns the best recipe found for the same network that takes hardly more training time than the classic recipe. The
    /// recipe was chosen on the validation images with `cargo bench --bench recipe_search`; the results are in
    /// `benches/recipe_search.csv`.
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

    /// Returns the recipe with this name, or `None` if the name is unknown.
    pub fn named(name: &str) -> Option<Self> {
        [Self::classic(), Self::tuned()].into_iter().find(|recipe| recipe.name == name)
    }

    /// Returns the default batch size. With Muon the batches are larger: Muon's update takes the same time for any batch size,
    /// so an epoch of fewer updates is faster.
    pub fn batch_size(&self) -> usize {
        match self.muon {
            Some(_) => 128,
            None => 32,
        }
    }

    /// Returns the update rule of a step.
    pub fn sgd(&self) -> Sgd {
        Sgd {
            momentum: self.momentum as f32,
            nesterov: self.nesterov,
            weight_decay: self.weight_decay as f32,
            muon: self.muon,
        }
    }

    /// Converts weights that were trained with this recipe to the model, which has sigmoids and reads raw pixels.
    pub fn fold(&self, weights: &Weights) -> Weights {
        weights.fold(self.activation, self.scaling)
    }

    /// Returns whether the weights after an epoch depend on the total number of epochs.
    pub fn depends_on_length(&self) -> bool {
        self.schedule != Schedule::Constant || self.augmentation.ends_early()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_and_augmentation_need_epoch_count() {
        let Recipe { schedule, augmentation, .. } = Recipe::tuned();
        let classic = Recipe::classic();
        assert!(!classic.depends_on_length());
        assert!(Recipe { schedule, ..classic.clone() }.depends_on_length());
        assert!(Recipe { augmentation, ..classic }.depends_on_length());
    }
}
