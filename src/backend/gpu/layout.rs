//! Where everything lies: in the buffers on the device, and in the memory of a workgroup.
//!
//! All kernels read places by these constants, so that none takes an argument that would have to be sent at every launch.

use crate::data::PIXELS;
use crate::model::{OFFSETS, PARAMETERS};

/// Threads of a workgroup that works on an image.
pub const THREADS: usize = 256;
/// Values of one plane of conv1's output after its max-pool, 12 x 12.
pub const PLANE1: usize = 144;
/// Values of conv1's output after its max-pool: 6 planes.
pub const CELLS1: usize = 6 * PLANE1;
/// Values of conv2's output after its max-pool: 16 planes of 4 x 4.
pub const CELLS2: usize = 256;
/// Units of the dense layers.
pub const UNITS: [usize; 3] = [120, 84, 10];
/// Parameters of the two convolutions, which come first of all.
pub const CONVOLUTIONS: usize = OFFSETS[4];

/// Words of an image: its pixels, four to a word, the first in the lowest byte, and its label.
pub const IMAGE_WORDS: usize = LABEL + 1;
/// The word of an image that is its label.
pub const LABEL: usize = PIXELS / 4;

/// Floats from the parameters to their velocity, which lies in the same buffer: enough for any device's alignment.
pub const VELOCITY: usize = PARAMETERS.next_multiple_of(ALIGNMENT);
/// Floats that any device's alignment of a binding divides (256 bytes).
pub const ALIGNMENT: usize = 64;

/// What `samples` leaves of an image for `weights` and `gradients`: the convolutions' gradients of this image in the
/// layout of the parameters, then the input of each dense layer, then the delta of each.
pub mod record {
    use super::{CELLS2, CONVOLUTIONS, UNITS};

    /// The input of each dense layer.
    pub const INPUTS: [usize; 3] =
        [CONVOLUTIONS, CONVOLUTIONS + CELLS2, CONVOLUTIONS + CELLS2 + UNITS[0]];
    /// The delta of each dense layer: the loss' derivative by the sum that its activation takes.
    pub const DELTAS: [usize; 3] = [
        INPUTS[2] + UNITS[1],
        INPUTS[2] + UNITS[1] + UNITS[0],
        INPUTS[2] + 2 * UNITS[1] + UNITS[0],
    ];
    /// Floats of a record.
    pub const LENGTH: usize = DELTAS[2] + UNITS[2];
}

/// Where a pass over the images stands, and what holds for all its steps: words, floats by their bits.
pub mod state {
    /// The place in the order at which `samples` begins; `weights` or `gradients` moves it on.
    pub const NEXT: usize = 0;
    /// The place at which `samples` began last. Two counters, as the workgroups of a kernel that read one and wrote it
    /// could not know which of them came first.
    pub const BEGUN: usize = 1;
    /// Images of the pass.
    pub const COUNT: usize = 2;
    /// Images of a batch.
    pub const BATCH: usize = 3;
    /// What is taken away from a pixel.
    pub const MEAN: usize = 4;
    /// What the rest of a pixel is divided by.
    pub const DEVIATION: usize = 5;
    /// The momentum of gradient descent.
    pub const MOMENTUM: usize = 6;
    /// The weight decay.
    pub const DECAY: usize = 7;
    /// What Muon's matrices lose, as a multiple of the rate.
    pub const MUON_DECAY: usize = 8;
    /// The learning rate of each batch of the pass.
    pub const RATES: usize = 9;
}

/// What Muon needs, in the buffer of the parameters behind their velocity.
pub mod muon {
    use super::{ALIGNMENT, VELOCITY};
    use crate::optim::MATRICES;

    /// The longer side of each matrix and the shorter one: the rows and columns of its x.
    pub const SIDES: [[usize; 2]; 3] = {
        let mut sides = [[0; 2]; 3];
        let mut number = 0;
        while number < 3 {
            let (rows, columns) = (MATRICES[number].rows, MATRICES[number].columns);
            sides[number] = if rows < columns { [columns, rows] } else { [rows, columns] };
            // Tiles are of two rows or four, and of four columns.
            assert!(sides[number][0].is_multiple_of(2) && sides[number][1].is_multiple_of(4));
            number += 1;
        }
        sides
    };
    /// Where each matrix begins among those that are as large as x, and the end of the last.
    pub const FIRST: [usize; 4] = ends([0, 1]);
    /// Where each begins among the squares of the shorter sides, and the end of the last.
    pub const SQUARES: [usize; 4] = ends([1, 1]);

    const fn ends(sides: [usize; 2]) -> [usize; 4] {
        let mut ends = [0; 4];
        let mut number = 0;
        while number < 3 {
            ends[number + 1] = ends[number] + SIDES[number][sides[0]] * SIDES[number][sides[1]];
            number += 1;
        }
        ends
    }

    /// The directions of the matrices, which are x of the first round.
    pub const DIRECTIONS: usize = 2 * VELOCITY;
    /// x of the next round, and of every other one from there.
    pub const NEXT: usize = DIRECTIONS + FIRST[3];
    /// The Gram matrix of each x.
    pub const GRAM: usize = NEXT + FIRST[3];
    /// The polynomial in each.
    pub const POLYNOMIAL: usize = GRAM + SQUARES[3];
    /// Floats of the whole buffer.
    pub const END: usize = (POLYNOMIAL + SQUARES[3]).next_multiple_of(ALIGNMENT);
}

/// The memory of a workgroup that works on an image.
pub mod memory {
    use super::{CELLS1, CELLS2, CONVOLUTIONS, PIXELS, UNITS};
    use crate::model::OFFSETS;

    /// The image.
    pub const IMAGE: usize = 0;
    /// The parameters of the convolutions.
    pub const WEIGHTS: usize = IMAGE + PIXELS;
    /// The weights of conv2.
    pub const WEIGHTS2: usize = WEIGHTS + OFFSETS[2];
    /// conv1's output; on the way back its delta.
    pub const CELLS_1: usize = WEIGHTS + CONVOLUTIONS;
    /// The delta of conv2, at the pixels that max-pool chose.
    pub const DELTA_2: usize = CELLS_1 + CELLS1;
    /// The place in its window, 2 * row + column, that max-pool chose of conv2, as a float.
    pub const CHOICE_2: usize = DELTA_2 + CELLS2;
    /// From here on what only one part of the way needs.
    pub const SHARED: usize = CHOICE_2 + CELLS2;

    /// The input of each dense layer, the first being conv2's output.
    pub const INPUTS: [usize; 3] = [SHARED, SHARED + CELLS2, SHARED + CELLS2 + UNITS[0]];
    /// The network's outputs.
    pub const OUTPUTS: usize = INPUTS[2] + UNITS[1];
    /// The delta of each dense layer.
    pub const DELTAS: [usize; 3] = [DELTAS_3 + 16 + UNITS[1], DELTAS_3 + 16, DELTAS_3];
    const DELTAS_3: usize = OUTPUTS + 16;
    /// Parts of sums of which threads do a part each.
    pub const PARTS: usize = DELTAS[0] + UNITS[0];
    /// fc3's weights, kept for the way back, after the parts of its sums.
    pub const WEIGHTS_FC3: usize = PARTS + 256;

    /// On the way back, what reaches conv2's input from each pooling window, 6 x 6 values: where the dense layers were.
    pub const FIELDS: usize = SHARED;
    /// On the way back, the pixel of each of conv1's cells at which the window of the chosen sum begins, as a float:
    /// where conv2's weights were.
    pub const PIXEL: usize = WEIGHTS2;

    /// Floats in use.
    pub const USED: usize = FIELDS + 6 * 16 * 36;
    /// Floats that are allocated; those after the used ones must stay as they are.
    pub const LENGTH: usize = USED + 4;
}

/// Images of which `samples` leaves records at a time: a batch of more takes several launches.
pub const CHUNK: usize = 1024;

/// Floats from the losses of a pass of `count` images to its right answers, which lie in the same buffer.
pub const fn correct_at(count: usize) -> usize {
    count.next_multiple_of(ALIGNMENT)
}

const _: () = assert!(4 * memory::LENGTH <= 32 << 10);
const _: () = assert!(memory::PARTS + 8 * CELLS2 <= memory::USED);
const _: () = assert!(memory::WEIGHTS_FC3 + 840 <= memory::USED);
const _: () = assert!(memory::PIXEL + CELLS1 <= memory::CELLS_1);
// Four floats of a row are read at once.
const _: () = assert!(
    CONVOLUTIONS.is_multiple_of(4)
        && OFFSETS[5].is_multiple_of(4)
        && OFFSETS[6].is_multiple_of(4)
        && OFFSETS[7].is_multiple_of(4)
);
