//! The weights of LeNet as plain numbers on the host, in PyTorch's names and layouts: the form in which
//! every file format and every backend meet.

use std::fmt;

/// Name and shape of one of the ten parameter tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorSpec {
    /// PyTorch's name, as in `conv1.weight`.
    pub name: &'static str,
    /// PyTorch's layout: `[out, in, height, width]` for a convolution, `[out, in]` for a dense layer,
    /// `[out]` for a bias.
    pub shape: &'static [usize],
}

impl TensorSpec {
    /// Number of values in the tensor.
    pub const fn numel(&self) -> usize {
        let (mut product, mut axis) = (1, 0);
        while axis < self.shape.len() {
            product *= self.shape[axis];
            axis += 1;
        }
        product
    }
}

impl fmt::Display for TensorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.shape)
    }
}

const fn spec(name: &'static str, shape: &'static [usize]) -> TensorSpec {
    TensorSpec { name, shape }
}

/// The ten tensors in the order in which every list of them stands.
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

/// All parameters of LeNet: 44,426 numbers in ten tensors, each row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    tensors: [Vec<f32>; 10],
}

impl Weights {
    /// Takes the tensors in the order of [`TENSORS`].
    ///
    /// # Panics
    /// If a tensor has another number of values than its [`TensorSpec`] says; readers of files check before.
    pub fn new(tensors: [Vec<f32>; 10]) -> Self {
        for (spec, tensor) in TENSORS.iter().zip(&tensors) {
            assert_eq!(tensor.len(), spec.numel(), "values of {spec}");
        }
        Self { tensors }
    }

    /// Weights whose every value is zero.
    pub fn zeros() -> Self {
        Self { tensors: TENSORS.map(|spec| vec![0.0; spec.numel()]) }
    }

    /// Each tensor with its name and shape, in the order of [`TENSORS`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static TensorSpec, &[f32])> {
        TENSORS.iter().zip(self.tensors.iter().map(Vec::as_slice))
    }

    /// The values alone, in the order of [`TENSORS`].
    pub fn tensors(&self) -> &[Vec<f32>; 10] {
        &self.tensors
    }

    /// The values alone, to be changed in place.
    pub fn tensors_mut(&mut self) -> &mut [Vec<f32>; 10] {
        &mut self.tensors
    }

    /// The first value that is not finite, as its tensor, its index in it, and itself.
    pub fn first_non_finite(&self) -> Option<(&'static TensorSpec, usize, f32)> {
        self.iter().find_map(|(spec, values)| {
            let index = values.iter().position(|v| !v.is_finite())?;
            Some((spec, index, values[index]))
        })
    }
}
