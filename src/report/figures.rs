//! What the report says of a model's outputs.

use crate::eval::{Evaluation, Outputs, predicted, probabilities};

/// Bins of the histogram of confidence, each 0.05 wide.
pub const BINS: usize = 20;

/// Mistakes that are shown.
const MISTAKES: usize = 36;

/// A wrong answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// Number of the image in its data set.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// The class that the model says.
    pub predicted: usize,
    /// The probability that the model gives to its answer.
    pub probability: f64,
}

/// The answers of one range of confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Number of right ones.
    pub right: usize,
    /// Number of wrong ones.
    pub wrong: usize,
}

impl Bin {
    /// Number of answers.
    #[must_use]
    pub fn total(&self) -> usize {
        self.right + self.wrong
    }
}

/// Everything that the report shows of the answers.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Loss, accuracy, confusion matrix, figures per class.
    pub evaluation: Evaluation,
    /// The wrong answers with the highest probabilities, at most 36, the highest first; of equal ones the image
    /// that comes first.
    pub mistakes: Vec<Mistake>,
    /// Answers by the probability that the model gives them: bin i holds those from i / 20 up to (i + 1) / 20,
    /// the last one also 1.
    pub confidence: [Bin; BINS],
    /// Mean probability that the model gives to its answers.
    pub mean_confidence: f64,
}

impl Figures {
    /// From the outputs for images and the labels that these have.
    #[must_use]
    pub fn new(outputs: &[Outputs], labels: &[u8]) -> Self {
        let mut mistakes = Vec::new();
        let mut confidence = [Bin::default(); BINS];
        let mut sum = 0.0;
        for (index, (row, label)) in outputs.iter().zip(labels).enumerate() {
            let (predicted, label) = (predicted(row), usize::from(*label));
            let probability = probabilities(row)[predicted];
            sum += probability;
            let bin = &mut confidence[((probability * BINS as f64) as usize).min(BINS - 1)];
            if predicted == label {
                bin.right += 1;
            } else {
                bin.wrong += 1;
                mistakes.push(Mistake {
                    index,
                    label,
                    predicted,
                    probability,
                });
            }
        }
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        mistakes.truncate(MISTAKES);
        Self {
            evaluation: Evaluation::new(outputs, labels),
            mistakes,
            confidence,
            mean_confidence: sum / outputs.len().max(1) as f64,
        }
    }

    /// The commonest mistakes as (true class, predicted class, number), at most `most`, the commonest first.
    #[must_use]
    pub fn confusions(&self, most: usize) -> Vec<(usize, usize, usize)> {
        let cells = (0..10).flat_map(|label| (0..10).map(move |predicted| (label, predicted)));
        let counted = cells.map(|(label, predicted)| {
            (
                label,
                predicted,
                self.evaluation.confusion[label][predicted],
            )
        });
        let mut wrong: Vec<_> = counted
            .filter(|(label, predicted, count)| label != predicted && *count > 0)
            .collect();
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
        let figures = Figures::new(&outputs, &[0, 0, 3, 0]);
        let order: Vec<_> = figures
            .mistakes
            .iter()
            .map(|m| (m.index, m.predicted))
            .collect();
        assert_eq!(order, [(1, 2), (3, 2), (0, 1)]);
        assert!((figures.mistakes[0].probability - 0.9).abs() < 1e-4);
        assert!((figures.mean_confidence - 0.775).abs() < 1e-4);
        let many = Figures::new(&[sure(1, 0.8); 50], &[0; 50]);
        assert_eq!(many.mistakes.len(), 36);
        assert_eq!(many.mistakes[35].index, 35);
    }

    #[test]
    fn the_histogram_counts_every_answer_once() {
        let outputs = [[0.5; 10], sure(1, 0.62), sure(1, 0.62), sure(1, 1.0)];
        let figures = Figures::new(&outputs, &[0, 1, 2, 1]);
        assert_eq!(figures.confidence[2], Bin { right: 1, wrong: 0 });
        assert_eq!(figures.confidence[12], Bin { right: 1, wrong: 1 });
        assert_eq!(figures.confidence[19], Bin { right: 1, wrong: 0 });
        assert_eq!(figures.confidence.iter().map(Bin::total).sum::<usize>(), 4);
    }

    #[test]
    fn the_commonest_confusions_come_first() {
        let outputs = [sure(1, 0.9), sure(1, 0.9), sure(5, 0.9), sure(0, 0.9)];
        let figures = Figures::new(&outputs, &[0, 0, 4, 0]);
        assert_eq!(figures.confusions(3), [(0, 1, 2), (4, 5, 1)]);
        assert_eq!(figures.confusions(1), [(0, 1, 2)]);
    }
}
