//! A 5x5 convolution at the four positions of a pooling window, and the maximum of the four.

use cubecl::prelude::*;

/// Values at the four positions of a pooling window: the upper row, then the lower row.
#[derive(CubeType)]
pub struct Window {
    pub a: f32,
    pub b: f32,
    pub c: f32,
    pub d: f32,
}

/// Maximum of a window and its index.
#[derive(CubeType)]
pub struct Maximum {
    pub value: f32,
    pub index: u32,
}

/// Returns the maximum of a window; ties go to the lowest index.
#[cube]
pub fn maximum(window: Window) -> Maximum {
    let mut value = window.a;
    let mut index = 0u32;
    if window.b > value {
        value = window.b;
        index = 1u32;
    }
    if window.c > value {
        value = window.c;
        index = 2u32;
    }
    if window.d > value {
        value = window.d;
        index = 3u32;
    }
    Maximum { value, index }
}

/// Computes the convolution with one 5x5 kernel at the four positions of a pooling window. `from` is the index of the upper left
/// input of the window, in a plane with rows of `width`, and `weights` the index of the first of the 25 weights.
#[cube]
pub fn convolve(
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
    // A row of the kernel applies to row r of the inputs at the upper two positions, and to the next row s at the lower two.
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
