//! Names, shapes and layout of the network's parameters, and every size that follows from them.

use std::ops::Range;

use crate::data::SIDE;

/// Name and shape of one of the ten parameter tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name in PyTorch, for example `conv1.weight`.
    pub name: &'static str,
    /// Shape in PyTorch's layout: `[out, in, height, width]` for a convolution, `[out, in]` for a dense layer,
    /// `[out]` for a bias.
    pub shape: &'static [usize],
}

impl TensorSpec {
    /// Returns the number of values in the tensor.
    pub const fn numel(&self) -> usize {
        let (mut product, mut axis) = (1, 0);
        while axis < self.shape.len() {
            product *= self.shape[axis];
            axis += 1;
        }
        product
    }
}

const fn spec(name: &'static str, shape: &'static [usize]) -> TensorSpec {
    TensorSpec { name, shape }
}

/// The ten tensors. All other lists of tensors have the same order.
pub const TENSORS: [TensorSpec; 10] = [
    spec("conv1.weight", &[6, 1, 5, 5]),
    spec("conv1.bias", &[6]),
    spec("conv2.weight", &[16, 6, 5, 5]),
    spec("conv2.bias", &[16]),
    spec("fc1.weight", &[120, 256]),
    spec("fc1.bias", &[120]),
    spec("fc2.weight", &[84, 120]),
    spec("fc2.bias", &[84]),
    spec("fc3.weight", &[10, 84]),
    spec("fc3.bias", &[10]),
];

/// Number of parameters.
pub const PARAMETERS: usize = OFFSETS[TENSORS.len()];

/// Offset of each tensor of [`TENSORS`] in [`Weights`](super::Weights), and the end of the last tensor.
pub const OFFSETS: [usize; TENSORS.len() + 1] = {
    let mut offsets = [0; TENSORS.len() + 1];
    let mut index = 0;
    while index < TENSORS.len() {
        offsets[index + 1] = offsets[index] + TENSORS[index].numel();
        index += 1;
    }
    offsets
};

/// Returns the range of tensor `index` of [`TENSORS`] in [`Weights`](super::Weights).
pub const fn range(index: usize) -> Range<usize> {
    OFFSETS[index]..OFFSETS[index + 1]
}

/// Height and width of a convolution's kernel.
pub const KERNEL: usize = TENSORS[0].shape[2];

/// Number of values in one kernel.
pub const TAPS: usize = KERNEL * KERNEL;

/// Number of outputs of the network: one per class.
pub const OUTPUTS: usize = FC3.outputs;

/// Sizes of a convolution without padding and of the 2x2 max-pool that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Input channels.
    pub inputs: usize,
    /// Height and width of the input.
    pub side: usize,
    /// Output channels.
    pub outputs: usize,
    /// Height and width after the max-pool.
    pub pooled: usize,
}

impl ConvShape {
    const fn new(weight: TensorSpec, side: usize) -> Self {
        let convolved = side - KERNEL + 1;
        Self { inputs: weight.shape[1], side, outputs: weight.shape[0], pooled: convolved / 2 }
    }

    /// Returns the number of values of one input channel.
    pub const fn plane(self) -> usize {
        self.side * self.side
    }

    /// Returns the number of values of one output channel after the max-pool.
    pub const fn cells(self) -> usize {
        self.pooled * self.pooled
    }

    /// Returns the number of input values per image.
    pub const fn input_len(self) -> usize {
        self.inputs * self.plane()
    }

    /// Returns the number of values per image after the max-pool.
    pub const fn output_len(self) -> usize {
        self.outputs * self.cells()
    }

    /// Returns the number of values in the weight tensor.
    pub const fn weight_len(self) -> usize {
        self.outputs * self.inputs * TAPS
    }
}

/// conv1 and its max-pool: `[N, 1, 28, 28]` -> `[N, 6, 12, 12]`.
pub const CONV1: ConvShape = ConvShape::new(TENSORS[0], SIDE);
/// conv2 and its max-pool: `[N, 6, 12, 12]` -> `[N, 16, 4, 4]`.
pub const CONV2: ConvShape = ConvShape::new(TENSORS[2], CONV1.pooled);

/// Sizes of a dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseShape {
    /// Input values per image.
    pub inputs: usize,
    /// Output values per image.
    pub outputs: usize,
}

impl DenseShape {
    const fn new(weight: TensorSpec) -> Self {
        Self { inputs: weight.shape[1], outputs: weight.shape[0] }
    }
}

/// fc1: `[N, 256]` -> `[N, 120]`.
pub const FC1: DenseShape = DenseShape::new(TENSORS[4]);
/// fc2: `[N, 120]` -> `[N, 84]`.
pub const FC2: DenseShape = DenseShape::new(TENSORS[6]);
/// fc3: `[N, 84]` -> `[N, 10]`.
pub const FC3: DenseShape = DenseShape::new(TENSORS[8]);

const _: () = assert!(PARAMETERS == 44_426);
const _: () = assert!(CONV2.inputs == CONV1.outputs && FC1.inputs == CONV2.output_len());
const _: () = assert!(FC2.inputs == FC1.outputs && FC3.inputs == FC2.outputs);
