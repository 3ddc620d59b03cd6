//! Loads an image and the parameters of the convolutions into workgroup memory.

use cubecl::prelude::*;

use super::fours::{Four, write_four};
use super::layout::memory::{IMAGE, WEIGHTS};
use super::layout::{CONVOLUTIONS, LABEL, THREADS, epoch as words};
use super::pack::UNCHANGED;
use crate::data::SIDE;

/// Loads the image at word `image` of `images`, transformed and scaled, and the parameters of the convolutions. Waits for all
/// threads.
#[cube]
pub fn load(
    memory: &mut SharedMemory<f32>,
    images: &Array<u32>,
    parameters: &Array<Four>,
    epoch: &Array<u32>,
    image: usize,
    transform: u32,
) {
    let mean = f32::reinterpret(epoch[words::MEAN]);
    let deviation = f32::reinterpret(epoch[words::DEVIATION]);
    let thread = UNIT_POS as usize;
    if transform == UNCHANGED {
        for word in range_stepped(thread, LABEL, THREADS) {
            let pixels = images[image + word];
            #[unroll]
            for byte in 0..4usize {
                let pixel = (pixels >> comptime!(8 * byte as u32)) & 255u32;
                memory[IMAGE + 4 * word + byte] = (f32::cast_from(pixel) - mean) / deviation;
            }
        }
    } else {
        let side = comptime!(SIDE as u32);
        // Distances are stored with an offset of 32. Rows above the image and columns to the left of the image wrap around to
        // large numbers, and are therefore not inside.
        let down = transform & 255u32;
        let right = (transform >> 8u32) & 255u32;
        let is_flipped = (transform >> 16u32) == 1u32;
        for pixel in range_stepped(thread, comptime!(4 * LABEL), THREADS) {
            let row = (pixel / SIDE) as u32 + 32u32 - down;
            let shifted = (pixel % SIDE) as u32 + 32u32 - right;
            let column = select(is_flipped, comptime!(SIDE as u32 - 1) - shifted, shifted);
            let is_inside = row < side && column < side;
            let from = select(is_inside, row * side + column, 0u32);
            let word = images[image + (from / 4u32) as usize];
            let byte = (word >> (8u32 * (from % 4u32))) & 255u32;
            let byte = select(is_inside, byte, 0u32);
            memory[IMAGE + pixel] = (f32::cast_from(byte) - mean) / deviation;
        }
    }
    for four in range_stepped(thread, comptime!(CONVOLUTIONS / 4), THREADS) {
        write_four(memory, WEIGHTS + 4 * four, parameters[four]);
    }
    sync_cube();
}
