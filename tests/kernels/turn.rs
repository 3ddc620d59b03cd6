//! Gradients turned into a layer's direction, at every level.

use burn::tensor::Tensor;
use burn_ndarray::NdArray;
use lenet::kernels::{Level, turn};
use lenet::ops::{Turn, stock};

const TURN: Turn = Turn {
    scale: 16.0,
    bias_scale: 4.0,
    shift: 0.5,
    weight_decay: 0.001,
};

/// Numbers between -1 and 1 that repeat late.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0)
        .collect()
}

#[test]
fn every_level_turns_gradients_as_plain_loops_do() {
    for (inputs, units) in [(256, 120), (120, 84), (84, 10), (1, 1), (3, 9)] {
        let weight = numbers(inputs * units, 1);
        let (d_weight, d_bias) = (numbers(inputs * units, 2), numbers(units, 3));
        let expected = |input: usize, unit: usize| {
            let place = input * units + unit;
            16.0 * (f64::from(d_weight[place]) - 0.5 * f64::from(d_bias[unit]))
                + 0.001 * f64::from(weight[place])
        };
        let sum = |unit| (0..inputs).map(|i| expected(i, unit)).sum::<f64>();
        for level in Level::available() {
            let (mut d, mut b) = (d_weight.clone(), d_bias.clone());
            turn::dense(level, TURN, &weight, &mut d, &mut b);
            for unit in 0..units {
                for input in 0..inputs {
                    let error = f64::from(d[input * units + unit]) - expected(input, unit);
                    assert!(error.abs() < 1e-5, "{level} {input} {unit}: {error}");
                }
                let error = f64::from(b[unit]) - (4.0 * f64::from(d_bias[unit]) - 0.5 * sum(unit));
                assert!(error.abs() < 1e-3, "{level} {unit}: {error}");
            }
        }
    }
}

#[test]
fn burns_operations_and_the_kernel_agree_on_a_convolution() {
    let (weight, d_weight, d_bias) = (numbers(2400, 1), numbers(2400, 2), numbers(16, 3));
    let (mut d, mut b) = (d_weight.clone(), d_bias.clone());
    turn::conv(TURN, &weight, &mut d, &mut b);
    let device = Default::default();
    let conv = |values: &[f32]| {
        let flat = Tensor::<NdArray, 1>::from_floats(values, &device);
        flat.reshape([16, 6, 5, 5]).into_primitive().tensor()
    };
    let bias = Tensor::<NdArray, 1>::from_floats(&d_bias[..], &device);
    let (stock_d, stock_b) = stock::turn_gradients::<NdArray>(
        TURN,
        conv(&weight),
        conv(&d_weight),
        bias.into_primitive().tensor(),
    );
    let values = |primitive| {
        let tensor =
            Tensor::<NdArray, 1>::from_primitive(burn::tensor::TensorPrimitive::Float(primitive));
        tensor.into_data().to_vec::<f32>().expect("it holds f32")
    };
    for (found, stock) in [(d, values(stock_d)), (b, values(stock_b))] {
        assert_eq!(found.len(), stock.len());
        for (found, stock) in found.iter().zip(stock) {
            assert!((found - stock).abs() < 1e-3, "{found} {stock}");
        }
    }
}
