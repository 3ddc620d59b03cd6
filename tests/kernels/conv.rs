//! The two convolutions.

use lenet::kernels::{Gradients, Level, Pooled, conv1, conv2};

use super::assert_close;
use super::reference::{self, CONV1, CONV2, Conv, f64s, random};

/// The relative error of a sum of a few hundred products in `f32`, against the sum of their magnitudes.
const ROUNDING: f64 = 1e-6;

/// The arguments of a convolution and room for its results.
pub struct ConvCase {
    pub conv: Conv,
    pub n: usize,
    pub x: Vec<f32>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

pub struct ConvResults {
    pub y: Vec<f32>,
    pub choice: Vec<u8>,
    pub d_x: Option<Vec<f32>>,
    pub d_weight: Vec<f32>,
    pub d_bias: Vec<f32>,
}

impl ConvCase {
    pub fn random(conv: Conv, n: usize) -> Self {
        let seed = n as u32 * 8;
        Self {
            conv,
            n,
            x: random(seed + 1, n * conv.input(), 0.0, 1.0),
            weight: random(seed + 2, conv.weight(), -0.3, 0.3),
            bias: random(seed + 3, conv.outputs, -0.5, 0.5),
        }
    }

    pub fn d_y(&self) -> Vec<f32> {
        random(
            self.n as u32 * 8 + 4,
            self.n * self.conv.output(),
            -1.0,
            1.0,
        )
    }

    /// Runs the kernels. What they must overwrite holds NaN before.
    pub fn run(&self, level: Level) -> ConvResults {
        let (n, conv, d_y) = (self.n, self.conv, self.d_y());
        let mut r = ConvResults {
            y: vec![f32::NAN; n * conv.output()],
            choice: vec![99; n * conv.output()],
            d_x: (conv.inputs > 1).then(|| vec![f32::NAN; n * conv.input()]),
            d_weight: vec![f32::NAN; conv.weight()],
            d_bias: vec![f32::NAN; conv.outputs],
        };
        let forward = if conv.inputs == 1 {
            conv1::forward
        } else {
            conv2::forward
        };
        forward(
            level,
            n,
            &self.x,
            &self.weight,
            &self.bias,
            &mut r.y,
            &mut r.choice,
        );
        let of = Pooled {
            x: &self.x,
            y: &r.y,
            choice: &r.choice,
            d_y: &d_y,
        };
        let gradients = Gradients {
            weight: &mut r.d_weight,
            bias: &mut r.d_bias,
        };
        match &mut r.d_x {
            None => conv1::backward(level, n, of, gradients),
            Some(d_x) => conv2::backward(level, n, of, &self.weight, Some(d_x), gradients),
        }
        r
    }

    /// Forward: y within rounding, and the chosen position the first maximum, or as good as it within rounding.
    fn check_forward(&self, what: &str, r: &ConvResults) {
        let magnitude = |x: &[f32]| -> Vec<f64> { x.iter().map(|x| f64::from(x.abs())).collect() };
        let windows = self.conv.windows(
            self.n,
            &f64s(&self.x),
            &f64s(&self.weight),
            &f64s(&self.bias),
        );
        let magnitudes = self.conv.windows(
            self.n,
            &magnitude(&self.x),
            &magnitude(&self.weight),
            &magnitude(&self.bias),
        );
        for (i, (window, magnitudes)) in windows.iter().zip(&magnitudes).enumerate() {
            let max = window.iter().fold(f64::MIN, |m, z| m.max(*z));
            let slack = ROUNDING * magnitudes.iter().fold(0.0_f64, |m, z| m.max(*z));
            let (y, expected) = (f64::from(r.y[i]), reference::sigmoid(max));
            assert!(
                (y - expected).abs() <= 2e-7 + slack / 4.0,
                "{what}: y[{i}] {y} is not {expected}"
            );
            let chosen = window[usize::from(r.choice[i])];
            assert!(
                chosen >= max - slack,
                "{what}: choice[{i}] is {}: {window:?}",
                r.choice[i]
            );
        }
    }

    fn check_backward(&self, what: &str, r: &ConvResults) {
        let (x, y, d_y) = (f64s(&self.x), f64s(&r.y), f64s(&self.d_y()));
        let d = self
            .conv
            .backward(self.n, &x, &y, &r.choice, &d_y, &f64s(&self.weight));
        assert_close(&format!("{what}: d_weight"), &r.d_weight, &d.weight, 1e-5);
        assert_close(&format!("{what}: d_bias"), &r.d_bias, &d.bias, 1e-5);
        if let Some(d_x) = &r.d_x {
            assert_close(&format!("{what}: d_x"), d_x, &d.x, 1e-5);
        }
    }
}

#[test]
fn convolutions_agree_with_plain_loops_at_every_batch_size() {
    for conv in [CONV1, CONV2] {
        for n in 1..=33 {
            let case = ConvCase::random(conv, n);
            for level in Level::available() {
                let what = format!("{level}, {} channels, n {n}", conv.outputs);
                let results = case.run(level);
                case.check_forward(&what, &results);
                case.check_backward(&what, &results);
            }
        }
    }
}

/// Whole numbers are exact in `f32`, so equal sums are equal, and the position must be the first maximum itself.
#[test]
fn among_equal_maxima_the_first_in_row_order_is_chosen() {
    for conv in [CONV1, CONV2] {
        let mut case = ConvCase::random(conv, 5);
        let round =
            |x: &mut Vec<f32>, factor: f32| x.iter_mut().for_each(|x| *x = (*x * factor).round());
        round(&mut case.x, 1.9);
        round(&mut case.weight, 4.0);
        round(&mut case.bias, 3.0);
        // One image is flat, one is half flat, the others have few values.
        case.x[..conv.input()].fill(7.0);
        case.x[conv.input()..conv.input() * 3 / 2].fill(0.0);
        let (_, expected) = conv.forward(5, &f64s(&case.x), &f64s(&case.weight), &f64s(&case.bias));
        for position in 0..4 {
            assert!(
                expected[conv.output()..].contains(&position),
                "the case has every position"
            );
        }
        for level in Level::available() {
            let results = case.run(level);
            assert_eq!(results.choice, expected, "{level}");
            assert!(
                results.choice[..conv.output()]
                    .iter()
                    .all(|choice| *choice == 0),
                "{level}"
            );
            case.check_backward(&format!("{level}, ties"), &results);
        }
    }
}

#[test]
fn raw_pixels_that_saturate_sigmoid_agree_with_plain_loops() {
    for conv in [CONV1, CONV2] {
        let mut case = ConvCase::random(conv, 9);
        case.x
            .iter_mut()
            .for_each(|x| *x = (*x * 510.0 - 255.0).max(0.0).round());
        for level in Level::available() {
            let results = case.run(level);
            assert!(
                results.y.contains(&1.0) && results.y.contains(&0.0),
                "{level}: no saturated value"
            );
            case.check_forward(&format!("{level}, raw pixels"), &results);
            case.check_backward(&format!("{level}, raw pixels"), &results);
        }
    }
}

#[test]
fn conv2_gives_the_same_gradients_when_that_of_its_input_is_not_asked_for() {
    let case = ConvCase::random(CONV2, 11);
    for level in Level::available() {
        let results = case.run(level);
        let (mut d_weight, mut d_bias) = (vec![0.0; CONV2.weight()], vec![0.0; 16]);
        let of = Pooled {
            x: &case.x,
            y: &results.y,
            choice: &results.choice,
            d_y: &case.d_y(),
        };
        let gradients = Gradients {
            weight: &mut d_weight,
            bias: &mut d_bias,
        };
        conv2::backward(level, 11, of, &case.weight, None, gradients);
        assert_eq!(
            (d_weight, d_bias),
            (results.d_weight, results.d_bias),
            "{level}"
        );
    }
}

#[test]
fn a_nan_goes_through_without_a_panic() {
    for conv in [CONV1, CONV2] {
        let mut case = ConvCase::random(conv, 3);
        case.x.iter_mut().step_by(50).for_each(|x| *x = f32::NAN);
        case.bias[0] = f32::NAN;
        for level in Level::available() {
            let results = case.run(level);
            assert!(
                results.y[0].is_nan() && results.d_bias[0].is_nan(),
                "{level}"
            );
            assert!(results.choice.iter().all(|choice| *choice < 4), "{level}");
        }
    }
}
