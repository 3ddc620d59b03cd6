//! The test results in a run record.

use serde::{Deserialize, Serialize};

use crate::eval::{Evaluation, is_near_chance};

/// The evaluation of the model on the test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestRecord {
    /// Number of images.
    pub samples: usize,
    /// Mean loss.
    pub loss: f64,
    /// Fraction of correct predictions.
    pub accuracy: f64,
    /// Number of correct predictions.
    pub correct: usize,
    /// Whether the model predicts the same class for every image. Earlier versions did not record it.
    #[serde(default)]
    pub collapsed: bool,
    /// Whether one class is so common among the images that a good model may predict it for all of them. Then, the results do not
    /// show whether the model has learned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_sided: bool,
    /// Whether nearly all outputs of the model are close to 0 or 1. Earlier versions did not record it.
    #[serde(default)]
    pub saturated: bool,
}

impl From<&Evaluation> for TestRecord {
    fn from(test: &Evaluation) -> Self {
        Self {
            samples: test.samples(),
            loss: test.loss(),
            accuracy: test.accuracy(),
            correct: test.correct(),
            collapsed: test.is_collapsed(),
            one_sided: test.is_one_sided(),
            saturated: test.is_saturated(),
        }
    }
}

impl TestRecord {
    /// Returns whether the model has not learned to tell `classes` classes apart: it predicts one class for every image, or its
    /// accuracy is near chance.
    pub(super) fn is_failure(&self, classes: usize) -> bool {
        let is_weak = self.collapsed || is_near_chance(self.samples, self.accuracy, classes);
        is_weak && !self.one_sided
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MNIST;

    #[test]
    fn one_class_is_no_failure() {
        let is_failure = |predicted: usize, labels: &[u8]| {
            let mut outputs = [0.1; 10];
            outputs[predicted] = 0.9;
            let outputs = vec![outputs; labels.len()];
            TestRecord::from(&Evaluation::new(&outputs, labels, &MNIST)).is_failure(10)
        };
        assert!(is_failure(4, &[4, 5, 6, 7, 8, 9]));
        assert!(is_failure(4, &[3; 40]));
        assert!(!is_failure(4, &[4; 40]));
        // Half of the images are of this class.
        assert!(!is_failure(4, &[4, 4, 4, 5, 6, 7]));
    }
}
