//! The dense layers.

use lenet::kernels::dense::{Dense, Shape, backward, forward};
use lenet::kernels::{Gradients, Level};

use super::assert_close;
use super::reference::{self, f64s, random};

pub struct DenseCase {
    pub shape: Shape,
    pub x: Vec<f32>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub d_y: Vec<f32>,
}

#[derive(Debug, PartialEq)]
pub struct DenseResults {
    pub y: Vec<f32>,
    pub d_x: Vec<f32>,
    pub d_weight: Vec<f32>,
    pub d_bias: Vec<f32>,
}

impl DenseCase {
    pub fn random(shape: Shape) -> Self {
        let Shape { n, inputs, outputs } = shape;
        let limit = (6.0 / (inputs + outputs) as f32).sqrt();
        Self {
            shape,
            x: random(1, n * inputs, 0.0, 1.0),
            weight: random(2, inputs * outputs, -limit, limit),
            bias: random(3, outputs, -0.5, 0.5),
            d_y: random(4, n * outputs, -1.0, 1.0),
        }
    }

    pub fn run(&self, level: Level) -> DenseResults {
        let mut r = DenseResults {
            y: vec![f32::NAN; self.d_y.len()],
            d_x: vec![f32::NAN; self.x.len()],
            d_weight: vec![f32::NAN; self.weight.len()],
            d_bias: vec![f32::NAN; self.bias.len()],
        };
        forward(
            level,
            self.shape,
            &self.x,
            &self.weight,
            &self.bias,
            &mut r.y,
        );
        let of = Dense {
            x: &self.x,
            y: &r.y,
            d_y: &self.d_y,
        };
        let gradients = Gradients {
            weight: &mut r.d_weight,
            bias: &mut r.d_bias,
        };
        backward(level, self.shape, of, &self.weight, &mut r.d_x, gradients);
        r
    }

    fn check(&self, level: Level) {
        let Shape {
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
                DenseCase::random(Shape { n, inputs, outputs }).check(level);
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
                    DenseCase::random(Shape { n, inputs, outputs }).check(level);
                }
            }
        }
        DenseCase::random(Shape {
            n: 101,
            inputs: 119,
            outputs: 83,
        })
        .check(level);
    }
}
