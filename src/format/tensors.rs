//! What the readers share: a tensor's raw bytes become checked numbers, ten tensors become [`Weights`].

use crate::model::{TENSORS, TensorSpec, Weights};

use super::Fault;
use crate::io::text::quoted;

/// Ten tensors being collected from a file, in whatever order they come.
#[derive(Default)]
pub(super) struct Collector {
    tensors: [Option<Vec<f32>>; TENSORS.len()],
}

impl Collector {
    /// Adds tensor `index` of [`TENSORS`].
    ///
    /// # Panics
    /// If there are not as many values as its shape has; readers check that before.
    pub(super) fn add(&mut self, index: usize, values: Vec<f32>) -> Result<(), Fault> {
        let spec = &TENSORS[index];
        assert_eq!(values.len(), spec.numel(), "values of {spec}");
        check_values(spec, &values)?;
        if self.tensors[index].replace(values).is_some() {
            return Err(Fault::not_lenet(format!("{} is there twice", spec.name)));
        }
        Ok(())
    }

    /// The weights, once all ten tensors are there.
    pub(super) fn finish(self) -> Result<Weights, Fault> {
        let missing = TENSORS.iter().zip(&self.tensors).find(|(_, tensor)| tensor.is_none());
        if let Some((spec, _)) = missing {
            return Err(Fault::not_lenet(format!("{} is missing", spec.name)));
        }
        Ok(Weights::new(self.tensors.map(Option::unwrap_or_default)))
    }
}

/// The index in [`TENSORS`] of the tensor with this name.
pub(super) fn index_of(name: &str) -> Result<usize, Fault> {
    let index = TENSORS.iter().position(|spec| spec.name == name);
    index.ok_or_else(|| Fault::not_lenet(format!("{} is not a part of LeNet", quoted(name))))
}

/// Refuses a shape other than `expected`.
pub(super) fn check_shape(name: &str, expected: &[usize], found: &[usize]) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    let found = match found.get(..8) {
        // A hostile file may claim any number of dimensions.
        Some(head) => format!("{} dimensions, {head:?}..", found.len()),
        None => format!("{found:?}"),
    };
    Err(Fault::mismatch(name, "shape", format!("{expected:?}"), found))
}

/// Refuses a number of bytes other than that of `values` 32-bit floats.
pub(super) fn check_bytes(name: &str, values: usize, found: usize) -> Result<(), Fault> {
    if found == 4 * values {
        return Ok(());
    }
    let [expected, found] = [4 * values, found].map(|bytes| format!("{bytes} bytes"));
    Err(Fault::mismatch(name, "size", expected, found))
}

/// Refuses a type of value other than 32-bit floats.
pub(super) fn check_type(name: &str, expected: &str, found: &str) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    Err(Fault::mismatch(name, "type", expected, quoted(found)))
}

/// Little-endian 32-bit floats; bytes after the last whole one are dropped.
pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

/// Refuses weights that are not all finite.
pub(super) fn check_finite(weights: &Weights) -> Result<(), Fault> {
    weights.iter().try_for_each(|(spec, values)| check_values(spec, values))
}

fn check_values(spec: &TensorSpec, values: &[f32]) -> Result<(), Fault> {
    let Some(index) = values.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    Err(Fault::unsupported(
        format!("{}: value {index} is {}, not a finite number", spec.name, values[index]),
        "the training diverged; train again with a smaller --lr",
    ))
}
