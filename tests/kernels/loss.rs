//! The loss, and the update of the weights.

use lenet::kernels::sgd::Momentum;
use lenet::kernels::{Level, loss, sgd};

use super::assert_close;
use super::reference::{self, f64s, random};

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
            // Plain descent has Burn's bits, at every level.
            let burns: Vec<f32> = before
                .iter()
                .zip(&gradient)
                .map(|(w, g)| w - 0.9 * g)
                .collect();
            assert_eq!(weight, burns);
        }
    }
}

#[test]
fn momentum_keeps_a_share_of_the_velocity_and_nesterov_looks_ahead() {
    for level in Level::available() {
        for (length, nesterov) in [(0, true), (1, false), (7, true), (8, false), (150, true)] {
            let [mut weight, mut velocity, gradient] =
                [1, 2, 3].map(|seed| random(seed, length, -1.0, 1.0));
            let rule = Momentum {
                rate: 0.2,
                momentum: 0.9,
                nesterov,
            };
            let v: Vec<f64> = f64s(&velocity)
                .iter()
                .zip(f64s(&gradient))
                .map(|(v, g)| 0.9 * v + g)
                .collect();
            let w: Vec<f64> = f64s(&weight)
                .iter()
                .zip(v.iter().zip(f64s(&gradient)))
                .map(|(w, (v, g))| w - 0.2 * if nesterov { g + 0.9 * v } else { *v })
                .collect();
            sgd::momentum_step(level, rule, &mut weight, &mut velocity, &gradient);
            assert_close("velocity", &velocity, &v, 1e-6);
            assert_close("weight", &weight, &w, 1e-6);
        }
    }
}

#[test]
fn an_average_moves_a_share_of_the_way() {
    for level in Level::available() {
        for length in [0, 1, 7, 8, 150] {
            let (mut average, weight) =
                (random(4, length, -1.0, 1.0), random(5, length, -1.0, 1.0));
            let expected: Vec<f64> = f64s(&average)
                .iter()
                .zip(f64s(&weight))
                .map(|(a, w)| a + 0.01 * (w - a))
                .collect();
            sgd::average(level, 0.01, &mut average, &weight);
            assert_close("average", &average, &expected, 1e-6);
        }
    }
}
