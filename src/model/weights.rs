//! The parameters of the network on the host.

use super::shape::{PARAMETERS, TENSORS, TensorSpec, range};

/// All parameters of LeNet: 44,426 values in one vector.
///
/// The ten tensors of [`TENSORS`] follow each other, each row-major in the layout of Burn's layers: a convolution's weight is
/// `[C_out, C, 5, 5]`, a dense layer's weight is `[C, C_out]`. Gradients and optimizer slots have the same layout. Only
/// [`crate::format`] converts to PyTorch's layout, in which a dense layer's weight is `[C_out, C]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(Vec<f32>);

impl Weights {
    /// Wraps all parameters, in the layout of [`Weights`].
    ///
    /// # Panics
    /// Panics if the number of values is not [`PARAMETERS`].
    pub fn new(values: Vec<f32>) -> Self {
        assert_eq!(values.len(), PARAMETERS);
        Self(values)
    }

    /// Returns weights that are all zero.
    pub fn zeros() -> Self {
        Self(vec![0.0; PARAMETERS])
    }

    /// Returns all parameters.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Returns all parameters for modification.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }

    /// Returns the values of tensor `index` of [`TENSORS`].
    pub fn tensor(&self, index: usize) -> &[f32] {
        &self.0[range(index)]
    }

    /// Returns the values of tensor `index` of [`TENSORS`] for modification.
    pub fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.0[range(index)]
    }

    /// Returns the first value that is NaN or infinite, with its tensor.
    pub fn first_non_finite(&self) -> Option<(&'static TensorSpec, f32)> {
        TENSORS.iter().enumerate().find_map(|(index, spec)| {
            let value = self.tensor(index).iter().find(|value| !value.is_finite())?;
            Some((spec, *value))
        })
    }
}
