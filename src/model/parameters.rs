//! All parameters as one row of numbers: the layout in which a step reads and changes them, on every backend.
//!
//! The ten tensors stand one after the other in the order of [`TENSORS`], each as Burn's layers keep it: a convolution's
//! weight `[C_out, C, 5, 5]`, a dense layer's `[C, C_out]`. Gradients and velocities have the same layout.

use std::ops::Range;

use super::transpose;
use super::weights::{TENSORS, Weights};

/// Number of parameters.
pub const PARAMETERS: usize = OFFSETS[TENSORS.len()];

/// Where each tensor of [`TENSORS`] begins, and where the last one ends.
pub const OFFSETS: [usize; TENSORS.len() + 1] = {
    let mut offsets = [0; TENSORS.len() + 1];
    let mut index = 0;
    while index < TENSORS.len() {
        offsets[index + 1] = offsets[index] + TENSORS[index].numel();
        index += 1;
    }
    offsets
};

/// The places of tensor `index` of [`TENSORS`].
pub const fn range(index: usize) -> Range<usize> {
    OFFSETS[index]..OFFSETS[index + 1]
}

impl Weights {
    /// All values in the layout of this module.
    pub fn to_parameters(&self) -> Vec<f32> {
        let mut parameters = Vec::with_capacity(PARAMETERS);
        for (spec, values) in self.iter() {
            match spec.shape {
                [outputs, inputs] => parameters.extend(transpose(values, *outputs, *inputs)),
                _ => parameters.extend_from_slice(values),
            }
        }
        parameters
    }

    /// From all values in the layout of this module.
    ///
    /// # Panics
    /// If there are not [`PARAMETERS`] of them.
    pub fn from_parameters(parameters: &[f32]) -> Self {
        assert_eq!(parameters.len(), PARAMETERS);
        let mut index = 0;
        Self::new(TENSORS.map(|spec| {
            let values = &parameters[range(index)];
            index += 1;
            match spec.shape {
                [outputs, inputs] => transpose(values, *inputs, *outputs),
                _ => values.to_vec(),
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_there_and_back_changes_nothing() {
        assert_eq!(PARAMETERS, 44_426);
        let weights = Weights::initial(1, 1.0);
        let parameters = weights.to_parameters();
        assert_eq!(Weights::from_parameters(&parameters), weights);
        // fc1: input 1 of output 0 comes after input 0 of all 120 outputs.
        assert_eq!(parameters[OFFSETS[4] + 120], weights.tensors()[4][1]);
        assert_eq!(parameters[range(3)], weights.tensors()[3]);
    }
}
