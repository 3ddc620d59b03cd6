//! What an image begins with: its pixels and the parameters of the convolutions, into the memory of its workgroup.

use cubecl::prelude::*;

use super::elements::{Four, write_four};
use super::layout::memory::{IMAGE, WEIGHTS};
use super::layout::{CONVOLUTIONS, LABEL, THREADS};
use super::pack::UNCHANGED;

/// The image at word `image` of `images`, changed as `change` says, scaled.
#[cube]
pub fn load_image(
    memory: &mut SharedMemory<f32>,
    images: &Array<u32>,
    image: usize,
    change: u32,
    mean: f32,
    deviation: f32,
) {
    let thread = UNIT_POS as usize;
    if change == UNCHANGED {
        for word in range_stepped(thread, LABEL, THREADS) {
            let pixels = images[image + word];
            #[unroll]
            for byte in 0..4usize {
                let pixel = (pixels >> comptime!(8 * byte as u32)) & 255u32;
                memory[IMAGE + 4 * word + byte] = (f32::cast_from(pixel) - mean) / deviation;
            }
        }
    } else {
        // Distances are coded plus 32, so what is left of the image or above it becomes a large number.
        let down = change & 255u32;
        let right = (change >> 8u32) & 255u32;
        let is_flipped = (change >> 16u32) == 1u32;
        for pixel in range_stepped(thread, comptime!(4 * LABEL), THREADS) {
            let row = (pixel / 28) as u32 + 32u32 - down;
            let moved = (pixel % 28) as u32 + 32u32 - right;
            let column = select(is_flipped, 27u32 - moved, moved);
            let is_inside = row < 28u32 && column < 28u32;
            let from = select(is_inside, row * 28u32 + column, 0u32);
            let word = images[image + (from / 4u32) as usize];
            let byte = (word >> (8u32 * (from % 4u32))) & 255u32;
            let byte = select(is_inside, byte, 0u32);
            memory[IMAGE + pixel] = (f32::cast_from(byte) - mean) / deviation;
        }
    }
}

/// The parameters of the convolutions.
#[cube]
pub fn load_convolutions(memory: &mut SharedMemory<f32>, parameters: &Array<Four>) {
    for four in range_stepped(UNIT_POS as usize, comptime!(CONVOLUTIONS / 4), THREADS) {
        write_four(memory, WEIGHTS + 4 * four, parameters[four]);
    }
}
