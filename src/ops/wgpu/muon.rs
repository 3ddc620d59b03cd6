//! The kernels of [`Muon`]: the large matrices move along their directions made orthogonal, a thread for each value.
//!
//! All is in the buffer of the parameters (see [`muon`](super::layout::muon)). A round is three launches, as each needs all
//! of what the one before it made: the Gram matrix, the polynomial in it, and the product with that.

use cubecl::prelude::*;

use super::layout::muon::{DIRECTIONS, GRAM, NEXT, POLYNOMIAL, SQUARES};
use super::layout::state as words;
use crate::descent::{MATRICES, Matrix, Muon};
use crate::model::OFFSETS;

/// Values that a thread asks for before it adds the first: memory answers late.
const AT_ONCE: usize = 8;

/// A matrix with its longer side down.
struct Tall {
    /// Its place among the parameters.
    first: usize,
    rows: usize,
    columns: usize,
    /// Floats from a row to the next, and from a column to the next.
    steps: [usize; 2],
}

const TALL: [Tall; 3] = [tall(MATRICES[0]), tall(MATRICES[1]), tall(MATRICES[2])];

const fn tall(matrix: Matrix) -> Tall {
    let Matrix { tensor, rows, columns } = matrix;
    let first = OFFSETS[tensor];
    match rows < columns {
        true => Tall { first, rows: columns, columns: rows, steps: [1, columns] },
        false => Tall { first, rows, columns, steps: [columns, 1] },
    }
}

/// Where x lies in a round, in the layout of the parameters: as it lay in the one before last.
const fn place_of_x(round: usize) -> usize {
    match round % 2 {
        0 => DIRECTIONS,
        _ => NEXT,
    }
}

/// `g = transpose(x) x`.
#[cube(launch)]
pub fn gram(work: &mut Array<f32>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        let first = comptime!(SQUARES[number]);
        if ABSOLUTE_POS >= first && ABSOLUTE_POS < comptime!(SQUARES[number + 1]) {
            let place = ABSOLUTE_POS - first;
            let columns = comptime!(TALL[number].columns);
            let x = comptime!(place_of_x(round) + TALL[number].first);
            let row_step = comptime!(TALL[number].steps[0]);
            let column_step = comptime!(TALL[number].steps[1]);
            let left = x + place / columns * column_step;
            let right = x + place % columns * column_step;
            let rows = comptime!(TALL[number].rows);
            work[GRAM + ABSOLUTE_POS] = dot(work, left, right, row_step, row_step, rows);
        }
    }
}

/// `a + b g + c g g`; in the first round for `x / |x|`, and divided by `|x|` itself, so that the product needs no more.
#[cube(launch)]
pub fn polynomial(work: &mut Array<f32>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        let first = comptime!(SQUARES[number]);
        if ABSOLUTE_POS >= first && ABSOLUTE_POS < comptime!(SQUARES[number + 1]) {
            let place = ABSOLUTE_POS - first;
            let columns = comptime!(TALL[number].columns);
            let row = place / columns;
            let column = place % columns;
            let from = GRAM + first;
            let g = work[GRAM + ABSOLUTE_POS];
            // g is symmetric, and so its columns are its rows.
            let squared = dot(work, from + row * columns, from + column, 1usize, columns, columns);
            let one = select(row == column, 1.0f32, 0.0f32);
            let a = comptime!(Muon::COEFFICIENTS[0]);
            let b = comptime!(Muon::COEFFICIENTS[1]);
            let c = comptime!(Muon::COEFFICIENTS[2]);
            let mut value = a * one + b * g + c * squared;
            if round == 0 {
                // The trace of g.
                let mut square = 0.0f32;
                for i in 0..columns {
                    square += work[from + i * (columns + 1)];
                }
                let factor = 1.0f32 / max(square.sqrt(), comptime!(Muon::LEAST_NORM));
                let square = factor * factor;
                value = factor * (a * one + square * (b * g + square * c * squared));
            }
            work[POLYNOMIAL + ABSOLUTE_POS] = value;
        }
    }
}

/// x of the next round: x times the polynomial.
#[cube(launch)]
pub fn product(work: &mut Array<f32>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        if is_in(ABSOLUTE_POS, number) {
            let value = product_at(work, ABSOLUTE_POS, round, number);
            work[comptime!(place_of_x(round + 1)) + ABSOLUTE_POS] = value;
        }
    }
}

/// The step along x after its last round.
#[cube(launch)]
pub fn apply(work: &mut Array<f32>, state: &Array<u32>) {
    let batch = (state[words::NEXT] as usize - 1) / state[words::BATCH] as usize;
    let rate = f32::reinterpret(state[words::RATES + batch]);
    let decay = f32::reinterpret(state[words::MUON_DECAY]);
    #[unroll]
    for number in 0..3usize {
        if is_in(ABSOLUTE_POS, number) {
            let x = product_at(work, ABSOLUTE_POS, comptime!(Muon::ROUNDS - 1), number);
            let w = work[ABSOLUTE_POS];
            let scale = comptime!(Muon::scale(MATRICES[number]));
            work[ABSOLUTE_POS] = w - rate * (scale * x + decay * w);
        }
    }
}

/// Whether a parameter is one of those that Muon moves.
#[cube]
pub fn is_moved(parameter: usize) -> bool {
    is_in(parameter, 0usize) || is_in(parameter, 1usize) || is_in(parameter, 2usize)
}

#[cube]
fn is_in(parameter: usize, #[comptime] number: usize) -> bool {
    let first = comptime!(TALL[number].first);
    let end = comptime!(TALL[number].first + TALL[number].rows * TALL[number].columns);
    parameter >= first && parameter < end
}

/// The value of x times the polynomial at the place of a parameter.
#[cube]
fn product_at(
    work: &Array<f32>,
    parameter: usize,
    #[comptime] round: usize,
    #[comptime] number: usize,
) -> f32 {
    let row_step = comptime!(TALL[number].steps[0]);
    let column_step = comptime!(TALL[number].steps[1]);
    let columns = comptime!(TALL[number].columns);
    let place = parameter - comptime!(TALL[number].first);
    let mut row = place / columns;
    let mut column = place % columns;
    if row_step == 1 {
        row = place % column_step;
        column = place / column_step;
    }
    let x = comptime!(place_of_x(round) + TALL[number].first) + row * row_step;
    let right = comptime!(POLYNOMIAL + SQUARES[number]) + column;
    dot(work, x, right, column_step, columns, columns)
}

/// The sum of `terms` products, of the floats from `left` on and those from `right` on.
#[cube]
fn dot(
    work: &Array<f32>,
    left: usize,
    right: usize,
    #[comptime] left_step: usize,
    #[comptime] right_step: usize,
    #[comptime] terms: usize,
) -> f32 {
    let mut sum = 0.0f32;
    let mut term = 0usize;
    while term + AT_ONCE <= terms {
        let mut lefts = Sequence::<f32>::new();
        let mut rights = Sequence::<f32>::new();
        #[unroll]
        for i in 0..AT_ONCE {
            lefts.push(work[left + (term + i) * left_step]);
            rights.push(work[right + (term + i) * right_step]);
        }
        #[unroll]
        for i in 0..AT_ONCE {
            sum = fma(*lefts.index(i), *rights.index(i), sum);
        }
        term += AT_ONCE;
    }
    while term < terms {
        sum = fma(work[left + term * left_step], work[right + term * right_step], sum);
        term += 1;
    }
    sum
}
