//! The backward pass of a dense layer.

use super::dense::{Dense, Shape, is_much};
use super::sigmoid::sigmoid_backward;
use super::simd::{Kernel, LANES, Level, Simd};
use super::tile::{multiply, rows, store, store_row};
use super::{Gradients, window};

/// Images whose gradients are the lanes of two vectors.
const GROUP: usize = 2 * LANES;
/// Columns of a panel: see [`PanelRow`].
const COLUMNS: usize = 2 * LANES;

/// Two vectors of one row. A matrix as panels is all rows of its first sixteen columns, then of the next sixteen, and so on;
/// zeros fill the last panel.
type PanelRow = [[f32; LANES]; 2];
const ZEROS: PanelRow = [[0.0; LANES]; 2];

/// The gradients of x, weight and bias. Overwrites them.
///
/// Shapes: as in [`super::dense::forward`], a gradient having the shape of what it is the gradient of.
///
/// # Panics
/// A slice has another length than `shape` says, or a size is 0.
pub fn backward(
    level: Level,
    shape: Shape,
    of: Dense<'_>,
    weight: &[f32],
    d_x: &mut [f32],
    gradients: Gradients<'_>,
) {
    let Shape { n, inputs, outputs } = shape;
    assert!(inputs > 0 && outputs > 0);
    assert_eq!(of.x.len(), n * inputs);
    assert_eq!(d_x.len(), n * inputs);
    assert_eq!(of.y.len(), n * outputs);
    assert_eq!(of.d_y.len(), n * outputs);
    assert_eq!(weight.len(), inputs * outputs);
    assert_eq!(gradients.weight.len(), inputs * outputs);
    assert_eq!(gradients.bias.len(), outputs);
    let panels = outputs.div_ceil(COLUMNS);
    let mut d_z = vec![ZEROS; panels * n];
    level.run(OutputGradient {
        shape,
        of,
        d_z: &mut d_z,
        d_bias: gradients.bias,
    });
    let piece = Piece {
        shape,
        x: of.x,
        d_z: &d_z,
        first: 0,
        weight,
        d_weight: gradients.weight,
        d_x: d_x.chunks_mut(inputs).collect(),
    };
    piece.run_shared(level);
}

/// Computes the gradient before sigmoid, [n, outputs] as panels, and its sum over the images.
struct OutputGradient<'a> {
    shape: Shape,
    of: Dense<'a>,
    d_z: &'a mut [PanelRow],
    d_bias: &'a mut [f32],
}

impl Kernel for OutputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Shape { n, outputs, .. } = self.shape;
        for (j, d_bias) in self.d_bias.chunks_mut(LANES).enumerate() {
            let panel = &mut self.d_z[j / 2 * n..][..n];
            let mut sum = s.splat(0.0);
            for (image, row) in panel.iter_mut().enumerate() {
                let at = image * outputs + j * LANES;
                let d = if d_bias.len() == LANES {
                    let (y, d_y) = (window(self.of.y, at), window(self.of.d_y, at));
                    sigmoid_backward(s, s.load(y), s.load(d_y))
                } else {
                    let (mut y, mut d_y) = ([0.0; LANES], [0.0; LANES]);
                    y[..d_bias.len()].copy_from_slice(&self.of.y[at..at + d_bias.len()]);
                    d_y[..d_bias.len()].copy_from_slice(&self.of.d_y[at..at + d_bias.len()]);
                    sigmoid_backward(s, s.load(&y), s.load(&d_y))
                };
                s.store(d, &mut row[j % 2]);
                sum = s.add(sum, d);
            }
            store_row(s, &[sum], d_bias);
        }
    }
}

/// Makes columns of up to sixteen rows, and zeros of the rows that `from` lacks.
#[inline(always)]
fn transpose<S: Simd>(s: S, from: &[PanelRow], to: &mut [PanelRow; COLUMNS]) {
    for row_half in 0..2 {
        for column_half in 0..2 {
            let mut block = [s.splat(0.0); LANES];
            for (v, row) in block.iter_mut().zip(from.iter().skip(row_half * LANES)) {
                *v = s.load(&row[column_half]);
            }
            let columns = &mut to[column_half * LANES..][..LANES];
            for (to, v) in columns.iter_mut().zip(s.transpose(block)) {
                s.store(v, &mut to[row_half]);
            }
        }
    }
}

/// Some rows of the weight, from `first` on, and what depends on them: their gradient, and the same columns of d_x.
struct Piece<'a> {
    shape: Shape,
    x: &'a [f32],
    d_z: &'a [PanelRow],
    first: usize,
    weight: &'a [f32],
    d_weight: &'a mut [f32],
    /// The columns of each image.
    d_x: Vec<&'a mut [f32]>,
}

impl Piece<'_> {
    /// Computes the piece, on several threads if it is much work.
    fn run_shared(self, level: Level) {
        let outputs = self.shape.outputs;
        let rows = self.weight.len() / outputs;
        let half = (rows / 2).next_multiple_of(LANES);
        if half >= rows || !is_much(self.shape.n, self.weight) {
            level.run(self);
            return;
        }
        let (weight, d_weight) = (
            self.weight.split_at(half * outputs),
            self.d_weight.split_at_mut(half * outputs),
        );
        let (upper_x, lower_x) = self
            .d_x
            .into_iter()
            .map(|d_x| d_x.split_at_mut(half))
            .unzip();
        let upper = Piece {
            weight: weight.0,
            d_weight: d_weight.0,
            d_x: upper_x,
            ..self
        };
        let lower = Piece {
            weight: weight.1,
            d_weight: d_weight.1,
            d_x: lower_x,
            first: self.first + half,
            ..upper
        };
        rayon::join(|| upper.run_shared(level), || lower.run_shared(level));
    }
}

impl Kernel for Piece<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        self.weight_gradient(s);
        self.input_gradient(s);
    }
}

impl Piece<'_> {
    /// `d_weight = transpose(x) * d_z`.
    #[inline(always)]
    fn weight_gradient<S: Simd>(&mut self, s: S) {
        let Shape { n, inputs, outputs } = self.shape;
        let mut columns = vec![[0.0; 4]; n];
        for (block, d_weight) in self.d_weight.chunks_mut(4 * outputs).enumerate() {
            let first = self.first + block * 4;
            for (column, x) in columns.iter_mut().zip(self.x.chunks_exact(inputs)) {
                match x[first..].first_chunk() {
                    Some(four) => *column = *four,
                    None => column[..inputs - first].copy_from_slice(&x[first..]),
                }
            }
            for (j, column) in (0..outputs).step_by(COLUMNS).enumerate() {
                let panel = &self.d_z[j * n..][..n];
                let start = [s.splat(0.0); 2];
                let tile: [_; 4] = multiply(s, start, n, |k| columns[k], |k| &panel[k]);
                store(s, &tile, &mut d_weight[column..], outputs, outputs - column);
            }
        }
    }

    /// `d_x = d_z * transpose(weight)`. Sixteen images are the lanes of two vectors, so that the weight is read as it lies.
    #[inline(always)]
    fn input_gradient<S: Simd>(&mut self, s: S) {
        let Shape { n, outputs, .. } = self.shape;
        // [output][image], zeros where there are fewer than sixteen images.
        let mut d_z = vec![ZEROS; outputs.next_multiple_of(COLUMNS)];
        for (group, d_x) in self.d_x.chunks_mut(GROUP).enumerate() {
            for (panel, to) in d_z.as_chunks_mut().0.iter_mut().enumerate() {
                transpose(s, &self.d_z[panel * n..][..n][group * GROUP..], to);
            }
            let d_z = &d_z[..outputs];
            for row in (0..self.weight.len() / outputs).step_by(LANES) {
                let w: [&[f32]; LANES] = rows(self.weight, outputs, row);
                let upper = |k| std::array::from_fn(|i| w[i][k]);
                let lower = |k| std::array::from_fn(|i| w[4 + i][k]);
                let start = [s.splat(0.0); 2];
                let upper: [_; 4] = multiply(s, start, outputs, upper, |k| &d_z[k]);
                let lower: [_; 4] = multiply(s, start, outputs, lower, |k| &d_z[k]);
                for (half, d_x) in d_x.chunks_mut(LANES).enumerate() {
                    let mut tile = [upper[0][half]; LANES];
                    for i in 0..4 {
                        (tile[i], tile[i + 4]) = (upper[i][half], lower[i][half]);
                    }
                    for (v, d_x) in s.transpose(tile).into_iter().zip(d_x) {
                        let end = d_x.len().min(row + LANES);
                        store_row(s, &[v], &mut d_x[row..end]);
                    }
                }
            }
        }
    }
}
