//! Steps that all formats share: decoding of numbers, checks, and the conversion between [`Weights`] and PyTorch's layout.

use std::borrow::Cow;

use burn::tensor::{bf16, f16};

use crate::model::{TENSORS, TensorSpec, Weights};

use super::{Fault, FaultKind};
use crate::io::text::quoted;

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
pub(super) fn from_torch_layout(index: usize, values: &[f32]) -> Cow<'_, [f32]> {
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

/// A type of floating-point numbers. The names are those of Burn and safetensors, and those of PyTorch's storages.
const FLOATS: [(&str, &str, usize); 4] = [
    ("F32", "FloatStorage", 4),
    ("F16", "HalfStorage", 2),
    ("BF16", "BFloat16Storage", 2),
    ("F64", "DoubleStorage", 8),
];

/// Returns whether the numbers of this type are rounded when they are converted to 32 bits.
pub(super) fn is_rounded(dtype: &str) -> bool {
    ["F64", "DoubleStorage"].contains(&dtype)
}

/// Decodes `count` little-endian floating-point numbers of type `dtype`, which take all of `bytes`. Numbers of 16 bits are widened
/// exactly, and numbers of 64 bits are rounded to the nearest 32-bit number, ties to even.
///
/// # Errors
/// Returns an error if the type is not a floating-point type, or if `bytes` has a different length.
pub(super) fn floats(
    name: &str,
    dtype: &str,
    count: usize,
    bytes: &[u8],
) -> Result<Vec<f32>, Fault> {
    let known = FLOATS.iter().find(|(burn, torch, _)| [*burn, *torch].contains(&dtype));
    let Some((burn, _, width)) = known else {
        return Err(Fault::mismatch(name, "type", "F32, F16, BF16 or F64", quoted(dtype)));
    };
    if Some(bytes.len()) != count.checked_mul(*width) {
        let expected = format!("{count} values of {width} bytes");
        return Err(Fault::mismatch(name, "size", expected, format!("{} bytes", bytes.len())));
    }
    Ok(match *burn {
        "F32" => bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect(),
        "F16" => {
            bytes.as_chunks().0.iter().map(|value| f16::from_le_bytes(*value).to_f32()).collect()
        }
        "BF16" => {
            bytes.as_chunks().0.iter().map(|value| bf16::from_le_bytes(*value).to_f32()).collect()
        }
        _ => bytes.as_chunks().0.iter().map(|value| f64::from_le_bytes(*value) as f32).collect(),
    })
}

/// Checks that all weights are finite.
pub(super) fn check_finite(weights: &Weights) -> Result<(), Fault> {
    TENSORS.iter().zip(to_torch(weights)).try_for_each(|(spec, values)| check_values(spec, &values))
}

/// Checks that all values of a tensor are finite.
pub(super) fn check_values(spec: &TensorSpec, values: &[f32]) -> Result<(), Fault> {
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

    #[test]
    fn numbers_are_converted_to_f32() {
        let decode = |dtype, bytes: &[u8]| floats("fc3.bias", dtype, 2, bytes);
        // One and a half, and the smallest subnormal number of each type.
        assert_eq!(decode("F16", &[0, 0x3e, 1, 0]).unwrap(), [1.5, 2.0_f32.powi(-24)]);
        assert_eq!(decode("BF16", &[0xc0, 0x3f, 1, 0]).unwrap(), [1.5, f32::from_bits(0x10000)]);
        let halfway = 1.0 + 2.0_f64.powi(-24);
        let bytes = [halfway, halfway + 1e-12].map(f64::to_le_bytes);
        assert_eq!(
            decode("DoubleStorage", bytes.as_flattened()).unwrap(),
            [1.0, 1.0 + f32::EPSILON]
        );
        let short = decode("HalfStorage", &[0; 3]).unwrap_err().to_string();
        assert_eq!(short, "fc3.bias: expected size 2 values of 2 bytes, found 3 bytes");
        let integers = decode("LongStorage", &[0; 16]).unwrap_err().to_string();
        assert!(integers.contains("found \"LongStorage\""), "{integers}");
    }
}
