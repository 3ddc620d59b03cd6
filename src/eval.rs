//! Evaluates a model: runs forward passes over a set of images and computes metrics from the outputs.

mod weakness;

use serde::Serialize;

use burn::data::dataset::Dataset;

use crate::backend::{Inference, LeNetBackend};
use crate::data::{Batches, DatasetInfo, ImageDataset};
use crate::error::Error;
use crate::model::{Activation, Weights, argmax, probabilities};
use crate::signal;

/// The ten outputs of the network for one image, each the value of a sigmoid.
pub type Outputs = [f32; 10];

/// Default number of images per forward pass: enough to keep every core busy, and few enough to keep the activations small.
pub const BATCH_SIZE: usize = 1000;

/// Returns the outputs of the network for every image of `dataset`, in order.
///
/// # Errors
/// Returns an error if the backend fails, if an output is not finite, or if [`signal`] has caught a signal.
pub fn outputs<B: LeNetBackend>(
    model: &Weights,
    dataset: &ImageDataset,
    batch_size: usize,
    device: &B::Device,
) -> Result<Vec<Outputs>, Error> {
    let mut network = B::inference(Activation::Sigmoid, model, device);
    let pass = Batches::in_order(dataset, batch_size);
    let mut outputs = Vec::with_capacity(dataset.len());
    for batch in 0..pass.batches() {
        outputs.extend(network.outputs(pass.batch(batch))?);
        if let Some(signal) = signal::requested() {
            return Err(Error::Interrupted(signal));
        }
    }
    match outputs.iter().position(|row| row.iter().any(|o| !o.is_finite())) {
        Some(image) => Err(Error::NonFiniteOutput(image)),
        None => Ok(outputs),
    }
}

/// Mean slope of the output sigmoids below which they count as saturated. At an output of 0.98, the slope is 0.02.
const MIN_SLOPE: f64 = 0.02;

/// Fraction of the predictions that counts as almost all of them.
pub const ALMOST_ALL: f64 = 0.95;

/// Minimum number of images for a judgement about the model.
pub const MIN_IMAGES: usize = 20;

/// Returns the accuracy of guessing one of `classes` classes.
pub fn chance(classes: usize) -> f64 {
    1.0 / classes as f64
}

/// Returns whether `accuracy` on `samples` images hardly differs from that of guessing one of `classes` classes.
pub fn is_near_chance(samples: usize, accuracy: f64, classes: usize) -> bool {
    samples >= MIN_IMAGES && accuracy < chance(classes) + 0.1
}

/// The loss and the confusion matrix of a model on a set of images. Both are sums over the images, not means over batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    loss_sum: f64,
    /// Sum of the slopes of all output sigmoids.
    slope_sum: f64,
    /// The data set to which the images belong. If a network trained on another data set predicts classes that it does not
    /// have, they are added and named by their numbers.
    pub dataset: DatasetInfo,
    /// Number of images by true class (rows) and predicted class (columns).
    pub confusion: [[usize; 10]; 10],
}

/// Metrics of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassReport {
    /// Name of the class.
    pub name: String,
    /// Fraction of the predictions of this class that are correct; 0 if the class is never predicted.
    pub precision: f64,
    /// Fraction of the images of this class that are predicted correctly; 0 if there are no such images.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Number of images of this class.
    pub support: usize,
}

impl Evaluation {
    /// Computes the results from the outputs and the labels of the same images, which belong to `dataset`.
    pub fn new(outputs: &[Outputs], labels: &[u8], dataset: &DatasetInfo) -> Self {
        let mut result = Self {
            loss_sum: 0.0,
            slope_sum: 0.0,
            dataset: dataset.clone(),
            confusion: [[0; 10]; 10],
        };
        for (row, label) in outputs.iter().zip(labels) {
            let label = usize::from(*label);
            result.loss_sum -= probabilities(row)[label].ln();
            result.slope_sum += row.iter().map(|o| f64::from(o * (1.0 - o))).sum::<f64>();
            let predicted = argmax(row);
            result.confusion[label][predicted] += 1;
            let names = &mut result.dataset.classes;
            for class in names.len()..=predicted.max(label) {
                names.to_mut().push(class.to_string().into());
            }
        }
        result
    }

    /// Returns the rows and columns of the confusion matrix that belong to classes of the data set.
    pub fn matrix(&self) -> Vec<&[usize]> {
        let classes = self.dataset.classes.len();
        self.confusion[..classes].iter().map(|row| &row[..classes]).collect()
    }

    /// Returns the number of images.
    pub fn samples(&self) -> usize {
        self.confusion.as_flattened().iter().sum()
    }

    /// Returns the number of correct predictions.
    pub fn correct(&self) -> usize {
        (0..10).map(|class| self.confusion[class][class]).sum()
    }

    /// Returns whether the model predicts the same class for every image. Always false for fewer than two images.
    pub fn is_collapsed(&self) -> bool {
        let is_given = |class: &usize| self.confusion.iter().any(|row| row[*class] > 0);
        self.samples() > 1 && (0..10).filter(is_given).count() == 1
    }

    /// Returns whether nearly all outputs are close to 0 or 1, where the sigmoid is flat. Training then hardly changes the
    /// weights.
    pub fn is_saturated(&self) -> bool {
        self.slope_sum < MIN_SLOPE * (self.samples() * self.dataset.classes.len()) as f64
    }

    /// Returns the mean loss.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.samples().max(1) as f64
    }

    /// Returns the fraction of correct predictions.
    pub fn accuracy(&self) -> f64 {
        self.correct() as f64 / self.samples().max(1) as f64
    }

    /// Returns precision, recall and F1 of each class.
    pub fn classes(&self) -> Vec<ClassReport> {
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        let report = |class: usize| {
            let right = self.confusion[class][class];
            let support = self.confusion[class].iter().sum();
            let predicted = self.confusion.iter().map(|row| row[class]).sum::<usize>();
            ClassReport {
                name: self.dataset.classes[class].to_string(),
                precision: share(right, predicted),
                recall: share(right, support),
                f1: share(2 * right, support + predicted),
                support,
            }
        };
        (0..self.dataset.classes.len()).map(report).collect()
    }
}

/// Rounds a fraction to four decimal places, so that it is formatted as 0.1 or 0.3333.
pub fn rounded(fraction: f64) -> f64 {
    (1e4 * fraction).round() / 1e4
}

/// Evaluates `model` on `dataset`.
///
/// # Errors
/// Returns the errors of [`outputs`].
pub fn evaluate<B: LeNetBackend>(
    model: &Weights,
    dataset: &ImageDataset,
    batch_size: usize,
    device: &B::Device,
) -> Result<Evaluation, Error> {
    let outputs = outputs::<B>(model, dataset, batch_size, device)?;
    Ok(Evaluation::new(&outputs, dataset.labels(), dataset.info()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MNIST;

    /// Returns outputs whose argmax is `class`.
    pub(super) fn sure(class: usize) -> Outputs {
        let mut row = [0.1; 10];
        row[class] = 0.9;
        row
    }

    #[test]
    fn metrics_match_hand_computed_values() {
        let outputs = [sure(0), sure(0), sure(1), sure(1)];
        let evaluation = Evaluation::new(&outputs, &[0, 1, 1, 1], &MNIST);
        assert_eq!((evaluation.samples(), evaluation.correct()), (4, 3));
        assert_eq!(evaluation.accuracy(), 0.75);
        let classes = evaluation.classes();
        assert_eq!((classes[0].precision, classes[0].recall, classes[0].support), (0.5, 1.0, 1));
        assert_eq!(
            (classes[1].precision, classes[1].recall, classes[1].support),
            (1.0, 2.0 / 3.0, 3)
        );
        assert!((classes[1].f1 - 0.8).abs() < 1e-12);
        assert_eq!((&*classes[0].name, &*classes[9].name), ("0", "9"));
        assert_eq!((classes[9].precision, classes[9].recall, classes[9].f1), (0.0, 0.0, 0.0));
        // The outputs sum to 1.8, so the probability of the label is 0.9 / 1.8 if the prediction is correct, otherwise 0.1 / 1.8.
        let loss = (3.0 * 2f64.ln() + 18f64.ln()) / 4.0;
        assert!((evaluation.loss() - loss).abs() < 1e-6);
    }

    #[test]
    fn fractions_have_four_digits() {
        assert_eq!([0.1, 1.0 / 3.0, 0.0].map(rounded), [0.1, 0.3333, 0.0]);
    }

    #[test]
    fn saturated_outputs_have_finite_loss() {
        let evaluation = Evaluation::new(&[[0.0; 10], [1.0; 10]], &[3, 3], &MNIST);
        assert!((evaluation.loss() - 10f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn saturated_outputs_are_detected() {
        let is_saturated =
            |outputs: &[Outputs]| Evaluation::new(outputs, &[0, 0], &MNIST).is_saturated();
        assert!(is_saturated(&[[1.0; 10], [0.0; 10]]) && is_saturated(&[[0.99; 10]; 2]));
        assert!(!is_saturated(&[[0.9; 10]; 2]) && !is_saturated(&[[0.5; 10], [1.0; 10]]));
    }

    #[test]
    fn constant_predictions_count_as_collapsed() {
        let collapsed = |outputs: &[Outputs]| {
            Evaluation::new(outputs, &vec![0; outputs.len()], &MNIST).is_collapsed()
        };
        assert!(collapsed(&[sure(3), sure(3)]));
        assert!(!collapsed(&[sure(3)]), "one image has no other answer to give");
        assert!(!collapsed(&[sure(3), sure(3), sure(4)]));
    }
}
