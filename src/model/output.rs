//! What the network's ten outputs for an image say, and how good that is.

/// Smallest and largest output that the loss distinguishes: outputs are clipped to `[CLIP, 1 - CLIP]`.
pub const CLIP: f32 = 1e-7;

/// The class with the largest of these outputs; the first of equal ones.
pub fn argmax(outputs: &[f32; 10]) -> usize {
    (1..10).fold(0, |best, class| match outputs[class] > outputs[best] {
        true => class,
        false => best,
    })
}

/// What a training step found for one image, before its update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleResult {
    /// The image's loss.
    pub loss: f32,
    /// Whether the largest output was its label's.
    pub is_correct: bool,
}

impl SampleResult {
    /// Those of images with these losses, and 1 for each right answer.
    pub(crate) fn all<'a>(
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
    fn a_one_is_a_right_answer() {
        let right = |is_correct| SampleResult { loss: 0.5, is_correct };
        assert!(SampleResult::all(&[0.5, 0.5], &[1.0, 0.0]).eq([right(true), right(false)]));
    }
}
