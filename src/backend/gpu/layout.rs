//! Memory layout of the buffers on the device and of workgroup memory.
//!
//! All kernels index by these constants, so that no kernel has an argument that would have to be sent at every launch.

use crate::data::PIXELS;
use crate::model::{CONV1, CONV2, FC1, FC2, FC3, OFFSETS, PARAMETERS};

/// Threads of a workgroup that processes an image.
pub const THREADS: usize = 256;
/// Parameters of the two convolutions, which precede all others.
pub const CONVOLUTIONS: usize = OFFSETS[4];
/// Outputs of the dense layers.
pub const UNITS: [usize; 3] = [FC1.outputs, FC2.outputs, FC3.outputs];

/// Words per image: the pixels, four per word with the first in the lowest byte, and the label.
pub const IMAGE_WORDS: usize = LABEL + 1;
/// Index of the label among the words of an image.
pub const LABEL: usize = PIXELS / 4;

/// Alignment in floats that satisfies the buffer alignment of every device (256 bytes).
pub const ALIGNMENT: usize = 64;
/// Floats per slot. The parameters are in slot 0, and each value that the optimizer keeps per parameter has a further slot.
pub const SLOT: usize = PARAMETERS.next_multiple_of(ALIGNMENT);

/// Images per launch of `forward_backward`: a larger minibatch takes several launches.
pub const CHUNK: usize = 1024;

/// Returns the offset, in floats, at which the correctness values of `count` images follow their losses in the results buffer.
pub const fn correct_at(count: usize) -> usize {
    count.next_multiple_of(ALIGNMENT)
}

/// Saved activations and gradients of an image, written by `forward_backward` and read by `update`: the gradients of the
/// convolutions in the layout of the parameters, then x of each dense layer, then d_z of each dense layer.
pub mod saved {
    use super::{CONVOLUTIONS, FC1, FC2, FC3, UNITS};

    /// x of each dense layer.
    pub const X: [usize; 3] =
        [CONVOLUTIONS, CONVOLUTIONS + FC1.inputs, CONVOLUTIONS + FC1.inputs + FC2.inputs];
    /// d_z of each dense layer.
    pub const D_Z: [usize; 3] =
        [X[2] + FC3.inputs, X[2] + FC3.inputs + UNITS[0], X[2] + FC3.inputs + UNITS[0] + UNITS[1]];
    /// Floats per image.
    pub const LENGTH: usize = D_Z[2] + UNITS[2];
}

/// The position in the epoch and the constants of the epoch, as words; floats are stored as their bit patterns.
pub mod epoch {
    /// Position in the image order of the first image that `forward_backward` processes next; `update` advances it.
    pub const NEXT: usize = 0;
    /// Position in the image order of the current launch's first image. Stored separately from [`NEXT`]: if a kernel read and
    /// advanced the same counter, its workgroups would race.
    pub const CURRENT: usize = 1;
    /// Number of images of the epoch.
    pub const COUNT: usize = 2;
    /// Images per minibatch.
    pub const BATCH_SIZE: usize = 3;
    /// Mean that is subtracted from a pixel.
    pub const MEAN: usize = 4;
    /// Standard deviation by which the difference is divided.
    pub const DEVIATION: usize = 5;
    /// Momentum.
    pub const MOMENTUM: usize = 6;
    /// Weight decay.
    pub const WEIGHT_DECAY: usize = 7;
    /// Weight decay of the matrices that Muon updates.
    pub const MUON_WEIGHT_DECAY: usize = 8;
    /// Learning rate of each minibatch.
    pub const LEARNING_RATES: usize = 9;
}

/// Buffers of the Newton-Schulz iterations, in the buffer of the parameters after its slots.
pub mod muon {
    use super::{ALIGNMENT, SLOT};
    use crate::optim::MATRICES;

    /// Number of rows (longer side) and columns (shorter side) of x of each matrix.
    pub const SIDES: [[usize; 2]; 3] = {
        let mut sides = [[0; 2]; 3];
        let mut index = 0;
        while index < 3 {
            let (rows, columns) = (MATRICES[index].rows, MATRICES[index].columns);
            sides[index] = if rows < columns { [columns, rows] } else { [rows, columns] };
            // Tiles have two or four rows, and four columns.
            assert!(sides[index][0].is_multiple_of(2) && sides[index][1].is_multiple_of(4));
            index += 1;
        }
        sides
    };
    /// Offset of each x among all x, and the end of the last one.
    pub const X: [usize; 4] = offsets([0, 1]);
    /// Offset of each square matrix (a Gram matrix or its polynomial) among the square matrices, and the end of the last one.
    /// The side of a square matrix is the shorter side of x.
    pub const SQUARES: [usize; 4] = offsets([1, 1]);

    const fn offsets(sides: [usize; 2]) -> [usize; 4] {
        let mut offsets = [0; 4];
        let mut index = 0;
        while index < 3 {
            offsets[index + 1] = offsets[index] + SIDES[index][sides[0]] * SIDES[index][sides[1]];
            index += 1;
        }
        offsets
    }

    /// The matrices' update directions, which are x in the first iteration.
    pub const DIRECTIONS: usize = 2 * SLOT;
    /// x in the second iteration. Later iterations alternate between the two buffers.
    pub const NEXT: usize = DIRECTIONS + X[3];
    /// Gram matrix of each x.
    pub const GRAM: usize = NEXT + X[3];
    /// Polynomial of each Gram matrix.
    pub const POLYNOMIAL: usize = GRAM + SQUARES[3];
    /// Floats of the buffer.
    pub const END: usize = (POLYNOMIAL + SQUARES[3]).next_multiple_of(ALIGNMENT);
}

/// Memory of a workgroup that processes an image.
pub mod memory {
    use super::{CONV1, CONV2, CONVOLUTIONS, FC1, FC2, OFFSETS, PIXELS, UNITS};

    /// The image.
    pub const IMAGE: usize = 0;
    /// Parameters of the convolutions.
    pub const WEIGHTS: usize = IMAGE + PIXELS;
    /// Weight of conv2.
    pub const WEIGHT_CONV2: usize = WEIGHTS + OFFSETS[2];
    /// Activations of conv1, or in the backward pass d_z of conv1.
    pub const CONV1_CELLS: usize = WEIGHTS + CONVOLUTIONS;
    /// d_z of conv2, which applies to the maximum of each pooling window.
    pub const D_CONV2: usize = CONV1_CELLS + CONV1.output_len();
    /// Index of the maximum in each pooling window of conv2, 2 * row + column, as a float.
    pub const ARGMAX_CONV2: usize = D_CONV2 + CONV2.output_len();
    /// Start of the memory that holds different values in different stages.
    pub const SHARED: usize = ARGMAX_CONV2 + CONV2.output_len();

    /// x of each dense layer; the first is the output of conv2.
    pub const X: [usize; 3] = [SHARED, SHARED + FC1.inputs, SHARED + FC1.inputs + FC2.inputs];
    /// Outputs of the network.
    pub const OUTPUTS: usize = X[2] + UNITS[1];
    /// d_z of each dense layer.
    pub const D_Z: [usize; 3] = [D_FC3 + 16 + UNITS[1], D_FC3 + 16, D_FC3];
    const D_FC3: usize = OUTPUTS + 16;
    /// Partial sums.
    pub const PARTS: usize = D_Z[0] + UNITS[0];
    /// Weight of fc3, kept for the backward pass. It follows the partial sums of fc3 in memory.
    pub const WEIGHT_FC3: usize = PARTS + 256;

    /// Side of the patch of conv2's input that a pooling window is computed from.
    pub const PATCH: usize = 6;
    /// Backward pass: gradient of conv2's input from each pooling window ([`PATCH`] x [`PATCH`] values). Reuses the memory of the
    /// dense layers.
    pub const PATCHES: usize = SHARED;
    /// Backward pass: for each cell of conv1, the index of the upper left pixel that the kernel covers at the position of the
    /// maximum, as a float. Reuses the memory of conv2's weight.
    pub const PIXEL_CONV1: usize = WEIGHT_CONV2;

    /// Floats in use.
    pub const USED: usize = PATCHES + CONV2.inputs * CONV2.cells() * PATCH * PATCH;
    /// Floats that are allocated. Checked kernels verify that the unused floats at the end do not change.
    pub const LENGTH: usize = USED + 4;
}

const _: () = assert!(4 * memory::LENGTH <= 32 << 10);
const _: () = assert!(memory::PARTS + 8 * CONV2.output_len() <= memory::USED);
const _: () = assert!(memory::WEIGHT_FC3 + FC3.inputs * FC3.outputs <= memory::USED);
const _: () = assert!(memory::PIXEL_CONV1 + CONV1.output_len() <= memory::CONV1_CELLS);
// Weights are loaded four floats at a time, so the offsets of the weights are multiples of four.
const _: () = assert!(
    CONVOLUTIONS.is_multiple_of(4)
        && OFFSETS[5].is_multiple_of(4)
        && OFFSETS[6].is_multiple_of(4)
        && OFFSETS[7].is_multiple_of(4)
);
