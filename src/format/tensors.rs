//! Steps that all formats share: checks of a tensor's bytes, and the conversion between [`Weights`] and PyTorch's layout.

use std::borrow::Cow;

use crate::model::{TENSORS, TensorSpec, Weights};

use super::{Fault, FaultKind};
use crate::io::text::quoted;

/// The ten tensors of a file, collected in any order.
pub(super) struct Collector {
    weights: Weights,
    is_found: [bool; TENSORS.len()],
}

impl Default for Collector {
    fn default() -> Self {
        Self { weights: Weights::zeros(), is_found: [false; TENSORS.len()] }
    }
}

impl Collector {
    /// Adds tensor `index` of [`TENSORS`] in the layout of [`Weights`].
    ///
    /// # Errors
    /// Returns an error if a value is not finite or the tensor has been added before.
    ///
    /// # Panics
    /// Panics if the number of values does not match the tensor's shape; readers check that number before.
    pub(super) fn add(&mut self, index: usize, values: &[f32]) -> Result<(), Fault> {
        check_values(&TENSORS[index], values)?;
        self.store(index, values)
    }

    /// Adds tensor `index` of [`TENSORS`] in PyTorch's layout; see [`Self::add`].
    pub(super) fn add_torch(&mut self, index: usize, values: &[f32]) -> Result<(), Fault> {
        check_values(&TENSORS[index], values)?;
        self.store(index, &from_torch_layout(index, values))
    }

    fn store(&mut self, index: usize, values: &[f32]) -> Result<(), Fault> {
        if std::mem::replace(&mut self.is_found[index], true) {
            return Err(Fault::not_lenet(format!("duplicate tensor {}", TENSORS[index].name)));
        }
        self.weights.tensor_mut(index).copy_from_slice(values);
        Ok(())
    }

    /// Returns the weights if all ten tensors have been added.
    pub(super) fn finish(self) -> Result<Weights, Fault> {
        let missing = TENSORS.iter().zip(self.is_found).find(|(_, is_found)| !is_found);
        match missing {
            Some((spec, _)) => Err(Fault::not_lenet(format!("{} is missing", spec.name))),
            None => Ok(self.weights),
        }
    }
}

/// Returns the ten tensors in the order of [`TENSORS`] and in PyTorch's layout, in which the weight of a dense layer is
/// `[C_out, C]`.
pub fn to_torch(weights: &Weights) -> [Vec<f32>; TENSORS.len()] {
    std::array::from_fn(|index| match TENSORS[index].shape {
        [outputs, inputs] => transpose(weights.tensor(index), *inputs, *outputs),
        _ => weights.tensor(index).to_vec(),
    })
}

/// Converts ten tensors in the order of [`TENSORS`] from PyTorch's layout to the layout of [`Weights`].
///
/// # Panics
/// Panics if the number of values does not match a tensor's shape.
pub fn from_torch(tensors: &[Vec<f32>; TENSORS.len()]) -> Weights {
    let mut weights = Weights::zeros();
    for (index, values) in tensors.iter().enumerate() {
        weights.tensor_mut(index).copy_from_slice(&from_torch_layout(index, values));
    }
    weights
}

/// Converts tensor `index` of [`TENSORS`] from PyTorch's layout to the layout of [`Weights`].
fn from_torch_layout(index: usize, values: &[f32]) -> Cow<'_, [f32]> {
    match TENSORS[index].shape {
        [outputs, inputs] => transpose(values, *outputs, *inputs).into(),
        _ => values.into(),
    }
}

/// Returns the transpose of a `rows` x `columns` matrix; both are row-major.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut result = Vec::with_capacity(values.len());
    for column in 0..columns {
        result.extend((0..rows).map(|row| values[row * columns + column]));
    }
    result
}

/// Returns the index in [`TENSORS`] of the tensor with this name.
pub(super) fn index_of(name: &str) -> Result<usize, Fault> {
    let index = TENSORS.iter().position(|spec| spec.name == name);
    index.ok_or_else(|| Fault::not_lenet(format!("{} is not a tensor of LeNet", quoted(name))))
}

/// Rejects shapes other than `expected`.
pub(super) fn check_shape(name: &str, expected: &[usize], found: &[usize]) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    let found = match found.get(..8) {
        // A malicious file may have any number of dimensions.
        Some(head) => format!("{} dimensions, {head:?}..", found.len()),
        None => format!("{found:?}"),
    };
    Err(Fault::mismatch(name, "shape", format!("{expected:?}"), found))
}

/// Checks that a tensor of `values` 32-bit floats takes `found` bytes.
pub(super) fn check_bytes(name: &str, values: usize, found: usize) -> Result<(), Fault> {
    if found == 4 * values {
        return Ok(());
    }
    let [expected, found] = [4 * values, found].map(|bytes| format!("{bytes} bytes"));
    Err(Fault::mismatch(name, "size", expected, found))
}

/// Rejects types other than `expected`.
pub(super) fn check_type(name: &str, expected: &str, found: &str) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    Err(Fault::mismatch(name, "type", expected, quoted(found)))
}

/// Decodes little-endian 32-bit floats. Trailing bytes are ignored.
pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

/// Checks that all weights are finite.
pub(super) fn check_finite(weights: &Weights) -> Result<(), Fault> {
    TENSORS.iter().zip(to_torch(weights)).try_for_each(|(spec, values)| check_values(spec, &values))
}

fn check_values(spec: &TensorSpec, values: &[f32]) -> Result<(), Fault> {
    let Some(index) = values.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    Err(Fault::new(
        FaultKind::NonFinite,
        format!("{}: value {index} is {}, not a finite number", spec.name, values[index]),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OFFSETS;

    #[test]
    fn torch_layout_round_trips() {
        let weights = Weights::initial(1, 1.0);
        let tensors = to_torch(&weights);
        assert_eq!(from_torch(&tensors), weights);
        // fc1: weight [0, 1] in PyTorch is weight [1, 0] in Burn.
        assert_eq!(weights.values()[OFFSETS[4] + 120], tensors[4][1]);
        assert_eq!(weights.tensor(3), tensors[3]);
    }
}
