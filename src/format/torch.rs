//! `.pt`: what `torch.save(net.state_dict(), path)` writes since PyTorch 1.6, read without Python.
//!
//! It is a zip file of stored entries in one folder: `data.pkl` is the dictionary, `data/0`, `data/1`, .. are
//! the storages that its tensors point into, `byteorder` says how their numbers lie. A tensor may be a view: it
//! starts anywhere in its storage and has any strides.

use super::Fault;
use super::archive::Archive;
use super::pickle::{self, MAX_PICKLE_BYTES, TensorRef};
use super::tensors::{Collector, check_bytes, check_shape, check_type, floats, index_of};
use crate::io::text::quoted;
use crate::model::{TENSORS, TensorSpec, Weights};

/// The largest storage that is read, in bytes. All of LeNet's weights have 177,704.
const MAX_STORAGE_BYTES: usize = 1 << 20;

/// The weights in `bytes`, the content of a `.pt` file.
///
/// # Errors
/// If it holds anything but the ten tensors of LeNet, each of its exact shape, in 32-bit floats, all finite.
pub fn decode(bytes: &[u8]) -> Result<Weights, Fault> {
    if bytes.first() == Some(&0x80) {
        return Err(Fault::unsupported(
            "it is in the form that PyTorch wrote before 1.6, without a zip file",
            "save it again: torch.save(torch.load(path), path)",
        ));
    }
    let archive = Archive::new(bytes)?;
    let pickle = entry(&archive, "data.pkl", MAX_PICKLE_BYTES)?;
    let byte_order = archive.read("byteorder", 16)?;
    if byte_order.is_some_and(|order| order != b"little") {
        return Err(Fault::unsupported(
            "its numbers are not little-endian",
            "save it on an x86 or ARM machine",
        ));
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

/// Where in its storage each value of the tensor lies, row-major.
fn positions(spec: &TensorSpec, tensor: &TensorRef<'_>) -> Result<Vec<usize>, Fault> {
    if tensor.strides.len() != spec.shape.len() {
        let [expected, found] = [spec.shape, &tensor.strides].map(<[usize]>::len);
        return Err(Fault::mismatch(spec.name, "number of strides", expected, found));
    }
    // The last value is the furthest: no stride is negative.
    let steps = spec.shape.iter().zip(&tensor.strides);
    let last = steps.clone().try_fold(tensor.offset, |last, (size, stride)| {
        last.checked_add((size - 1).checked_mul(*stride)?)
    });
    if last.is_none_or(|last| last >= tensor.storage.values) {
        let expected = format!("within {} values", tensor.storage.values);
        let found = format!("offset {}, strides {:?}", tensor.offset, tensor.strides);
        return Err(Fault::mismatch(spec.name, "place in its storage", expected, found));
    }
    let first = vec![tensor.offset];
    Ok(steps.fold(first, |outer, (size, stride)| {
        outer.iter().flat_map(|start| (0..*size).map(move |index| start + index * stride)).collect()
    }))
}

/// The entry `name`, which must be there.
fn entry<'a>(archive: &Archive<'a>, name: &str, limit: usize) -> Result<&'a [u8], Fault> {
    let found = archive.read(name, limit)?;
    found.ok_or_else(|| Fault::not_lenet(format!("{} is missing", quoted(name))))
}
