//! A dense layer with its sigmoid: [N, inputs] -> [N, outputs], of any size. The weight is [inputs, outputs], as Burn keeps it.
//!
//! Work is split by rows of the weight, forward and backward alike: a thread then reads and writes its own part of the weight
//! and of the gradient, which stay in its cache, and only the far smaller images cross to other threads. The backward pass is
//! in a file of its own.

use rayon::prelude::*;

use super::add_all;
use super::sigmoid::sigmoid_in_place;
use super::simd::{Kernel, LANES, Level, Simd};
use super::tile::{Panel, multiply, rows, store};

pub use super::dense_backward::backward;

/// The sizes of a dense layer and of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Images of the batch.
    pub n: usize,
    /// Values that come in per image.
    pub inputs: usize,
    /// Values that go out per image.
    pub outputs: usize,
}

/// What a layer's forward pass leaves for its backward pass, and the gradient that comes back.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// The layer's input [n, inputs].
    pub x: &'a [f32],
    /// Its output [n, outputs].
    pub y: &'a [f32],
    /// The gradient of the output.
    pub d_y: &'a [f32],
}

/// Multiply-adds below which work is not shared: to hand it over takes about as long.
const FORK: usize = 300_000;
/// Images that are worked on together.
const IMAGES: usize = 32;
/// Rows of the weight that make one sum. For more, the sums of both halves are added.
const TERMS: usize = 128;

/// `y = sigmoid(x * weight + bias)`.
///
/// Shapes: x [n, inputs], weight [inputs, outputs], bias \[outputs\], y [n, outputs].
///
/// # Panics
/// A slice has another length than `shape` says, or a size is 0.
pub fn forward(level: Level, shape: Shape, x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    let Shape { n, inputs, outputs } = shape;
    assert!(inputs > 0 && outputs > 0);
    assert_eq!(x.len(), n * inputs);
    assert_eq!(weight.len(), inputs * outputs);
    assert_eq!(bias.len(), outputs);
    assert_eq!(y.len(), n * outputs);
    x.par_chunks(IMAGES * inputs)
        .zip(y.par_chunks_mut(IMAGES * outputs))
        .for_each(|(x, y)| {
            let product = Product {
                shape,
                x,
                first: 0,
                weight,
                bias: Some(bias),
            };
            product.sum(level, y);
            level.run(Sigmoid(y));
        });
}

/// Two pieces of work, on two threads if it is so much that this pays.
fn join_if(much: bool, first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
    if much {
        rayon::join(first, second);
    } else {
        first();
        second();
    }
}

/// Whether `n` images times a piece of the weight are enough work to share.
pub(super) fn is_much(n: usize, weight: &[f32]) -> bool {
    n * weight.len() > FORK
}

struct Sigmoid<'a>(&'a mut [f32]);

impl Kernel for Sigmoid<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        sigmoid_in_place(s, self.0);
    }
}

/// The product of some columns of x, from `first` on, with the rows of the weight that belong to them; plus the bias.
#[derive(Clone, Copy)]
struct Product<'a> {
    shape: Shape,
    x: &'a [f32],
    first: usize,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl Product<'_> {
    /// Overwrites y with the product, summed as a tree that depends on the sizes alone.
    fn sum(self, level: Level, y: &mut [f32]) {
        let outputs = self.shape.outputs;
        let rows = self.weight.len() / outputs;
        if rows <= TERMS {
            level.run(Tiles { product: self, y });
            return;
        }
        let half = (rows / 2).next_multiple_of(LANES);
        let (upper, lower) = self.weight.split_at(half * outputs);
        let mut other = vec![0.0; y.len()];
        join_if(
            is_much(y.len() / outputs, self.weight),
            || {
                Self {
                    weight: upper,
                    ..self
                }
                .sum(level, y)
            },
            || {
                let first = self.first + half;
                let lower = Product {
                    weight: lower,
                    first,
                    bias: None,
                    ..self
                };
                lower.sum(level, &mut other);
            },
        );
        add_all(y, &other);
    }
}

struct Tiles<'a> {
    product: Product<'a>,
    y: &'a mut [f32],
}

impl Kernel for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let outputs = self.product.shape.outputs;
        for column in (0..outputs).step_by(2 * LANES) {
            if column + LANES < outputs {
                self.columns::<S, 4, 2>(s, column);
            } else {
                self.columns::<S, 8, 1>(s, column);
            }
        }
    }
}

impl Tiles<'_> {
    /// Computes `V` vectors of columns from `column` on, `R` rows at a time.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const V: usize>(&mut self, s: S, column: usize) {
        let Product {
            shape,
            x,
            first,
            weight,
            bias,
        } = self.product;
        let Shape {
            inputs, outputs, ..
        } = shape;
        let terms = weight.len() / outputs;
        let weight = Panel::<V>::new(weight, outputs, column);
        let mut start = [s.splat(0.0); V];
        if let Some(bias) = bias {
            let bias = Panel::<V>::new(bias, outputs, column);
            for (start, bias) in start.iter_mut().zip(bias.row(0)) {
                *start = s.load(bias);
            }
        }
        for image in (0..x.len() / inputs).step_by(R) {
            let mut x: [&[f32]; R] = rows(x, inputs, image);
            for x in &mut x {
                *x = &x[first..first + terms];
            }
            let x = |k| std::array::from_fn(|i| x[i][k]);
            let tile: [[S::V; V]; R] = multiply(s, start, terms, x, |k| weight.row(k));
            let y = &mut self.y[image * outputs + column..];
            store(s, &tile, y, outputs, outputs - column);
        }
    }
}
