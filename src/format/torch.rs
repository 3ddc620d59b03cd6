//! `.pt`: files that PyTorch 1.6 and later writes with `torch.save(net.state_dict(), path)`, read without Python.
//!
//! The file is a zip archive of uncompressed entries in one directory. `data.pkl` is the dictionary of tensors, `data/0`,
//! `data/1`, .. are their storages, and `byteorder` gives their endianness. A tensor may be a view with any offset and any
//! strides.

use super::archive::Archive;
use super::pickle::{self, MAX_PICKLE_BYTES, TensorRef};
use super::tensors::{Collector, check_bytes, check_shape, check_type, floats, index_of};
use super::{Fault, FaultKind};
use crate::io::text::quoted;
use crate::model::{TENSORS, TensorSpec, Weights};

/// Maximum size of a storage in bytes. All weights of LeNet together need 177,704 bytes.
const MAX_STORAGE_BYTES: usize = 1 << 20;

/// Decodes the content of a `.pt` file.
///
/// # Errors
/// Returns an error if the file does not contain exactly the ten tensors of LeNet as finite 32-bit floats.
pub fn decode(bytes: &[u8]) -> Result<Weights, Fault> {
    if bytes.first() == Some(&0x80) {
        return Err(Fault::new(
            FaultKind::LegacyTorch,
            "the file is in PyTorch's pre-1.6 format, which is not a zip file",
        ));
    }
    let archive = Archive::new(bytes)?;
    let pickle = entry(&archive, "data.pkl", MAX_PICKLE_BYTES)?;
    let byte_order = archive.read("byteorder", 16)?;
    if byte_order.is_some_and(|order| order != b"little") {
        return Err(Fault::new(FaultKind::BigEndian, "the numbers are not little-endian"));
    }
    let mut tensors = Collector::default();
    for (name, tensor) in pickle::state_dict(pickle)? {
        let index = index_of(name)?;
        tensors.add_torch(index, &read_tensor(&archive, &TENSORS[index], &tensor)?)?;
    }
    tensors.finish()
}

fn read_tensor(
    archive: &Archive<'_>,
    spec: &TensorSpec,
    tensor: &TensorRef<'_>,
) -> Result<Vec<f32>, Fault> {
    check_type(spec.name, "FloatStorage", tensor.storage.kind)?;
    check_shape(spec.name, spec.shape, &tensor.shape)?;
    let positions = positions(spec, tensor)?;
    let bytes = entry(archive, &format!("data/{}", tensor.storage.key), MAX_STORAGE_BYTES)?;
    check_bytes(spec.name, tensor.storage.values, bytes.len())?;
    let storage = floats(bytes);
    Ok(positions.into_iter().map(|at| storage[at]).collect())
}

/// Returns the index in the storage of each value of the tensor, in row-major order.
fn positions(spec: &TensorSpec, tensor: &TensorRef<'_>) -> Result<Vec<usize>, Fault> {
    if tensor.strides.len() != spec.shape.len() {
        let [expected, found] = [spec.shape, &tensor.strides].map(<[usize]>::len);
        return Err(Fault::mismatch(spec.name, "number of strides", expected, found));
    }
    // The last value has the largest index, because strides are never negative.
    let steps = spec.shape.iter().zip(&tensor.strides);
    let last = steps.clone().try_fold(tensor.offset, |last, (size, stride)| {
        last.checked_add((size - 1).checked_mul(*stride)?)
    });
    if last.is_none_or(|last| last >= tensor.storage.values) {
        let expected = format!("within {} values", tensor.storage.values);
        let found = format!("offset {}, strides {:?}", tensor.offset, tensor.strides);
        return Err(Fault::mismatch(spec.name, "storage indices", expected, found));
    }
    let first = vec![tensor.offset];
    Ok(steps.fold(first, |outer, (size, stride)| {
        outer.iter().flat_map(|start| (0..*size).map(move |index| start + index * stride)).collect()
    }))
}

/// Reads an entry of the archive.
///
/// # Errors
/// Returns an error if the entry is missing, has more than `limit` bytes, or is corrupt.
fn entry<'a>(archive: &Archive<'a>, name: &str, limit: usize) -> Result<&'a [u8], Fault> {
    let found = archive.read(name, limit)?;
    found.ok_or_else(|| Fault::not_lenet(format!("{} is missing", quoted(name))))
}
