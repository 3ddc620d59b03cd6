//! The loss of one image and its gradient, as defined in `model/loss.rs`.

use crate::model::{Activation, CLIP, OUTPUTS, SampleResult, argmax};

/// Returns the loss of an image and whether its prediction is correct, computed from the activations `y` \[10\] of the last
/// layer. Writes the gradient of `loss / batch_size` with respect to `y` to `d_y`.
///
/// For `p = o / s`, `s = sum(o)`: the derivative of `ln s - ln o[label]` with respect to `o[k]` is `1 / s`, minus `1 / o[k]` if
/// k is the label. The derivative is zero if `o[k]` is clipped, as in `tf.clip_by_value`.
///
/// # Panics
/// Panics if the label is not below 10.
pub(super) fn loss(
    activation: Activation,
    y: &[f32; OUTPUTS],
    label: u8,
    batch_size: usize,
    d_y: &mut [f32; OUTPUTS],
) -> SampleResult {
    let label = usize::from(label);
    // The derivative of the output o, which is y for sigmoid and (1 + y) / 2 for tanh.
    let slope = match activation {
        Activation::Sigmoid => 1.0,
        Activation::Tanh => 0.5,
    };
    let o = y.map(|y| output(activation, y));
    let clipped = o.map(|o| f64::from(o.clamp(CLIP, 1.0 - CLIP)));
    let sum: f64 = clipped.iter().sum();
    let scale = slope / batch_size as f64;
    for (class, d_y) in d_y.iter_mut().enumerate() {
        let of_label = if class == label { 1.0 / clipped[class] } else { 0.0 };
        *d_y = if o[class] < CLIP || o[class] > 1.0 - CLIP {
            0.0
        } else {
            (scale * (1.0 / sum - of_label)) as f32
        };
    }
    SampleResult { loss: (sum / clipped[label]).ln() as f32, is_correct: argmax(&o) == label }
}

/// Returns the output of the network for an activation of the last layer.
pub(super) fn output(activation: Activation, y: f32) -> f32 {
    match activation {
        Activation::Sigmoid => y,
        Activation::Tanh => (y + 1.0) * 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(activation: Activation, y: [f32; 10], label: u8) -> (SampleResult, [f32; 10]) {
        let mut d_y = [f32::NAN; 10];
        (loss(activation, &y, label, 4, &mut d_y), d_y)
    }

    #[test]
    fn equal_outputs_have_loss_ln_10() {
        for o in [0.0, 0.25, 1.0] {
            let (loss, _) = of(Activation::Sigmoid, [o; 10], 0);
            assert!((f64::from(loss.loss) - 10.0_f64.ln()).abs() < 1e-6);
            assert!(loss.is_correct);
            assert!(!of(Activation::Sigmoid, [o; 10], 3).0.is_correct);
        }
    }

    #[test]
    fn clipped_outputs_have_no_gradient() {
        let mut y = [0.5; 10];
        (y[2], y[3]) = (0.0, 1.0);
        let (_, d_y) = of(Activation::Sigmoid, y, 2);
        assert_eq!((d_y[2], d_y[3]), (0.0, 0.0));
        assert!(d_y[4] > 0.0);
        // An output at the bound itself is not clipped.
        (y[2], y[3]) = (CLIP, 1.0 - CLIP);
        let (_, d_y) = of(Activation::Sigmoid, y, 2);
        assert!(d_y[2] < 0.0 && d_y[3] > 0.0);
    }

    #[test]
    fn gradient_uses_clipped_outputs() {
        let mut y = [0.0; 10];
        (y[2], y[3]) = (1.0, 2e-7);
        let (_, d_y) = of(Activation::Sigmoid, y, 2);
        let sum: f64 = [1.0 - 1e-7_f32, 2e-7].map(f64::from).iter().sum::<f64>() + 8e-7;
        assert!((f64::from(d_y[3]) - 0.25 / sum).abs() < 2e-8, "{}", d_y[3]);
    }

    #[test]
    fn gradients_match_finite_differences() {
        let y: [f32; 10] = std::array::from_fn(|i| ((i * 7 + 1) as f32 * 0.37).sin() * 0.45 + 0.5);
        for activation in [Activation::Sigmoid, Activation::Tanh] {
            let (_, d_y) = of(activation, y, 6);
            for class in 0..10 {
                let at = |by: f32| {
                    let mut y = y;
                    y[class] += by;
                    f64::from(of(activation, y, 6).0.loss) / 4.0
                };
                let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
                let error = (f64::from(d_y[class]) - slope).abs();
                assert!(error < 1e-3, "{activation:?} {class}: {error}");
            }
        }
    }
}
