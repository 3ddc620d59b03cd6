//! Every kernel, at every level this CPU has, against plain loops in `f64`; and those against finite differences.

mod conv;
mod dense;
mod loss;
#[path = "../reference/mod.rs"]
mod reference;
mod turn;

use std::panic::{AssertUnwindSafe, catch_unwind};

use lenet::kernels::dense::Shape;
use lenet::kernels::{Level, LevelError, keep_awake};

use conv::ConvCase;
use dense::DenseCase;
use reference::{CONV1, CONV2, f64s};

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
    for name in ["scalar", "avx2", "neon"] {
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
        &["avx2"]
    } else {
        &["neon", "avx2"]
    };
    for name in foreign {
        assert!(
            matches!(Level::named(name), Err(LevelError::Unavailable(_))),
            "{name}"
        );
    }
}

#[test]
fn an_empty_batch_gives_zero_gradients() {
    for conv in [CONV1, CONV2] {
        let results = ConvCase::random(conv, 0).run(Level::best());
        assert_eq!(results.d_weight, vec![0.0; conv.weight()]);
        assert_eq!(results.d_bias, vec![0.0; conv.outputs]);
    }
    let results = DenseCase::random(Shape {
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
                    let r = DenseCase::random(Shape {
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

    let case = DenseCase::random(Shape {
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
