//! The way through the network, for one image by one workgroup in its memory. The parts of both kernels that go it.

use cubecl::prelude::*;

use super::elements::{Four, activate, float, write_four};
use super::layout::memory::{CELLS_1, CHOICE_2, IMAGE, PARTS, WEIGHTS, WEIGHTS_FC3, WEIGHTS2};
use super::layout::{CELLS1, CELLS2, PLANE1, THREADS, memory};
use crate::model::OFFSETS;

/// Sums at the four pixels of a pooling window, in row order.
#[derive(CubeType)]
struct Window {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
}

/// The largest of a window, of equals the first, and its place.
#[derive(CubeType)]
struct Largest {
    value: f32,
    place: u32,
}

/// conv1, its max-pool and activation. Two bits for each cell of this thread: the place in its window that max-pool chose.
#[cube]
pub fn conv1(memory: &mut SharedMemory<f32>, #[comptime] tanh: bool) -> u32 {
    let mut choices = 0u32;
    let mut shift = 0u32;
    for cell in range_stepped(UNIT_POS as usize, CELLS1, THREADS) {
        let channel = cell / PLANE1;
        let row = (cell % PLANE1) / 12;
        let column = cell % 12;
        let sums = window(memory, IMAGE + row * 56 + column * 2, WEIGHTS + channel * 25, 28usize);
        let largest = largest(sums);
        choices |= largest.place << shift;
        shift += 2u32;
        let sum = largest.value + memory[comptime!(WEIGHTS + OFFSETS[1]) + channel];
        memory[CELLS_1 + cell] = activate(sum, tanh);
    }
    choices
}

/// conv2, its max-pool and activation: what [`memory::INPUTS`]`[0]` names. Waits for all threads.
///
/// Each input channel is summed by itself, as on the CPU: in one sum over all of its 150 products, rounding decides some
/// windows otherwise, and after twenty steps conv1's weights are 3e-3 away.
#[cube]
pub fn conv2(memory: &mut SharedMemory<f32>, #[comptime] tanh: bool) {
    for unit in range_stepped(UNIT_POS as usize, comptime!(2 * CELLS2), THREADS) {
        // Half of the input channels of a cell.
        let half = unit / CELLS2;
        let cell = unit % CELLS2;
        let channel = cell / 16;
        let pixel = CELLS_1 + (cell / 4) % 4 * 24 + cell % 4 * 2;
        let mut a = 0.0f32;
        let mut b = 0.0f32;
        let mut c = 0.0f32;
        let mut d = 0.0f32;
        for input in half * 3..half * 3 + 3 {
            let sums = window(
                memory,
                pixel + input * PLANE1,
                WEIGHTS2 + (channel * 6 + input) * 25,
                12usize,
            );
            a += sums.a;
            b += sums.b;
            c += sums.c;
            d += sums.d;
        }
        let to = PARTS + half * comptime!(4 * CELLS2) + cell;
        memory[to] = a;
        memory[to + CELLS2] = b;
        memory[to + comptime!(2 * CELLS2)] = c;
        memory[to + comptime!(3 * CELLS2)] = d;
    }
    sync_cube();
    for cell in range_stepped(UNIT_POS as usize, CELLS2, THREADS) {
        let from = PARTS + cell;
        let sums = Window {
            a: memory[from] + memory[from + comptime!(4 * CELLS2)],
            b: memory[from + CELLS2] + memory[from + comptime!(5 * CELLS2)],
            c: memory[from + comptime!(2 * CELLS2)] + memory[from + comptime!(6 * CELLS2)],
            d: memory[from + comptime!(3 * CELLS2)] + memory[from + comptime!(7 * CELLS2)],
        };
        let largest = largest(sums);
        let sum = largest.value + memory[comptime!(WEIGHTS + OFFSETS[3]) + cell / 16];
        memory[comptime!(memory::INPUTS[0]) + cell] = activate(sum, tanh);
        memory[CHOICE_2 + cell] = f32::cast_from(largest.place);
    }
    sync_cube();
}

/// A dense layer whose `outputs` are a multiple of four: each thread sums a part of the inputs for four of them, then the
/// parts are added in order. `weights` and `biases` count fours of parameters. Waits for all threads.
#[cube]
pub fn dense(
    memory: &mut SharedMemory<f32>,
    parameters: &Array<Four>,
    #[comptime] tanh: bool,
    #[comptime] weights: usize,
    #[comptime] biases: usize,
    #[comptime] from: usize,
    #[comptime] inputs: usize,
    #[comptime] to: usize,
    #[comptime] outputs: usize,
) {
    let fours = comptime!(outputs / 4);
    let parts = comptime!(THREADS / fours);
    let part = UNIT_POS as usize / fours;
    let four = UNIT_POS as usize % fours;
    if part < parts {
        let mut sum = Four::new(0.0f32);
        for i in range_stepped(part, inputs, parts) {
            sum = fma(parameters[weights + i * fours + four], Four::new(memory[from + i]), sum);
        }
        write_four(memory, PARTS + part * outputs + 4 * four, sum);
    }
    sync_cube();
    for output in range_stepped(UNIT_POS as usize, outputs, THREADS) {
        let mut sum = float(parameters, 4 * biases + output);
        for part in 0..parts {
            sum += memory[PARTS + part * outputs + output];
        }
        memory[to + output] = activate(sum, tanh);
    }
    sync_cube();
}

/// fc3, whose ten outputs are brought to 0..1; keeps its weights at [`WEIGHTS_FC3`]. Waits for all threads.
#[cube]
pub fn outputs(memory: &mut SharedMemory<f32>, parameters: &Array<Four>, #[comptime] tanh: bool) {
    let inputs = comptime!(memory::INPUTS[2]);
    for unit in range_stepped(UNIT_POS as usize, 140usize, THREADS) {
        let part = unit / 10;
        let output = unit % 10;
        let mut sum = 0.0f32;
        for i in part * 6..part * 6 + 6 {
            let place = i * 10 + output;
            let weight = float(parameters, comptime!(OFFSETS[8]) + place);
            memory[WEIGHTS_FC3 + place] = weight;
            sum = fma(weight, memory[inputs + i], sum);
        }
        memory[PARTS + unit] = sum;
    }
    sync_cube();
    if UNIT_POS < 10u32 {
        let output = UNIT_POS as usize;
        let mut sum = float(parameters, comptime!(OFFSETS[9]) + output);
        for part in 0..14usize {
            sum += memory[PARTS + part * 10 + output];
        }
        let value = activate(sum, tanh);
        memory[memory::OUTPUTS + output] = if tanh { (1.0f32 + value) / 2.0f32 } else { value };
    }
    sync_cube();
}

/// The sums of 5x5 products at the four pixels of a pooling window: `from` is its first pixel in an image of `width`,
/// `weights` the first of 25.
#[cube]
fn window(
    memory: &SharedMemory<f32>,
    from: usize,
    weights: usize,
    #[comptime] width: usize,
) -> Window {
    let mut a = 0.0f32;
    let mut b = 0.0f32;
    let mut c = 0.0f32;
    let mut d = 0.0f32;
    let mut x = from;
    let mut w = weights;
    // A row of pixels is the second of the window's upper sums and the first of its lower ones.
    let mut r0 = memory[x];
    let mut r1 = memory[x + 1];
    let mut r2 = memory[x + 2];
    let mut r3 = memory[x + 3];
    let mut r4 = memory[x + 4];
    let mut r5 = memory[x + 5];
    for _row in 0..5usize {
        x += width;
        let s0 = memory[x];
        let s1 = memory[x + 1];
        let s2 = memory[x + 2];
        let s3 = memory[x + 3];
        let s4 = memory[x + 4];
        let s5 = memory[x + 5];
        let w0 = memory[w];
        let w1 = memory[w + 1];
        let w2 = memory[w + 2];
        let w3 = memory[w + 3];
        let w4 = memory[w + 4];
        w += 5;
        a = fma(w4, r4, fma(w3, r3, fma(w2, r2, fma(w1, r1, fma(w0, r0, a)))));
        b = fma(w4, r5, fma(w3, r4, fma(w2, r3, fma(w1, r2, fma(w0, r1, b)))));
        c = fma(w4, s4, fma(w3, s3, fma(w2, s2, fma(w1, s1, fma(w0, s0, c)))));
        d = fma(w4, s5, fma(w3, s4, fma(w2, s3, fma(w1, s2, fma(w0, s1, d)))));
        r0 = s0;
        r1 = s1;
        r2 = s2;
        r3 = s3;
        r4 = s4;
        r5 = s5;
    }
    Window { a, b, c, d }
}

#[cube]
fn largest(sums: Window) -> Largest {
    let mut value = sums.a;
    let mut place = 0u32;
    if sums.b > value {
        value = sums.b;
        place = 1u32;
    }
    if sums.c > value {
        value = sums.c;
        place = 2u32;
    }
    if sums.d > value {
        value = sums.d;
        place = 3u32;
    }
    Largest { value, place }
}
