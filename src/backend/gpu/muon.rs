//! The kernels of [`Muon`]: the large matrices move along their directions made orthogonal.
//!
//! All is in the buffer of the parameters (see [`muon`](super::layout::muon)). A round is three launches, as each needs all
//! of what the one before it made: the Gram matrix, the polynomial in it, and the product with that. A thread makes a tile
//! of values, so that it has several multiply-adds for each value that it reads.

use cubecl::prelude::*;

use super::elements::{Four, float, is_between, rate};
use super::layout::muon::{DIRECTIONS, FIRST, GRAM, NEXT, POLYNOMIAL, SIDES, SQUARES};
use super::layout::state as words;
use crate::model::range;
use crate::optim::{MATRICES, Matrix, Muon};

/// Threads that the tiles of all square matrices take, four rows by four columns each.
pub const SQUARE_TILES: usize = SQUARES[3] / 16;
/// Threads that the tiles of all matrices x take, two rows by four columns each.
pub const TILES: usize = FIRST[3] / 8;

/// Rows that a thread asks for before it adds the first: memory answers late.
const AT_ONCE: usize = 8;

/// Where x lies in a round: as it lay in the one before last.
const fn place_of_x(round: usize) -> usize {
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

/// `g = transpose(x) x`.
#[cube(launch)]
pub fn gram(work: &mut Array<Four>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        let end = comptime!(SQUARES[number + 1] / 16);
        if is_between(ABSOLUTE_POS, comptime!(SQUARES[number] / 16), end) {
            let tile = ABSOLUTE_POS - comptime!(SQUARES[number] / 16);
            let fours = comptime!(SIDES[number][1] / 4);
            let x = comptime!((place_of_x(round) + FIRST[number]) / 4);
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

/// `a + b g + c g g`; in the first round for `x / |x|`, and divided by `|x|` itself, so that the product needs no more.
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
                // The trace of g is the square of |x|.
                let mut square = 0.0f32;
                for i in 0..columns {
                    square += float(work, 4 * g + i * (columns + 1));
                }
                factor = 1.0f32 / max(square.sqrt(), comptime!(Muon::LEAST_NORM));
            }
            // g is symmetric, and so its square is its own Gram matrix.
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

/// Four values of the polynomial for `factor` times x, times `factor`. In an order in which no power of a large or small
/// factor leaves the range of a float.
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

/// x of the next round: x times the polynomial.
#[cube(launch)]
pub fn product(work: &mut Array<Four>, #[comptime] round: usize) {
    #[unroll]
    for number in 0..3usize {
        let end = comptime!(FIRST[number + 1] / 8);
        if is_between(ABSOLUTE_POS, comptime!(FIRST[number] / 8), end) {
            let tile = ABSOLUTE_POS - comptime!(FIRST[number] / 8);
            let fours = comptime!(SIDES[number][1] / 4);
            let first = comptime!(FIRST[number] / 4) + tile / fours * 2 * fours;
            let x = comptime!(place_of_x(round) / 4) + first;
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
            let to = comptime!(place_of_x(round + 1) / 4) + first + tile % fours;
            work[to] = upper;
            work[to + fours] = lower;
        }
    }
}

fn scale(number: usize) -> f32 {
    Muon::scale(MATRICES[number])
}

/// The step along x after its last round.
#[cube(launch)]
pub fn apply(parameters: &mut Array<f32>, state: &Array<u32>) {
    let rate = rate(state);
    let decay = f32::reinterpret(state[words::MUON_DECAY]);
    #[unroll]
    for number in 0..3usize {
        if is_in(ABSOLUTE_POS, number) {
            let x =
                parameters[comptime!(place_of_x(Muon::ROUNDS)) + place_in_x(ABSOLUTE_POS, number)];
            let w = parameters[ABSOLUTE_POS];
            let scale = comptime!(scale(number));
            parameters[ABSOLUTE_POS] = w - rate * (scale * x + decay * w);
        }
    }
}

/// The place of a parameter's direction, if Muon moves it, or else 0, which is none.
#[cube]
pub fn direction(parameter: usize) -> usize {
    let mut place = 0usize;
    #[unroll]
    for number in 0..3usize {
        if is_in(parameter, number) {
            place = DIRECTIONS + place_in_x(parameter, number);
        }
    }
    place
}

#[cube]
fn is_in(parameter: usize, #[comptime] number: usize) -> bool {
    let places = comptime!(range(MATRICES[number].tensor));
    is_between(parameter, comptime!(places.start), comptime!(places.end))
}

/// Where the value of a parameter lies in x, whose rows are the longer side.
#[cube]
fn place_in_x(parameter: usize, #[comptime] number: usize) -> usize {
    let Matrix { rows, columns, .. } = comptime!(MATRICES[number]);
    let place = parameter - comptime!(range(MATRICES[number].tensor).start);
    let place =
        if comptime!(rows < columns) { place % columns * rows + place / columns } else { place };
    comptime!(FIRST[number]) + place
}

/// The first four of the first row of a square matrix' tile.
#[cube]
fn first_four(tile: usize, #[comptime] fours: usize) -> usize {
    tile / fours * comptime!(4 * fours) + tile % fours
}

/// A tile of the Gram matrix of the `rows` by `4 * fours` matrix from four `x` on: the products of four of its columns with
/// four.
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
            // Behind the last row something is read, but not added.
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
