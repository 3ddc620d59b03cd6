//! The network, its loss, its gradients and gradient descent as plain loops in `f64`, written independently of the program.

use lenet::data::{Minibatch, PIXELS, Scaling};
use lenet::model::{Activation, OFFSETS, PARAMETERS};
use lenet::optim::Sgd;

/// A network with its parameters in the program's layout.
pub struct Plain {
    pub activation: Activation,
    pub parameters: Vec<f64>,
}

/// Outputs, losses, correctness and gradients of a batch.
pub struct Found {
    pub outputs: Vec<f64>,
    pub losses: Vec<f64>,
    pub correct: Vec<bool>,
    pub gradients: Vec<f64>,
}

/// Sizes of each 5x5 convolution with max-pool: input channels, input width, output channels.
const CONVS: [(usize, usize, usize); 2] = [(1, 28, 6), (6, 12, 16)];
/// Numbers of inputs and outputs of each dense layer.
const DENSE: [(usize, usize); 3] = [(256, 120), (120, 84), (84, 10)];

impl Plain {
    pub fn new(activation: Activation, parameters: &[f32]) -> Self {
        let parameters = parameters.iter().map(|x| f64::from(*x)).collect();
        Self { activation, parameters }
    }

    fn activate(&self, z: f64) -> f64 {
        match self.activation {
            Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Activation::Tanh => z.tanh(),
        }
    }

    fn slope(&self, y: f64) -> f64 {
        match self.activation {
            Activation::Sigmoid => y * (1.0 - y),
            Activation::Tanh => 1.0 - y * y,
        }
    }

    /// Computes the outputs, losses and correctness of all images, and the gradients of the mean loss.
    pub fn gradients(&self, images: Minibatch<'_>) -> Found {
        let mut found = Found {
            outputs: vec![],
            losses: vec![],
            correct: vec![],
            gradients: vec![0.0; PARAMETERS],
        };
        for place in 0..images.len() {
            self.add_image(images, place, &mut found);
        }
        found
    }

    fn add_image(&self, images: Minibatch<'_>, place: usize, found: &mut Found) {
        let (image, change, label) = images.get(place);
        let mut x = vec![vec![0.0; PIXELS]];
        for (at, pixel) in x[0].iter_mut().enumerate() {
            // Find the pixel of the original image that the transform moves to this position.
            let (row, column) = ((at / 28) as i32 - change.down, (at % 28) as i32 - change.right);
            let is_inside = (0..28).contains(&row) && (0..28).contains(&column);
            let column = if change.flip { 27 - column } else { column };
            let byte = if is_inside { image[(row * 28 + column) as usize] } else { 0 };
            *pixel = match images.scaling {
                Scaling::Raw => f64::from(byte),
                Scaling::Standardise { mean, deviation } => {
                    (f64::from(byte) - f64::from(mean)) / f64::from(deviation)
                }
            };
        }
        let mut chosen = vec![];
        for (layer, conv) in CONVS.into_iter().enumerate() {
            let (y, positions) = self.conv_forward(2 * layer, conv, &x[layer]);
            x.push(y);
            chosen.push(positions);
        }
        for (layer, (inputs, outputs)) in DENSE.into_iter().enumerate() {
            let (weight, bias) = (OFFSETS[4 + 2 * layer], OFFSETS[5 + 2 * layer]);
            let y = (0..outputs).map(|o| {
                let sum: f64 = (0..inputs)
                    .map(|i| x[2 + layer][i] * self.parameters[weight + i * outputs + o])
                    .sum();
                self.activate(sum + self.parameters[bias + o])
            });
            let y = y.collect();
            x.push(y);
        }

        let to_output = |y: f64| match self.activation {
            Activation::Sigmoid => y,
            Activation::Tanh => (1.0 + y) / 2.0,
        };
        let o: Vec<f64> = x[5].iter().map(|y| to_output(*y)).collect();
        let (low, high) = (f64::from(1e-7_f32), f64::from(1.0 - 1e-7_f32));
        let clipped: Vec<f64> = o.iter().map(|o| o.clamp(low, high)).collect();
        let (sum, label) = (clipped.iter().sum::<f64>(), usize::from(label));
        let best = (1..10).fold(0, |best, k| if o[k] > o[best] { k } else { best });
        found.losses.push((sum / clipped[label]).ln());
        found.correct.push(best == label);
        let mut d: Vec<f64> = (0..10)
            .map(|k| {
                let of_label = if k == label { 1.0 / clipped[k] } else { 0.0 };
                let is_free = (low..=high).contains(&o[k]);
                let scale = if self.activation == Activation::Tanh { 0.5 } else { 1.0 };
                f64::from(u8::from(is_free)) * scale * (1.0 / sum - of_label) / images.len() as f64
            })
            .collect();
        found.outputs.extend(o);

        for (layer, (inputs, outputs)) in DENSE.into_iter().enumerate().rev() {
            let (weight, bias) = (OFFSETS[4 + 2 * layer], OFFSETS[5 + 2 * layer]);
            let (y, x) = (&x[3 + layer], &x[2 + layer]);
            let mut d_x = vec![0.0; inputs];
            for o in 0..outputs {
                let d_z = d[o] * self.slope(y[o]);
                found.gradients[bias + o] += d_z;
                for i in 0..inputs {
                    found.gradients[weight + i * outputs + o] += d_z * x[i];
                    d_x[i] += d_z * self.parameters[weight + i * outputs + o];
                }
            }
            d = d_x;
        }
        for (layer, conv) in CONVS.into_iter().enumerate().rev() {
            let (y, x) = (&x[1 + layer], &x[layer]);
            let d_z: Vec<f64> = d.iter().zip(y).map(|(d, y)| d * self.slope(*y)).collect();
            d = self.conv_backward(2 * layer, conv, x, &chosen[layer], &d_z, &mut found.gradients);
        }
    }

    /// Returns the outputs of convolution, max-pool and activation. Also returns, for each output, the position of the maximum
    /// that the max-pool chose, as an index into the plane before the max-pool.
    fn conv_forward(
        &self,
        tensor: usize,
        (inputs, width, outputs): (usize, usize, usize),
        x: &[f64],
    ) -> (Vec<f64>, Vec<usize>) {
        let (before, pooled) = (width - 4, (width - 4) / 2);
        let (weight, bias) = (OFFSETS[tensor], OFFSETS[tensor + 1]);
        let z = |o: usize, place: usize| {
            let mut z = self.parameters[bias + o];
            for (i, tap) in (0..inputs).flat_map(|i| (0..25).map(move |tap| (i, tap))) {
                let (row, column) = (place / before + tap / 5, place % before + tap % 5);
                z += self.parameters[weight + (o * inputs + i) * 25 + tap]
                    * x[(i * width + row) * width + column];
            }
            z
        };
        let of_window = |o: usize, window: usize| {
            let corner = 2 * (window / pooled) * before + 2 * (window % pooled);
            let places = [corner, corner + 1, corner + before, corner + before + 1];
            let mut best = (z(o, corner), corner);
            for place in places {
                if z(o, place) > best.0 {
                    best = (z(o, place), place);
                }
            }
            (self.activate(best.0), best.1)
        };
        (0..outputs * pooled * pooled)
            .map(|at| of_window(at / (pooled * pooled), at % (pooled * pooled)))
            .unzip()
    }

    /// Adds the gradients of weight and bias to `gradients`, and returns the gradient of x.
    fn conv_backward(
        &self,
        tensor: usize,
        (inputs, width, _): (usize, usize, usize),
        x: &[f64],
        chosen: &[usize],
        d_z: &[f64],
        gradients: &mut [f64],
    ) -> Vec<f64> {
        let (before, pooled) = (width - 4, (width - 4) / 2);
        let (weight, bias) = (OFFSETS[tensor], OFFSETS[tensor + 1]);
        let mut d_x = vec![0.0; x.len()];
        for (at, (d, place)) in d_z.iter().zip(chosen).enumerate() {
            let o = at / (pooled * pooled);
            gradients[bias + o] += d;
            for (i, tap) in (0..inputs).flat_map(|i| (0..25).map(move |tap| (i, tap))) {
                let (row, column) = (place / before + tap / 5, place % before + tap % 5);
                let (from, w) =
                    ((i * width + row) * width + column, weight + (o * inputs + i) * 25 + tap);
                gradients[w] += d * x[from];
                d_x[from] += d * self.parameters[w];
            }
        }
        d_x
    }

    /// Updates the parameters by their gradients.
    pub fn update(&mut self, sgd: Sgd, rate: f64, velocity: &mut [f64], gradients: &[f64]) {
        let (momentum, decay) = (f64::from(sgd.momentum), f64::from(sgd.weight_decay));
        for tensor in 0..10 {
            let places = OFFSETS[tensor]..OFFSETS[tensor + 1];
            // Muon updates these tensors as matrices. These are their rows and columns in the layout of the parameters.
            let matrix = match tensor {
                2 => Some((16, 150)),
                4 => Some((256, 120)),
                6 => Some((120, 84)),
                _ => None,
            };
            let muon = sgd.muon.zip(matrix);
            let decay = if tensor % 2 == 0 && muon.is_none() { decay } else { 0.0 };
            let mut direction = vec![];
            for at in places.clone() {
                let g = gradients[at] + decay * self.parameters[at];
                velocity[at] = momentum * velocity[at] + g;
                direction.push(if sgd.nesterov {
                    g + momentum * velocity[at]
                } else {
                    velocity[at]
                });
            }
            let w = &mut self.parameters[places];
            if let Some((muon, (rows, columns))) = muon {
                let decay = f64::from(muon.weight_decay);
                let (long, short) = (rows.max(columns) as f64, rows.min(columns) as f64);
                orthogonalise(&mut direction, rows, columns);
                for (w, d) in w.iter().zip(&mut direction) {
                    *d = (long / short).sqrt() * *d + decay * w;
                }
            }
            w.iter_mut().zip(direction).for_each(|(w, d)| *w -= rate * d);
        }
    }
}

/// Runs three Newton-Schulz iterations `x = a x + (b x x' + c x x' x x') x` with the coefficients of Jordan et al. 2024, in the
/// same order of operations as their code.
fn orthogonalise(d: &mut [f64], rows: usize, columns: usize) {
    let (a, b, c) = (3.4445, -4.7750, 2.0315);
    let norm = d.iter().map(|d| d * d).sum::<f64>().sqrt().max(1e-7);
    let mut x: Vec<f64> = d.iter().map(|d| d / norm).collect();
    for _ in 0..3 {
        let mut squares = vec![0.0; rows * rows];
        for (i, j) in (0..rows).flat_map(|i| (0..rows).map(move |j| (i, j))) {
            let row = |i: usize| &x[i * columns..][..columns];
            squares[i * rows + j] = row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum();
        }
        let of_x = product(&squares, &x, rows, rows, columns);
        let of_of_x = product(&squares, &of_x, rows, rows, columns);
        for (x, (once, twice)) in x.iter_mut().zip(of_x.iter().zip(&of_of_x)) {
            *x = a * *x + b * once + c * twice;
        }
    }
    d.copy_from_slice(&x);
}

fn product(left: &[f64], right: &[f64], rows: usize, inner: usize, columns: usize) -> Vec<f64> {
    let mut product = vec![0.0; rows * columns];
    for (i, k) in (0..rows).flat_map(|i| (0..inner).map(move |k| (i, k))) {
        let right = &right[k * columns..][..columns];
        let to = &mut product[i * columns..][..columns];
        to.iter_mut().zip(right).for_each(|(to, x)| *to += left[i * inner + k] * x);
    }
    product
}
