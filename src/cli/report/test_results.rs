//! What the report says of a model's outputs.

use crate::eval::{Evaluation, Outputs};
use crate::model::argmax;
use crate::model::probabilities;

/// Bins of the histogram of confidence, each 0.1 wide.
pub const BINS: usize = 10;

/// Images of one cell of the confusion matrix that are shown. All cells together then have at most 600: with images of
/// Fashion-MNIST the page stays below a megabyte.
pub const CELL_IMAGES: usize = 6;

/// Mistakes that are shown.
const MISTAKES: usize = 36;

/// The answer for one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Number of the image in its data set.
    pub index: usize,
    pub label: usize,
    pub predicted: usize,
    /// That of the predicted class.
    pub probability: f64,
}

/// The answers of one range of confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    pub right: usize,
    pub wrong: usize,
    /// Sum of their probabilities.
    pub probability: f64,
}

impl Bin {
    pub fn total(&self) -> usize {
        self.right + self.wrong
    }

    /// Share of right answers; 0 where there are none.
    pub fn share_right(&self) -> f64 {
        self.right as f64 / self.total().max(1) as f64
    }
}

/// Everything that the report shows of the answers.
#[derive(Debug, Clone)]
pub struct TestResults {
    pub evaluation: Evaluation,
    /// The wrong answers with the highest probabilities, at most 36, the highest first; of equal ones the image
    /// that comes first.
    pub mistakes: Vec<Prediction>,
    /// For each true and each predicted class the surest answers, at most [`CELL_IMAGES`] of each, sorted likewise.
    pub cells: Vec<Prediction>,
    /// Answers by the probability that the model gives them: bin i holds those from i / 10 up to (i + 1) / 10,
    /// the last one also 1.
    pub confidence: [Bin; BINS],
}

impl TestResults {
    pub fn new(outputs: &[Outputs], labels: &[u8]) -> Self {
        let mut answers = Vec::new();
        let mut confidence = [Bin::default(); BINS];
        for (index, (row, label)) in outputs.iter().zip(labels).enumerate() {
            let (predicted, label) = (argmax(row), usize::from(*label));
            let probability = probabilities(row)[predicted];
            let bin = &mut confidence[((probability * BINS as f64) as usize).min(BINS - 1)];
            bin.probability += probability;
            match predicted == label {
                true => bin.right += 1,
                false => bin.wrong += 1,
            }
            answers.push(Prediction { index, label, predicted, probability });
        }
        answers.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let wrong = answers.iter().filter(|a| a.label != a.predicted);
        let mut seen = [[0; 10]; 10];
        let mut cells = answers.clone();
        cells.retain(|a| {
            seen[a.label][a.predicted] += 1;
            seen[a.label][a.predicted] <= CELL_IMAGES
        });
        cells.sort_by_key(|a| (a.label, a.predicted));
        Self {
            evaluation: Evaluation::new(outputs, labels),
            mistakes: wrong.take(MISTAKES).cloned().collect(),
            cells,
            confidence,
        }
    }

    /// Mean probability that the model gives to its answers.
    pub fn mean_confidence(&self) -> f64 {
        let sum: f64 = self.confidence.iter().map(|bin| bin.probability).sum();
        sum / self.evaluation.samples().max(1) as f64
    }

    /// The expected calibration error: the mean, over all answers, of the distance between a bin's share of right
    /// answers and its mean probability.
    pub fn calibration_error(&self) -> f64 {
        let gaps = self.confidence.iter();
        let sum: f64 = gaps.map(|bin| (bin.probability - bin.right as f64).abs()).sum();
        sum / self.evaluation.samples().max(1) as f64
    }

    /// The commonest mistakes as (true class, predicted class, number), at most `most`, the commonest first.
    pub fn confusions(&self, most: usize) -> Vec<(usize, usize, usize)> {
        let mut wrong = Vec::new();
        for (label, row) in self.evaluation.confusion.iter().enumerate() {
            let cells = row.iter().enumerate().map(|(predicted, count)| (label, predicted, *count));
            wrong.extend(cells.filter(|(_, predicted, count)| *predicted != label && *count > 0));
        }
        wrong.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
        wrong.truncate(most);
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs that give `class` the probability `p` and the next class the rest, but for what the clipping of
    /// the other eight takes away.
    fn sure(class: usize, p: f32) -> Outputs {
        let mut row = [0.0; 10];
        row[class] = p;
        row[(class + 1) % 10] = 1.0 - p;
        row
    }

    #[test]
    fn mistakes_are_sorted_by_confidence_and_limited() {
        let outputs = [sure(1, 0.6), sure(2, 0.9), sure(3, 0.7), sure(2, 0.9)];
        let figures = TestResults::new(&outputs, &[0, 0, 3, 0]);
        let order: Vec<_> = figures.mistakes.iter().map(|m| (m.index, m.predicted)).collect();
        assert_eq!(order, [(1, 2), (3, 2), (0, 1)]);
        assert!((figures.mistakes[0].probability - 0.9).abs() < 1e-4);
        assert!((figures.mean_confidence() - 0.775).abs() < 1e-4);
        let many = TestResults::new(&[sure(1, 0.8); 50], &[0; 50]);
        assert_eq!(many.mistakes.len(), 36);
        assert_eq!(many.mistakes[35].index, 35);
    }

    #[test]
    fn the_histogram_counts_every_answer_once() {
        let outputs = [[0.5; 10], sure(1, 0.62), sure(1, 0.62), sure(1, 1.0)];
        let figures = TestResults::new(&outputs, &[0, 1, 2, 1]);
        let counts = figures.confidence.map(|bin| (bin.right, bin.wrong));
        assert_eq!((counts[1], counts[6], counts[9]), ((1, 0), (1, 1), (1, 0)));
        assert_eq!(figures.confidence.iter().map(Bin::total).sum::<usize>(), 4);
        // |1 - 0.1|, |1 - 2 * 0.62| and |1 - 1| of four answers.
        assert!((figures.calibration_error() - (0.9 + 0.24) / 4.0).abs() < 1e-4);
    }

    #[test]
    fn each_cell_keeps_its_surest_answers() {
        let outputs: Vec<_> = (0..20).map(|i| sure(1, 0.6 + 0.01 * i as f32)).collect();
        let labels: Vec<u8> = (0..20).map(|i| i % 2).collect();
        let cells = TestResults::new(&outputs, &labels).cells;
        let order: Vec<_> = cells.iter().map(|a| (a.label, a.index)).collect();
        let (wrong, right) = order.split_at(6);
        assert_eq!(wrong, [18, 16, 14, 12, 10, 8].map(|index| (0, index)));
        assert_eq!(right, [19, 17, 15, 13, 11, 9].map(|index| (1, index)));
    }

    #[test]
    fn the_commonest_confusions_come_first() {
        let outputs = [sure(1, 0.9), sure(1, 0.9), sure(5, 0.9), sure(0, 0.9)];
        let figures = TestResults::new(&outputs, &[0, 0, 4, 0]);
        assert_eq!(figures.confusions(3), [(0, 1, 2), (4, 5, 1)]);
        assert_eq!(figures.confusions(1), [(0, 1, 2)]);
    }
}
