//! LeNet's layers as plain loops in `f64`: what the kernels are checked against, in tests and before each benchmark.

#![allow(dead_code, reason = "each user takes what it needs")]

/// The sizes of a convolution 5x5 without padding, followed by max-pool 2x2.
#[derive(Clone, Copy)]
pub struct Conv {
    pub inputs: usize,
    pub width: usize,
    pub outputs: usize,
}

pub const CONV1: Conv = Conv {
    inputs: 1,
    width: 28,
    outputs: 6,
};
pub const CONV2: Conv = Conv {
    inputs: 6,
    width: 12,
    outputs: 16,
};

/// The gradients of one layer.
pub struct Gradients {
    pub x: Vec<f64>,
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Conv {
    pub fn pooled(self) -> usize {
        (self.width - 4) / 2
    }
    pub fn input(self) -> usize {
        self.inputs * self.width * self.width
    }
    pub fn output(self) -> usize {
        self.outputs * self.pooled() * self.pooled()
    }
    pub fn weight(self) -> usize {
        self.outputs * self.inputs * 25
    }

    fn x_at(self, image: usize, input: usize, row: usize, column: usize) -> usize {
        ((image * self.inputs + input) * self.width + row) * self.width + column
    }
    fn w_at(self, output: usize, input: usize, ky: usize, kx: usize) -> usize {
        ((output * self.inputs + input) * 5 + ky) * 5 + kx
    }

    /// (image, output channel, row, column) of each output, in order.
    fn outputs(self, n: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let p = self.pooled();
        (0..n * self.output()).map(move |i| {
            (
                i / self.output(),
                i / (p * p) % self.outputs,
                i / p % p,
                i % p,
            )
        })
    }

    /// The values before max-pool in the window of each output, in row order.
    pub fn windows(self, n: usize, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<[f64; 4]> {
        self.outputs(n)
            .map(|(image, output, row, column)| {
                [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dr, dc)| {
                    let mut z = bias[output];
                    for input in 0..self.inputs {
                        for ky in 0..5 {
                            for kx in 0..5 {
                                let x = x[self.x_at(
                                    image,
                                    input,
                                    row * 2 + dr + ky,
                                    column * 2 + dc + kx,
                                )];
                                z += x * weight[self.w_at(output, input, ky, kx)];
                            }
                        }
                    }
                    z
                })
            })
            .collect()
    }

    /// Output and chosen positions.
    pub fn forward(self, n: usize, x: &[f64], weight: &[f64], bias: &[f64]) -> (Vec<f64>, Vec<u8>) {
        self.windows(n, x, weight, bias)
            .into_iter()
            .map(|window| {
                let mut best = 0;
                for i in 1..4 {
                    if window[i] > window[best] {
                        best = i;
                    }
                }
                (sigmoid(window[best]), best as u8)
            })
            .unzip()
    }

    pub fn backward(
        self,
        n: usize,
        x: &[f64],
        y: &[f64],
        choice: &[u8],
        d_y: &[f64],
        weight: &[f64],
    ) -> Gradients {
        let mut d = Gradients {
            x: vec![0.0; n * self.input()],
            weight: vec![0.0; self.weight()],
            bias: vec![0.0; self.outputs],
        };
        for (i, (image, output, row, column)) in self.outputs(n).enumerate() {
            let d_z = d_y[i] * y[i] * (1.0 - y[i]);
            let (row, column) = (
                row * 2 + usize::from(choice[i] / 2),
                column * 2 + usize::from(choice[i] % 2),
            );
            d.bias[output] += d_z;
            for input in 0..self.inputs {
                for ky in 0..5 {
                    for kx in 0..5 {
                        let (x_at, w_at) = (
                            self.x_at(image, input, row + ky, column + kx),
                            self.w_at(output, input, ky, kx),
                        );
                        d.weight[w_at] += d_z * x[x_at];
                        d.x[x_at] += d_z * weight[w_at];
                    }
                }
            }
        }
        d
    }
}

pub fn dense_forward(inputs: usize, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let outputs = bias.len();
    x.chunks(inputs)
        .flat_map(|x| {
            (0..outputs).map(move |j| {
                sigmoid(
                    bias[j]
                        + (0..inputs)
                            .map(|k| x[k] * weight[k * outputs + j])
                            .sum::<f64>(),
                )
            })
        })
        .collect()
}

pub fn dense_backward(
    inputs: usize,
    outputs: usize,
    x: &[f64],
    y: &[f64],
    d_y: &[f64],
    weight: &[f64],
) -> Gradients {
    let mut d = Gradients {
        x: vec![0.0; x.len()],
        weight: vec![0.0; weight.len()],
        bias: vec![0.0; outputs],
    };
    for image in 0..x.len() / inputs {
        for j in 0..outputs {
            let at = image * outputs + j;
            let d_z = d_y[at] * y[at] * (1.0 - y[at]);
            d.bias[j] += d_z;
            for k in 0..inputs {
                d.weight[k * outputs + j] += d_z * x[image * inputs + k];
                d.x[image * inputs + k] += d_z * weight[k * outputs + j];
            }
        }
    }
    d
}

/// The mean loss of outputs [n, 10].
pub fn loss(o: &[f64], labels: &[u8]) -> f64 {
    let (low, high) = (f64::from(1e-7_f32), f64::from(1.0 - 1e-7_f32));
    let losses = o.chunks(10).zip(labels).map(|(o, label)| {
        let o: Vec<f64> = o.iter().map(|o| o.clamp(low, high)).collect();
        -(o[usize::from(*label)] / o.iter().sum::<f64>()).ln()
    });
    losses.sum::<f64>() / labels.len() as f64
}

/// Numbers from `low` to `high`, the same for the same seed (Marsaglia's xorshift).
pub fn random(seed: u32, length: usize, low: f32, high: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        low + (high - low) * (state as f32 / u32::MAX as f32)
    };
    (0..length).map(|_| next()).collect()
}

pub fn f64s(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}
