//! Measuring a model: one forward pass over a set of images, and the figures that follow from its outputs.

use serde::Serialize;

use burn::data::dataset::Dataset;

use crate::backend::{Inference, LeNetBackend};
use crate::data::{Batches, DatasetInfo, ImageDataset};
use crate::error::Error;
use crate::model::{Activation, Weights, argmax, probabilities};
use crate::signal;

/// The ten outputs of the network for one image, each a sigmoid.
pub type Outputs = [f32; 10];

/// Images of one forward pass where nobody says otherwise: enough to keep every core busy, few enough for
/// their activations to stay small.
pub const BATCH_SIZE: usize = 1000;

/// The network's outputs for every image of `dataset`, in its order.
///
/// # Errors
/// If the backend fails, if an output is not finite, or if a signal has come that [`signal`] listens for.
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

/// Results of a model on a set of images. They are sums over images, not means of batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    loss_sum: f64,
    /// The data set to which the images belong.
    pub dataset: &'static DatasetInfo,
    /// Number of images by true class (rows) and predicted class (columns).
    pub confusion: [[usize; 10]; 10],
}

/// Metrics of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassReport {
    /// Name of the class.
    pub name: &'static str,
    /// Share of the images predicted to be of the class that are; 0 if none is predicted.
    pub precision: f64,
    /// Share of the class' images that are predicted to be of it; 0 if there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Number of the class' images.
    pub support: usize,
}

impl Evaluation {
    /// Compares outputs with the labels of the same images of `dataset`.
    pub fn new(outputs: &[Outputs], labels: &[u8], dataset: &'static DatasetInfo) -> Self {
        let mut result = Self { loss_sum: 0.0, dataset, confusion: [[0; 10]; 10] };
        for (row, label) in outputs.iter().zip(labels) {
            let label = usize::from(*label);
            result.loss_sum -= probabilities(row)[label].ln();
            result.confusion[label][argmax(row)] += 1;
        }
        result
    }

    /// Number of images.
    pub fn samples(&self) -> usize {
        self.confusion.as_flattened().iter().sum()
    }

    /// Number of right answers.
    pub fn correct(&self) -> usize {
        (0..10).map(|class| self.confusion[class][class]).sum()
    }

    /// Whether all images, more than one, are given the same answer.
    pub fn is_collapsed(&self) -> bool {
        let is_given = |class: &usize| self.confusion.iter().any(|row| row[*class] > 0);
        self.samples() > 1 && (0..10).filter(is_given).count() == 1
    }

    /// Mean loss.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.samples().max(1) as f64
    }

    /// Share of right answers.
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
                name: self.dataset.classes[class],
                precision: share(right, predicted),
                recall: share(right, support),
                f1: share(2 * right, support + predicted),
                support,
            }
        };
        (0..10).map(report).collect()
    }
}

/// Runs `model` on `dataset` and measures it.
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

    /// An output row whose largest value is at `class`.
    fn sure(class: usize) -> Outputs {
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
        assert_eq!((classes[0].name, classes[9].name), ("0", "9"));
        assert_eq!((classes[9].precision, classes[9].recall, classes[9].f1), (0.0, 0.0, 0.0));
        // Sum of a row is 1.8: p of the label is 0.9 / 1.8 where right and 0.1 / 1.8 where wrong.
        let loss = (3.0 * 2f64.ln() + 18f64.ln()) / 4.0;
        assert!((evaluation.loss() - loss).abs() < 1e-6);
    }

    #[test]
    fn saturated_outputs_have_finite_loss() {
        let evaluation = Evaluation::new(&[[0.0; 10], [1.0; 10]], &[3, 3], &MNIST);
        assert!((evaluation.loss() - 10f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn same_class_everywhere_is_collapsed() {
        let collapsed = |outputs: &[Outputs]| {
            Evaluation::new(outputs, &vec![0; outputs.len()], &MNIST).is_collapsed()
        };
        assert!(collapsed(&[sure(3), sure(3)]));
        assert!(!collapsed(&[sure(3)]), "one image has no other answer to give");
        assert!(!collapsed(&[sure(3), sure(3), sure(4)]));
    }
}
