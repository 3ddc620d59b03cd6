//! Every kernel, at every level this CPU has, against plain loops in `f64`; and those against finite differences.

mod reference;

use std::panic::{AssertUnwindSafe, catch_unwind};

use lenet::kernels::{
    Gradients, Level, LevelError, Pooled, conv1, conv2, dense, keep_awake, loss, sgd,
};
use reference::{CONV1, CONV2, Conv, f64s, random};

/// The relative error of a sum of a few hundred products in `f32`, against the sum of their magnitudes.
const ROUNDING: f64 = 1e-6;

/// `got` differs from `expected` by at most `bound` times the largest of `expected`.
#[track_caller]
fn assert_close(what: &str, got: &[f32], expected: &[f64], bound: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(*g) - e).abs();
        assert!(error <= bound * scale, "{what}[{i}]: {g} is not {e}");
    }
}

#[test]
fn a_level_is_had_by_its_name_or_refused() {
    let available = Level::available();
    assert_eq!(available[0], Level::SCALAR);
    assert_eq!(available.last(), Some(&Level::best()));
    for name in ["scalar", "avx2", "avx512", "neon"] {
        match available.iter().find(|level| level.to_string() == name) {
            Some(level) => assert_eq!(Level::named(name), Ok(*level)),
            None => assert_eq!(Level::named(name), Err(LevelError::Unavailable(name))),
        }
    }
    let error = Level::named("sse9").expect_err("no such level");
    assert_eq!(error, LevelError::Unknown("sse9".to_owned()));
    assert_eq!(error.to_string(), "LENET_SIMD: unknown level \"sse9\"");
    assert!(error.hint().is_some_and(|hint| hint.contains("scalar")));
}

#[test]
fn no_cpu_has_the_levels_of_another_architecture() {
    let foreign: &[&str] = if cfg!(target_arch = "x86_64") {
        &["neon"]
    } else if cfg!(target_arch = "aarch64") {
        &["avx2", "avx512"]
    } else {
        &["neon", "avx2", "avx512"]
    };
    for name in foreign {
        assert!(
            matches!(Level::named(name), Err(LevelError::Unavailable(_))),
            "{name}"
        );
    }
}

/// The arguments of a convolution and room for its results.
struct ConvCase {
    conv: Conv,
    n: usize,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct ConvResults {
    y: Vec<f32>,
    choice: Vec<u8>,
    d_x: Option<Vec<f32>>,
    d_weight: Vec<f32>,
    d_bias: Vec<f32>,
}

impl ConvCase {
    fn random(conv: Conv, n: usize) -> Self {
        let seed = n as u32 * 8;
        Self {
            conv,
            n,
            x: random(seed + 1, n * conv.input(), 0.0, 1.0),
            weight: random(seed + 2, conv.weight(), -0.3, 0.3),
            bias: random(seed + 3, conv.outputs, -0.5, 0.5),
        }
    }

    fn d_y(&self) -> Vec<f32> {
        random(
            self.n as u32 * 8 + 4,
            self.n * self.conv.output(),
            -1.0,
            1.0,
        )
    }

    /// Runs the kernels. What they must overwrite holds NaN before.
    fn run(&self, level: Level) -> ConvResults {
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

#[test]
fn an_empty_batch_gives_zero_gradients() {
    for conv in [CONV1, CONV2] {
        let results = ConvCase::random(conv, 0).run(Level::best());
        assert_eq!(results.d_weight, vec![0.0; conv.weight()]);
        assert_eq!(results.d_bias, vec![0.0; conv.outputs]);
    }
    let results = DenseCase::random(dense::Shape {
        n: 0,
        inputs: 5,
        outputs: 3,
    })
    .run(Level::best());
    assert_eq!(
        (results.d_weight, results.d_bias),
        (vec![0.0; 15], vec![0.0; 3])
    );
}

struct DenseCase {
    shape: dense::Shape,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    d_y: Vec<f32>,
}

#[derive(Debug, PartialEq)]
struct DenseResults {
    y: Vec<f32>,
    d_x: Vec<f32>,
    d_weight: Vec<f32>,
    d_bias: Vec<f32>,
}

impl DenseCase {
    fn random(shape: dense::Shape) -> Self {
        let dense::Shape { n, inputs, outputs } = shape;
        let limit = (6.0 / (inputs + outputs) as f32).sqrt();
        Self {
            shape,
            x: random(1, n * inputs, 0.0, 1.0),
            weight: random(2, inputs * outputs, -limit, limit),
            bias: random(3, outputs, -0.5, 0.5),
            d_y: random(4, n * outputs, -1.0, 1.0),
        }
    }

    fn run(&self, level: Level) -> DenseResults {
        let mut r = DenseResults {
            y: vec![f32::NAN; self.d_y.len()],
            d_x: vec![f32::NAN; self.x.len()],
            d_weight: vec![f32::NAN; self.weight.len()],
            d_bias: vec![f32::NAN; self.bias.len()],
        };
        dense::forward(
            level,
            self.shape,
            &self.x,
            &self.weight,
            &self.bias,
            &mut r.y,
        );
        let of = dense::Dense {
            x: &self.x,
            y: &r.y,
            d_y: &self.d_y,
        };
        let gradients = Gradients {
            weight: &mut r.d_weight,
            bias: &mut r.d_bias,
        };
        dense::backward(level, self.shape, of, &self.weight, &mut r.d_x, gradients);
        r
    }

    fn check(&self, level: Level) {
        let dense::Shape {
            inputs, outputs, ..
        } = self.shape;
        let (x, weight) = (f64s(&self.x), f64s(&self.weight));
        let r = self.run(level);
        let what = |name: &str| format!("{level}, {:?}: {name}", self.shape);
        let y = reference::dense_forward(inputs, &x, &weight, &f64s(&self.bias));
        assert_close(&what("y"), &r.y, &y, 2e-6);
        let d =
            reference::dense_backward(inputs, outputs, &x, &f64s(&r.y), &f64s(&self.d_y), &weight);
        assert_close(&what("d_x"), &r.d_x, &d.x, 1e-5);
        assert_close(&what("d_weight"), &r.d_weight, &d.weight, 1e-5);
        assert_close(&what("d_bias"), &r.d_bias, &d.bias, 1e-5);
    }
}

#[test]
fn dense_layers_agree_with_plain_loops_at_every_batch_size() {
    for level in Level::available() {
        for n in 1..=33 {
            for (inputs, outputs) in [(256, 120), (120, 84), (84, 10)] {
                DenseCase::random(dense::Shape { n, inputs, outputs }).check(level);
            }
        }
    }
}

#[test]
fn dense_layers_of_any_size_agree_with_plain_loops() {
    for level in Level::available() {
        for n in [1, 7, 16, 17] {
            for inputs in [1, 2, 3, 5, 8, 9, 31] {
                for outputs in [1, 3, 7, 8, 9, 15, 16, 17, 24, 41] {
                    DenseCase::random(dense::Shape { n, inputs, outputs }).check(level);
                }
            }
        }
        DenseCase::random(dense::Shape {
            n: 101,
            inputs: 119,
            outputs: 83,
        })
        .check(level);
    }
}

#[test]
fn results_are_equal_bit_for_bit_for_any_number_of_threads() {
    for level in Level::available() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| {
                let mut bits = Vec::new();
                for conv in [CONV1, CONV2] {
                    let r = ConvCase::random(conv, 77).run(level);
                    assert!(r.choice.iter().all(|choice| *choice < 4));
                    bits.extend([r.y, r.d_x.unwrap_or_default(), r.d_weight, r.d_bias]);
                }
                for (inputs, outputs) in [(256, 120), (120, 84), (84, 10)] {
                    let r = DenseCase::random(dense::Shape {
                        n: 77,
                        inputs,
                        outputs,
                    })
                    .run(level);
                    bits.extend([r.y, r.d_x, r.d_weight, r.d_bias]);
                }
                bits.concat()
                    .into_iter()
                    .map(f32::to_bits)
                    .collect::<Vec<u32>>()
            })
        };
        let one = run(1);
        for threads in [2, 3, 8] {
            assert!(run(threads) == one, "{level}, {threads} threads");
        }
    }
}

#[test]
fn the_loss_and_its_gradient_agree_with_plain_loops() {
    let n = 13;
    let mut o = random(5, n * 10, 0.0, 1.0);
    // Outputs on and beyond the bounds of the clipping.
    o[..6].copy_from_slice(&[0.0, 1.0, 1e-8, 1e-7, 1.0 - 1e-7, 0.5]);
    let labels: Vec<u8> = (0..n).map(|i| (i * 3 % 10) as u8).collect();
    let result = loss::forward(&o, &labels);
    assert!((result.sum / n as f64 - reference::loss(&f64s(&o), &labels)).abs() < 1e-9);

    let mut d_o = vec![f32::NAN; o.len()];
    loss::backward(&o, &labels, 2.0, &mut d_o);
    assert_eq!(d_o[..3], [0.0; 3], "clipped outputs have no gradient");
    assert!(
        d_o[3] != 0.0 && d_o[4] != 0.0,
        "the bounds themselves are not clipped"
    );
    for i in 5..o.len() {
        let (mut above, mut below) = (f64s(&o), f64s(&o));
        let step = 1e-6 * above[i];
        above[i] += step;
        below[i] -= step;
        let slope = (reference::loss(&above, &labels) - reference::loss(&below, &labels)) / step;
        assert!(
            (f64::from(d_o[i]) - slope).abs() <= 1e-5 * slope.abs().max(0.01),
            "d_o[{i}]: {} is not {slope}",
            d_o[i]
        );
    }

    let wide: Vec<i64> = labels.iter().map(|label| i64::from(*label)).collect();
    assert_eq!(loss::forward(&o, &wide), result);
}

#[test]
fn an_image_is_right_if_the_first_of_its_greatest_outputs_is_at_its_label() {
    let mut o = [[0.1_f32; 10]; 3];
    (o[0][4], o[0][7]) = (0.9, 0.9);
    (o[1][4], o[1][7]) = (0.9, 0.9);
    o[2][0] = 0.0;
    let correct = |labels: [u8; 3]| loss::forward(o.as_flattened(), &labels).correct;
    assert_eq!(correct([4, 7, 1]), 2);
    assert_eq!(correct([7, 7, 0]), 0);
}

#[test]
fn a_step_subtracts_the_gradient_times_the_rate() {
    for level in Level::available() {
        for length in [0, 1, 7, 8, 150] {
            let (before, gradient) = (random(1, length, -1.0, 1.0), random(2, length, -1.0, 1.0));
            let mut weight = before.clone();
            sgd::step(level, 0.9, &mut weight, &gradient);
            let expected: Vec<f64> = f64s(&before)
                .iter()
                .zip(f64s(&gradient))
                .map(|(w, g)| w - 0.9 * g)
                .collect();
            assert_close("weight", &weight, &expected, 1e-6);
        }
    }
}

/// The plain loops' gradients against central differences of their forward passes, for the sum of y times d_y.
#[test]
fn the_plain_loops_gradients_are_finite_differences() {
    let agree = |what: &str, gradient: &[f64], value: &dyn Fn(usize, f64) -> f64| {
        for i in (0..gradient.len()).step_by(gradient.len().div_ceil(40)) {
            let slope = (value(i, 1e-5) - value(i, -1e-5)) / 2e-5;
            assert!(
                (gradient[i] - slope).abs() < 1e-6,
                "{what}[{i}]: {} is not {slope}",
                gradient[i]
            );
        }
    };
    let bumped = |x: &[f64], i: usize, by: f64| {
        let mut x = x.to_vec();
        x[i] += by;
        x
    };
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };

    for conv in [CONV1, CONV2] {
        let case = ConvCase::random(conv, 2);
        let (x, w, b, d_y) = (
            f64s(&case.x),
            f64s(&case.weight),
            f64s(&case.bias),
            f64s(&case.d_y()),
        );
        let (y, choice) = conv.forward(2, &x, &w, &b);
        let d = conv.backward(2, &x, &y, &choice, &d_y, &w);
        let value = |x: &[f64], w: &[f64], b: &[f64]| dot(&conv.forward(2, x, w, b).0, &d_y);
        agree("conv d_x", &d.x, &|i, by| value(&bumped(&x, i, by), &w, &b));
        agree("conv d_weight", &d.weight, &|i, by| {
            value(&x, &bumped(&w, i, by), &b)
        });
        agree("conv d_bias", &d.bias, &|i, by| {
            value(&x, &w, &bumped(&b, i, by))
        });
    }

    let case = DenseCase::random(dense::Shape {
        n: 3,
        inputs: 7,
        outputs: 4,
    });
    let (x, w, b, d_y) = (
        f64s(&case.x),
        f64s(&case.weight),
        f64s(&case.bias),
        f64s(&case.d_y),
    );
    let y = reference::dense_forward(7, &x, &w, &b);
    let d = reference::dense_backward(7, 4, &x, &y, &d_y, &w);
    let value = |x: &[f64], w: &[f64], b: &[f64]| dot(&reference::dense_forward(7, x, w, b), &d_y);
    agree("dense d_x", &d.x, &|i, by| {
        value(&bumped(&x, i, by), &w, &b)
    });
    agree("dense d_weight", &d.weight, &|i, by| {
        value(&x, &bumped(&w, i, by), &b)
    });
    agree("dense d_bias", &d.bias, &|i, by| {
        value(&x, &w, &bumped(&b, i, by))
    });
}

#[test]
fn threads_kept_awake_do_the_same_work_and_stop_at_its_end() {
    let case = ConvCase::random(CONV2, 40);
    let expected = case.run(Level::best());
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        let results = pool.install(|| keep_awake(|| keep_awake(|| case.run(Level::best()))));
        assert_eq!(results.d_weight, expected.d_weight, "{threads} threads");
        assert_eq!(results.d_x, expected.d_x, "{threads} threads");
        // Where a thread still waited, this would wait for it, and the broadcast after it too.
        let panicking = || pool.install(|| keep_awake(|| panic!("on purpose")));
        let panicked = catch_unwind(AssertUnwindSafe(panicking));
        assert!(panicked.is_err());
        assert_eq!(pool.broadcast(|context| context.index()).len(), threads);
    }
}
