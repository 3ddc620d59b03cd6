//! Times every kernel at batch 32, forward and backward, and the steps of an epoch; checks each answer before.
//!
//! `cargo bench --bench kernels [-- LEVEL...]` on as many threads as RAYON_NUM_THREADS says. Times are in microseconds per step:
//! the least, which other work on the machine disturbs little, and the median.

#[path = "../tests/reference/mod.rs"]
mod reference;

use std::hint::black_box;
use std::time::{Duration, Instant};

use lenet::kernels::{Gradients, Level, Pooled, conv1, conv2, dense, level, loss, sgd};
use reference::{CONV1, CONV2, random};

const N: usize = 32;
const STEPS: f64 = 54_000.0 / N as f64;
const FC: [(usize, usize); 3] = [(256, 120), (120, 84), (84, 10)];

fn main() {
    let names: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let levels: Vec<Level> = if names.is_empty() {
        vec![level().unwrap_or_else(|e| panic!("{e}"))]
    } else {
        names
            .iter()
            .map(|name| Level::named(name).unwrap_or_else(|e| panic!("{e}")))
            .collect()
    };
    let threads = rayon::current_num_threads();
    for level in levels {
        println!("level {level}, {threads} threads, batch {N}");
        // The step's caller is a thread of the pool, as in the program.
        lenet::kernels::keep_awake(|| bench(level));
    }
}

/// A network, a batch and all that a step leaves.
struct State {
    level: Level,
    x: Vec<f32>,
    labels: Vec<u8>,
    weight: [Vec<f32>; 5],
    bias: [Vec<f32>; 5],
    y: [Vec<f32>; 5],
    choice: [Vec<u8>; 2],
    d_y: [Vec<f32>; 5],
    d_weight: [Vec<f32>; 5],
    d_bias: [Vec<f32>; 5],
}

impl State {
    fn new(level: Level) -> Self {
        let sizes = [conv1::OUTPUT, conv2::OUTPUT, 120, 84, 10];
        // (weights, fan in + fan out) of each layer, for Glorot's uniform initialisation.
        let weights = [
            (150, 175),
            (2400, 550),
            (256 * 120, 376),
            (120 * 84, 204),
            (840, 94),
        ];
        let biases = [6, 16, 120, 84, 10];
        let glorot = |i: usize| {
            let limit = (6.0 / weights[i].1 as f32).sqrt();
            random(i as u32 + 1, weights[i].0, -limit, limit)
        };
        Self {
            level,
            // Half background, as in Fashion-MNIST.
            x: random(9, N * conv1::INPUT, -255.0, 255.0)
                .iter()
                .map(|x| x.max(0.0).round())
                .collect(),
            labels: (0..N).map(|i| (i * 7 % 10) as u8).collect(),
            weight: std::array::from_fn(glorot),
            bias: biases.map(|n| vec![0.0; n]),
            y: sizes.map(|size| vec![0.0; N * size]),
            choice: [conv1::OUTPUT, conv2::OUTPUT].map(|size| vec![0; N * size]),
            d_y: sizes.map(|size| vec![0.0; N * size]),
            d_weight: weights.map(|(n, _)| vec![0.0; n]),
            d_bias: biases.map(|n| vec![0.0; n]),
        }
    }

    fn conv1_forward(&mut self) {
        conv1::forward(
            self.level,
            N,
            &self.x,
            &self.weight[0],
            &self.bias[0],
            &mut self.y[0],
            &mut self.choice[0],
        );
    }
    fn conv2_forward(&mut self) {
        let [x, y, ..] = &mut self.y;
        conv2::forward(
            self.level,
            N,
            x,
            &self.weight[1],
            &self.bias[1],
            y,
            &mut self.choice[1],
        );
    }
    fn dense_forward(&mut self, i: usize) {
        let (before, y) = self.y.split_at_mut(i + 2);
        dense::forward(
            self.level,
            shape(i),
            &before[i + 1],
            &self.weight[i + 2],
            &self.bias[i + 2],
            &mut y[0],
        );
    }
    fn loss(&mut self) {
        black_box(loss::forward(&self.y[4], &self.labels));
        loss::backward(&self.y[4], &self.labels, 1.0, &mut self.d_y[4]);
    }
    fn dense_backward(&mut self, i: usize) {
        let (d_x, d_y) = self.d_y.split_at_mut(i + 2);
        let of = dense::Dense {
            x: &self.y[i + 1],
            y: &self.y[i + 2],
            d_y: &d_y[0],
        };
        let gradients = Gradients {
            weight: &mut self.d_weight[i + 2],
            bias: &mut self.d_bias[i + 2],
        };
        dense::backward(
            self.level,
            shape(i),
            of,
            &self.weight[i + 2],
            &mut d_x[i + 1],
            gradients,
        );
    }
    fn conv2_backward(&mut self) {
        let [d_x, d_y, ..] = &mut self.d_y;
        let of = Pooled {
            x: &self.y[0],
            y: &self.y[1],
            choice: &self.choice[1],
            d_y,
        };
        let gradients = Gradients {
            weight: &mut self.d_weight[1],
            bias: &mut self.d_bias[1],
        };
        conv2::backward(self.level, N, of, &self.weight[1], Some(d_x), gradients);
    }
    fn conv1_backward(&mut self) {
        let of = Pooled {
            x: &self.x,
            y: &self.y[0],
            choice: &self.choice[0],
            d_y: &self.d_y[0],
        };
        let gradients = Gradients {
            weight: &mut self.d_weight[0],
            bias: &mut self.d_bias[0],
        };
        conv1::backward(self.level, N, of, gradients);
    }
    fn update(&mut self, rate: f32) {
        for i in 0..5 {
            sgd::step(self.level, rate, &mut self.weight[i], &self.d_weight[i]);
            sgd::step(self.level, rate, &mut self.bias[i], &self.d_bias[i]);
        }
    }
    /// Panics unless one step's results are those of the plain loops.
    fn check(&mut self) {
        PARTS[..11].iter().for_each(|(_, part)| part(self));
        let f64s = |x: &[f32]| -> Vec<f64> { x.iter().map(|x| f64::from(*x)).collect() };
        let (x, y) = (f64s(&self.x), self.y.each_ref().map(|y| f64s(y)));
        let (weight, bias) = (
            self.weight.each_ref().map(|w| f64s(w)),
            self.bias.each_ref().map(|b| f64s(b)),
        );
        let d_y = self.d_y.each_ref().map(|d| f64s(d));
        close(
            "conv1",
            &self.y[0],
            &CONV1.forward(N, &x, &weight[0], &bias[0]).0,
        );
        close(
            "conv2",
            &self.y[1],
            &CONV2.forward(N, &y[0], &weight[1], &bias[1]).0,
        );
        let d = CONV1.backward(N, &x, &y[0], &self.choice[0], &d_y[0], &weight[0]);
        close("conv1 d_weight", &self.d_weight[0], &d.weight);
        let d = CONV2.backward(N, &y[0], &y[1], &self.choice[1], &d_y[1], &weight[1]);
        close("conv2 d_weight", &self.d_weight[1], &d.weight);
        close("conv2 d_x", &self.d_y[0], &d.x);
        for (i, (inputs, outputs)) in FC.into_iter().enumerate() {
            let y_reference =
                reference::dense_forward(inputs, &y[i + 1], &weight[i + 2], &bias[i + 2]);
            close("dense", &self.y[i + 2], &y_reference);
            let d = reference::dense_backward(
                inputs,
                outputs,
                &y[i + 1],
                &y[i + 2],
                &d_y[i + 2],
                &weight[i + 2],
            );
            close("dense d_weight", &self.d_weight[i + 2], &d.weight);
            close("dense d_x", &self.d_y[i + 1], &d.x);
        }
    }
}

fn shape(i: usize) -> dense::Shape {
    dense::Shape {
        n: N,
        inputs: FC[i].0,
        outputs: FC[i].1,
    }
}

fn close(name: &str, got: &[f32], expected: &[f64]) {
    let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let worst = got
        .iter()
        .zip(expected)
        .fold(0.0_f64, |m, (g, e)| m.max((f64::from(*g) - e).abs()));
    assert!(
        worst <= 1e-5 * scale,
        "{name}: off by {worst:e} of {scale:e}"
    );
}

type Part = (&'static str, fn(&mut State));

const PARTS: [Part; 12] = [
    ("conv1 forward", State::conv1_forward),
    ("conv2 forward", State::conv2_forward),
    ("fc1 forward", |s| s.dense_forward(0)),
    ("fc2 forward", |s| s.dense_forward(1)),
    ("fc3 forward", |s| s.dense_forward(2)),
    ("loss", |s| s.loss()),
    ("fc3 backward", |s| s.dense_backward(2)),
    ("fc2 backward", |s| s.dense_backward(1)),
    ("fc1 backward", |s| s.dense_backward(0)),
    ("conv2 backward", State::conv2_backward),
    ("conv1 backward", State::conv1_backward),
    ("update", |s| s.update(0.01)),
];

/// Times each part where it stands in the step, with the caches as the part before left them.
fn bench(level: Level) {
    let mut state = State::new(level);
    state.check();
    let mut times = [const { Vec::new() }; PARTS.len() + 1];
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let start = Instant::now();
        let mut before = start;
        for ((_, part), times) in PARTS.iter().zip(&mut times) {
            part(&mut state);
            let after = Instant::now();
            times.push(after - before);
            before = after;
        }
        times[PARTS.len()].push(before - start);
    }
    let names = PARTS.iter().map(|(name, _)| *name).chain(["whole step"]);
    for (name, times) in names.zip(&mut times) {
        times.sort();
        let [least, median] = [0, times.len() / 2].map(|i| times[i].as_secs_f64());
        println!(
            "{name:15} {:8.2} us  median {:8.2} us  {:.4} s per 54,000 images",
            least * 1e6,
            median * 1e6,
            least * STEPS
        );
    }
}
