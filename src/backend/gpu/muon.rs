//! The update of the large matrices with orthogonalised momentum; see [`Muon`].
//!
//! All values are in the buffer of the parameters (see [`muon`](super::layout::muon)). An iteration takes three launches,
//! because each needs the complete result of the previous one: the first computes the Gram matrix of x, the second a polynomial
//! of that matrix, and the third the product of x and the polynomial. A thread computes a tile of values, so that each
//! value it loads is used in several multiply-adds.

use cubecl::prelude::*;

use super::fours::{Four, is_between, read_float};
use super::layout::epoch as words;
use super::layout::muon::{DIRECTIONS, GRAM, NEXT, POLYNOMIAL, SIDES, SQUARES, X};
use super::sgd::learning_rate;
use crate::model::range;
use crate::optim::{MATRICES, Matrix, Muon};

/// Threads for all square matrices; each thread computes a tile of four rows by four columns.
pub const SQUARE_TILES: usize = SQUARES[3] / 16;
/// Threads for all matrices x; each thread computes a tile of two rows by four columns.
pub const TILES: usize = X[3] / 8;

/// Rows that a thread loads before it uses the first one, to hide the latency of memory.
const AT_ONCE: usize = 8;

/// Returns the offset of x in iteration `round`, which alternates between two buffers.
const fn x_offset(round: usize) -> usize {
    match round % 2 {
        0 => DIRECTIONS,
        _ => NEXT,
    }
}

/// Four rows of four values.
#[derive(CubeType)]
struct Tile {
    a: Four,
    b: Four,
    c: Four,
    d: Four,
}

/// Computes `g = transpose(x) x`.
#[cube(launch)]
pub fn gram(work: &mut Array<Four>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        let end = comptime!(SQUARES[number + 1] / 16);
        if is_between(ABSOLUTE_POS, comptime!(SQUARES[number] / 16), end) {
            let tile = ABSOLUTE_POS - comptime!(SQUARES[number] / 16);
            let fours = comptime!(SIDES[number][1] / 4);
            let x = comptime!((x_offset(round) + X[number]) / 4);
            let rows = comptime!(SIDES[number][0]);
            let g = gram_tile(work, x, rows, fours, tile);
            let to = comptime!((GRAM + SQUARES[number]) / 4) + first_four(tile, fours);
            work[to] = g.a;
            work[to + fours] = g.b;
            work[to + 2 * fours] = g.c;
            work[to + 3 * fours] = g.d;
        }
    }
}

/// Computes `a + b g + c g g`. In the first iteration x is not normalised yet: g is then the Gram matrix of `x / |x|`, and the
/// polynomial is divided by `|x|`, so that its product with x is that of `x / |x|`.
#[cube(launch)]
pub fn polynomial(work: &mut Array<Four>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        let end = comptime!(SQUARES[number + 1] / 16);
        if is_between(ABSOLUTE_POS, comptime!(SQUARES[number] / 16), end) {
            let tile = ABSOLUTE_POS - comptime!(SQUARES[number] / 16);
            let columns = comptime!(SIDES[number][1]);
            let fours = comptime!(columns / 4);
            let g = comptime!((GRAM + SQUARES[number]) / 4);
            let mut factor = 1.0f32;
            if round == 0 {
                // The trace of g is |x| squared.
                let mut square = 0.0f32;
                for i in 0..columns {
                    square += read_float(work, 4 * g + i * (columns + 1));
                }
                factor = 1.0f32 / max(square.sqrt(), comptime!(Muon::LEAST_NORM));
            }
            // g is symmetric, so its square is its Gram matrix.
            let squared = gram_tile(work, g, columns, fours, tile);
            let from = g + first_four(tile, fours);
            let to = comptime!((POLYNOMIAL + SQUARES[number]) / 4) + first_four(tile, fours);
            let is_diagonal = tile / fours == tile % fours;
            work[to] = polynomial_row(work[from], squared.a, factor, is_diagonal, 0usize);
            work[to + fours] =
                polynomial_row(work[from + fours], squared.b, factor, is_diagonal, 1usize);
            work[to + 2 * fours] =
                polynomial_row(work[from + 2 * fours], squared.c, factor, is_diagonal, 2usize);
            work[to + 3 * fours] =
                polynomial_row(work[from + 3 * fours], squared.d, factor, is_diagonal, 3usize);
        }
    }
}

/// Computes four values of `factor (a + b factor^2 g + c factor^4 g g)`; row `row` of a diagonal tile includes a. The powers of
/// `factor` are multiplied in step by step, because a higher power by itself could overflow or underflow.
#[cube]
fn polynomial_row(
    g: Four,
    squared: Four,
    factor: f32,
    is_diagonal: bool,
    #[comptime] row: usize,
) -> Four {
    let square = Four::new(factor * factor);
    let b = Four::new(comptime!(Muon::COEFFICIENTS[1]));
    let c = Four::new(comptime!(Muon::COEFFICIENTS[2]));
    let mut value = b * (square * g) + c * (square * (square * squared));
    let a = select(is_diagonal, comptime!(Muon::COEFFICIENTS[0]), 0.0f32);
    value[row] = value[row] + a;
    Four::new(factor) * value
}

/// Computes x of the next iteration: x times the polynomial.
#[cube(launch)]
pub fn product(work: &mut Array<Four>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        let end = comptime!(X[number + 1] / 8);
        if is_between(ABSOLUTE_POS, comptime!(X[number] / 8), end) {
            let tile = ABSOLUTE_POS - comptime!(X[number] / 8);
            let fours = comptime!(SIDES[number][1] / 4);
            let first = comptime!(X[number] / 4) + tile / fours * 2 * fours;
            let x = comptime!(x_offset(round) / 4) + first;
            let right = comptime!((POLYNOMIAL + SQUARES[number]) / 4) + tile % fours;
            let mut upper = Four::new(0.0f32);
            let mut lower = Four::new(0.0f32);
            for four in 0..fours {
                let p = work[x + four];
                let q = work[x + fours + four];
                #[unroll]
                for i in 0..4usize {
                    let row = work[right + (4 * four + i) * fours];
                    upper = fma(Four::new(p[i]), row, upper);
                    lower = fma(Four::new(q[i]), row, lower);
                }
            }
            let to = comptime!(x_offset(round + 1) / 4) + first + tile % fours;
            work[to] = upper;
            work[to + fours] = lower;
        }
    }
}

fn scale(number: usize) -> f32 {
    Muon::scale(MATRICES[number])
}

/// Updates the parameters by x of the last iteration.
#[cube(launch)]
pub fn apply(parameters: &mut Array<f32>, epoch: &Array<u32>) {
    let learning_rate = learning_rate(epoch);
    let weight_decay = f32::reinterpret(epoch[words::MUON_WEIGHT_DECAY]);
    #[unroll]
    for number in 0..3usize {
        if is_in(ABSOLUTE_POS, number) {
            let x =
                parameters[comptime!(x_offset(Muon::ROUNDS)) + index_in_x(ABSOLUTE_POS, number)];
            let w = parameters[ABSOLUTE_POS];
            let scale = comptime!(scale(number));
            parameters[ABSOLUTE_POS] = w - learning_rate * (scale * x + weight_decay * w);
        }
    }
}

/// Returns the index of a parameter's direction if Muon updates it, otherwise 0.
#[cube]
pub fn direction_index(parameter: usize) -> usize {
    let mut index = 0usize;
    #[unroll]
    for number in 0..3usize {
        if is_in(parameter, number) {
            index = DIRECTIONS + index_in_x(parameter, number);
        }
    }
    index
}

#[cube]
fn is_in(parameter: usize, #[comptime] number: usize) -> bool {
    let range = comptime!(range(MATRICES[number].tensor));
    is_between(parameter, comptime!(range.start), comptime!(range.end))
}

/// Returns the index of a parameter of matrix `number` among all x. The rows of x are the longer side of the matrix.
#[cube]
fn index_in_x(parameter: usize, #[comptime] number: usize) -> usize {
    let Matrix { rows, columns, .. } = comptime!(MATRICES[number]);
    let index = parameter - comptime!(range(MATRICES[number].tensor).start);
    let index =
        if comptime!(rows < columns) { index % columns * rows + index / columns } else { index };
    comptime!(X[number]) + index
}

/// Returns the index of the first four values in a square-matrix tile.
#[cube]
fn first_four(tile: usize, #[comptime] fours: usize) -> usize {
    tile / fours * comptime!(4 * fours) + tile % fours
}

/// Computes a tile of the Gram matrix of the `rows` by `4 * fours` matrix at `x`: the dot products of one group of four columns
/// with another, or with itself.
#[cube]
fn gram_tile(
    work: &Array<Four>,
    x: usize,
    #[comptime] rows: usize,
    #[comptime] fours: usize,
    tile: usize,
) -> Tile {
    let left = x + tile / fours;
    let right = x + tile % fours;
    let mut a = Four::new(0.0f32);
    let mut b = Four::new(0.0f32);
    let mut c = Four::new(0.0f32);
    let mut d = Four::new(0.0f32);
    for block in 0..rows.div_ceil(AT_ONCE) {
        let mut columns = Sequence::<Four>::new();
        let mut values = Sequence::<Four>::new();
        #[unroll]
        for i in 0..AT_ONCE {
            // Past the end, the last row is loaded again, and its values are not used.
            let row = min(block * AT_ONCE + i, rows - 1);
            columns.push(work[left + row * fours]);
            values.push(work[right + row * fours]);
        }
        #[unroll]
        for i in 0..AT_ONCE {
            if block * AT_ONCE + i < rows {
                let column = *columns.index(i);
                let value = *values.index(i);
                a = fma(Four::new(column[0]), value, a);
                b = fma(Four::new(column[1]), value, b);
                c = fma(Four::new(column[2]), value, c);
                d = fma(Four::new(column[3]), value, d);
            }
        }
    }
    Tile { a, b, c, d }
}
