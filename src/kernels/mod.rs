//! LeNet's layers as CPU code on slices of `f32`, forward and backward, free of Burn.
//!
//! Every function takes the [`Level`] of instructions to use and row-major slices, whose lengths it checks. A gradient is called
//! `d_` and the name of what it is the gradient of. All outputs are overwritten; nothing is read from them.
//!
//! Work is split into pieces of a fixed size that rayon shares among the threads of the current pool, and sums over pieces are
//! taken in a fixed order: results are equal bit for bit for any number of threads. Levels differ in the last bits, as
//! only some have a multiply-add that rounds once.

pub mod conv1;
mod conv1_backward;
pub mod conv2;
mod conv2_backward;
mod conv2_input_gradient;
pub mod dense;
mod dense_backward;
pub mod loss;
mod sigmoid;
mod simd;
mod tile;

pub use simd::{Level, LevelError, level};

use simd::LANES;

/// Images that one task of a convolution works on.
const CHUNK: usize = 4;

/// What a layer's forward pass leaves for its backward pass, and the gradient that comes back.
#[derive(Clone, Copy, Debug)]
pub struct Pooled<'a> {
    /// The layer's input.
    pub x: &'a [f32],
    /// Its output.
    pub y: &'a [f32],
    /// Which position of each pooling window held the maximum: 2 * row + column.
    pub choice: &'a [u8],
    /// The gradient of the output.
    pub d_y: &'a [f32],
}

impl Pooled<'_> {
    /// The first `images` images and the others; an image takes `input` values of x and `output` of y.
    fn split_at(self, images: usize, input: usize, output: usize) -> (Self, Self) {
        let (x, y) = (
            self.x.split_at(images * input),
            self.y.split_at(images * output),
        );
        let choice = self.choice.split_at(images * output);
        let d_y = self.d_y.split_at(images * output);
        let part = |x, y, choice, d_y| Self { x, y, choice, d_y };
        (
            part(x.0, y.0, choice.0, d_y.0),
            part(x.1, y.1, choice.1, d_y.1),
        )
    }
}

/// Where a batch of `images` images is cut in two, at a whole number of chunks, or `None` if it is one chunk.
///
/// Cut again and again, the pieces make a tree that depends on `images` alone: sums over its branches are equal for any number
/// of threads. Halves mostly stay on one thread from one layer to the next, and so in its cache.
fn cut(images: usize) -> Option<usize> {
    (images > CHUNK).then(|| images.div_ceil(CHUNK).div_ceil(2) * CHUNK)
}

/// `to += from`.
fn add_all(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// Where a backward pass writes the gradients of a layer's parameters.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// The gradient of the weight, in the weight's layout.
    pub weight: &'a mut [f32],
    /// The gradient of the bias.
    pub bias: &'a mut [f32],
}

/// A value at the start of a cache line, so that rows of 16 floats never lie across two.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Aligned<T>(T);

/// The eight values of `x` from `at` on.
#[inline(always)]
fn lanes(x: &[f32], at: usize) -> &[f32; LANES] {
    window(x, at)
}

/// The `N` values of `x` from `at` on.
#[inline(always)]
fn window<T, const N: usize>(x: &[T], at: usize) -> &[T; N] {
    x[at..at + N].try_into().expect("the range is N long")
}

/// The eight values of `x` from `at` on, to be written.
#[inline(always)]
fn lanes_mut(x: &mut [f32], at: usize) -> &mut [f32; LANES] {
    (&mut x[at..at + LANES])
        .try_into()
        .expect("the range is LANES long")
}
