//! The test results that the report shows, computed from a model's outputs.

use crate::data::DatasetInfo;
use crate::eval::{Evaluation, Outputs};
use crate::model::argmax;
use crate::model::probabilities;

/// Number of bins of the confidence histogram, each 0.1 wide.
pub const BINS: usize = 10;

/// Maximum number of images shown per cell of the confusion matrix. That is at most 600 images, which keeps a page with
/// images of Fashion-MNIST below 1 MB.
pub const CELL_IMAGES: usize = 6;

/// Maximum number of mistakes shown.
const MISTAKES: usize = 36;

/// The prediction for one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Index of the image in the data set.
    pub index: usize,
    pub label: usize,
    pub predicted: usize,
    /// Probability of the predicted class.
    pub probability: f64,
}

/// The predictions in one range of confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    pub correct: usize,
    pub incorrect: usize,
    /// Sum of the probabilities of these predictions.
    pub probability: f64,
}

impl Bin {
    pub fn total(&self) -> usize {
        self.correct + self.incorrect
    }

    /// Returns the fraction of correct predictions, or 0 for an empty bin.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.total().max(1) as f64
    }
}

/// All test results that the report shows.
#[derive(Debug, Clone)]
pub struct TestResults {
    pub evaluation: Evaluation,
    /// The incorrect predictions with the highest probabilities, at most 36, in descending order. Ties keep the order
    /// of the images.
    pub mistakes: Vec<Prediction>,
    /// The most confident predictions of each cell of the confusion matrix, at most [`CELL_IMAGES`] per cell, with the
    /// most confident first in each cell.
    pub cells: Vec<Prediction>,
    /// The predicted class of each image.
    pub predicted: Vec<u8>,
    /// Predictions by probability: bin i covers probabilities from i / 10 to below (i + 1) / 10. The last bin
    /// includes 1.
    pub confidence: [Bin; BINS],
}

impl TestResults {
    /// Collects the results from outputs and the labels of the same images of `dataset`.
    pub fn new(outputs: &[Outputs], labels: &[u8], dataset: &DatasetInfo) -> Self {
        let mut predictions = Vec::new();
        let mut confidence = [Bin::default(); BINS];
        for (index, (row, label)) in outputs.iter().zip(labels).enumerate() {
            let (predicted, label) = (argmax(row), usize::from(*label));
            let probability = probabilities(row)[predicted];
            let bin = &mut confidence[((probability * BINS as f64) as usize).min(BINS - 1)];
            bin.probability += probability;
            match predicted == label {
                true => bin.correct += 1,
                false => bin.incorrect += 1,
            }
            predictions.push(Prediction { index, label, predicted, probability });
        }
        let predicted = predictions.iter().map(|p: &Prediction| p.predicted as u8).collect();
        predictions.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let incorrect = predictions.iter().filter(|p| p.label != p.predicted);
        let mut counts = [[0; 10]; 10];
        let mut cells = predictions.clone();
        cells.retain(|p| {
            counts[p.label][p.predicted] += 1;
            counts[p.label][p.predicted] <= CELL_IMAGES
        });
        cells.sort_by_key(|p| (p.label, p.predicted));
        Self {
            evaluation: Evaluation::new(outputs, labels, dataset),
            mistakes: incorrect.take(MISTAKES).cloned().collect(),
            cells,
            predicted,
            confidence,
        }
    }

    /// Returns the mean probability of the predicted classes.
    pub fn mean_confidence(&self) -> f64 {
        let sum: f64 = self.confidence.iter().map(|bin| bin.probability).sum();
        sum / self.evaluation.samples().max(1) as f64
    }

    /// Returns the expected calibration error: the distance between the accuracy and the mean probability of a
    /// prediction's bin, averaged over all predictions.
    pub fn calibration_error(&self) -> f64 {
        let bins = self.confidence.iter();
        let sum: f64 = bins.map(|bin| (bin.probability - bin.correct as f64).abs()).sum();
        sum / self.evaluation.samples().max(1) as f64
    }

    /// Returns up to `max` of the most frequent confusions as (actual class, predicted class, count), most frequent
    /// first.
    pub fn confusions(&self, max: usize) -> Vec<(usize, usize, usize)> {
        let mut confusions = Vec::new();
        for (label, row) in self.evaluation.confusion.iter().enumerate() {
            let cells = row.iter().enumerate().map(|(predicted, count)| (label, predicted, *count));
            confusions
                .extend(cells.filter(|(_, predicted, count)| *predicted != label && *count > 0));
        }
        confusions.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        confusions.truncate(max);
        confusions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::UNKNOWN;

    /// Returns outputs with probability `p` for `class` and `1 - p` for the next class. The clipping of the other eight
    /// outputs changes these probabilities slightly.
    fn outputs_for(class: usize, p: f32) -> Outputs {
        let mut row = [0.0; 10];
        row[class] = p;
        row[(class + 1) % 10] = 1.0 - p;
        row
    }

    #[test]
    fn mistakes_keep_36_most_confident() {
        let outputs =
            [outputs_for(1, 0.6), outputs_for(2, 0.9), outputs_for(3, 0.7), outputs_for(2, 0.9)];
        let results = TestResults::new(&outputs, &[0, 0, 3, 0], &UNKNOWN);
        let order: Vec<_> = results.mistakes.iter().map(|m| (m.index, m.predicted)).collect();
        assert_eq!(order, [(1, 2), (3, 2), (0, 1)]);
        assert!((results.mistakes[0].probability - 0.9).abs() < 1e-4);
        assert!((results.mean_confidence() - 0.775).abs() < 1e-4);
        let many = TestResults::new(&[outputs_for(1, 0.8); 50], &[0; 50], &UNKNOWN);
        assert_eq!(many.mistakes.len(), 36);
        assert_eq!(many.mistakes[35].index, 35);
    }

    #[test]
    fn histogram_counts_each_prediction_once() {
        let outputs = [[0.5; 10], outputs_for(1, 0.62), outputs_for(1, 0.62), outputs_for(1, 1.0)];
        let results = TestResults::new(&outputs, &[0, 1, 2, 1], &UNKNOWN);
        let counts = results.confidence.map(|bin| (bin.correct, bin.incorrect));
        assert_eq!((counts[1], counts[6], counts[9]), ((1, 0), (1, 1), (1, 0)));
        assert_eq!(results.confidence.iter().map(Bin::total).sum::<usize>(), 4);
        // The sum of |1 - 0.1|, |1 - 2 * 0.62| and |1 - 1|, divided by four predictions.
        assert!((results.calibration_error() - (0.9 + 0.24) / 4.0).abs() < 1e-4);
    }

    #[test]
    fn cells_keep_most_confident_predictions() {
        let outputs: Vec<_> = (0..20).map(|i| outputs_for(1, 0.6 + 0.01 * i as f32)).collect();
        let labels: Vec<u8> = (0..20).map(|i| i % 2).collect();
        let cells = TestResults::new(&outputs, &labels, &UNKNOWN).cells;
        let order: Vec<_> = cells.iter().map(|p| (p.label, p.index)).collect();
        let (incorrect, correct) = order.split_at(6);
        assert_eq!(incorrect, [18, 16, 14, 12, 10, 8].map(|index| (0, index)));
        assert_eq!(correct, [19, 17, 15, 13, 11, 9].map(|index| (1, index)));
    }
}
