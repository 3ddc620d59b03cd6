//! The loss, probabilities and predicted class, computed from the network's ten outputs for an image.
//!
//! The loss is sparse categorical cross-entropy as TensorFlow 2.0 computes it on outputs o that are sigmoids: clip o to
//! `[`[`CLIP`]`, 1 - CLIP]` and normalise to `p = o / sum(o)`; the loss is `-ln p[label]`. A clipped output has no
//! gradient.
//!
//! Source: `sparse_categorical_crossentropy` in `tensorflow/python/keras/backend.py`, release 2.0, for `from_logits=False`.
//! Since TensorFlow 2.3, Keras looks up the input of the sigmoid (`output._keras_logits`) and silently computes the loss from
//! the softmax of that input. This is a different function, with which epoch 1 ends at accuracy 0.55 instead of 0.40. The
//! notebook that this program replaces ran on TensorFlow 2.0.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

use super::OUTPUTS;

/// The loss clips outputs to the range from `CLIP` to `1 - CLIP`.
pub const CLIP: f32 = 1e-7;

/// Computes the loss `[N]` of outputs `[N, 10]` for labels `[N]` in plain Burn.
pub fn cross_entropy<B: Backend>(outputs: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let outputs = outputs.clamp(CLIP, 1.0 - CLIP);
    let sum = outputs.clone().sum_dim(1);
    let of_label = outputs.gather(1, labels.unsqueeze_dim(1));
    (sum.log() - of_label.log()).squeeze_dim(1)
}

/// Returns the probabilities `p = o / sum(o)` of the clipped outputs.
pub fn probabilities(outputs: &[f32; OUTPUTS]) -> [f64; OUTPUTS] {
    let clipped = outputs.map(|o| f64::from(o.clamp(CLIP, 1.0 - CLIP)));
    let sum: f64 = clipped.iter().sum();
    clipped.map(|o| o / sum)
}

/// Returns the class with the largest output; ties go to the lowest class.
pub fn argmax(outputs: &[f32; OUTPUTS]) -> usize {
    (1..OUTPUTS).fold(0, |best, class| match outputs[class] > outputs[best] {
        true => class,
        false => best,
    })
}

/// Loss and correctness of one image in a training step, before the update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleResult {
    /// Loss of the image.
    pub loss: f32,
    /// Whether the predicted class is the label.
    pub is_correct: bool,
}

impl SampleResult {
    /// Combines the loss of each image with its correctness, which is given as 1 or 0.
    pub(crate) fn from_floats<'a>(
        losses: &'a [f32],
        correct: &'a [f32],
    ) -> impl Iterator<Item = Self> + 'a {
        let pairs = losses.iter().zip(correct);
        pairs.map(|(loss, correct)| Self { loss: *loss, is_correct: *correct == 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_one_means_correct() {
        let result = |is_correct| SampleResult { loss: 0.5, is_correct };
        let results = SampleResult::from_floats(&[0.5, 0.5], &[1.0, 0.0]);
        assert!(results.eq([result(true), result(false)]));
    }

    #[test]
    fn argmax_ties_go_to_lowest_class() {
        assert_eq!(argmax(&[0.5; 10]), 0);
    }

    #[test]
    fn probabilities_use_clipped_outputs() {
        // The output 1 is clipped to slightly less than 1, so its probability is less than twice that of 0.5.
        let clipped = probabilities(&[1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(clipped[0] < 2.0 * clipped[1] && clipped[2] > 0.0, "{clipped:?}");
    }
}
