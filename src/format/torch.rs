//! `.pt`: files that PyTorch 1.6 and later writes with `torch.save(net.state_dict(), path)`, read without Python. A state dict in
//! a checkpoint is read too, if its key is one of the usual ones.
//!
//! The file is a zip archive of uncompressed entries in one directory. `data.pkl` is the dictionary of tensors, `data/0`,
//! `data/1`, .. are their storages, and `byteorder` gives their endianness. A tensor may be a view with any offset and any
//! strides.

use super::archive::Archive;
use super::assemble::{Layout, Named, assemble};
use super::pickle::{self, MAX_PICKLE_BYTES, TensorRef};
use super::tensors::floats;
use super::{Fault, FaultKind, ModelFile};
use crate::io::text::quoted;
use crate::model::TensorSpec;

/// Maximum size of a storage in bytes. All weights of LeNet together need 177,704 bytes.
const MAX_STORAGE_BYTES: usize = 1 << 20;

/// The versions of the format that PyTorch reads.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=10;

/// Decodes the content of a `.pt` file.
///
/// # Errors
/// Returns an error if the file does not contain exactly the ten tensors of LeNet as finite floating-point numbers.
pub fn decode(bytes: &[u8]) -> Result<ModelFile, Fault> {
    let archive = Archive::new(bytes)?;
    let pickle = entry(&archive, "data.pkl", MAX_PICKLE_BYTES)?;
    let byte_order = archive.read("byteorder", 16)?;
    if byte_order.is_some_and(|order| order != b"little") {
        return Err(Fault::new(FaultKind::BigEndian, "the numbers are not little-endian"));
    }
    // PyTorch parses these entries. In a file without checksums, this is the only way to detect that they are damaged.
    for (name, range) in [("version", VERSIONS), (".storage_alignment", 0..=u32::MAX)] {
        let text = archive.read(name, 16)?.map(String::from_utf8_lossy);
        let is_valid = |text: &str| text.trim().parse().is_ok_and(|number| range.contains(&number));
        if let Some(text) = text.filter(|text| !is_valid(text)) {
            return Err(Fault::malformed(format!("{name} is {}", quoted(&text))));
        }
    }
    let id = archive.read(".data/serialization_id", 64)?;
    if id.is_some_and(|id| std::str::from_utf8(id).is_err()) {
        return Err(Fault::malformed(".data/serialization_id is not valid UTF-8"));
    }
    let (tensors, key) = pickle::state_dict(pickle)?;
    let named = tensors.iter().map(|(name, tensor)| Named {
        name,
        shape: &tensor.shape,
        dtype: tensor.storage.kind,
    });
    let mut file = assemble(Layout::OutIn, &named.collect::<Vec<_>>(), |place, spec| {
        read_tensor(&archive, spec, &tensors[place].1)
    });
    if let (Ok(file), Some(key)) = (&mut file, key) {
        file.notes.insert(0, format!("used the weights under the key {}", quoted(key)));
    }
    file.map_err(|fault| fault.with_key(key))
}

/// Returns the values of a tensor whose shape is that of `spec`, in the layout of the file.
fn read_tensor(
    archive: &Archive<'_>,
    spec: &TensorSpec,
    tensor: &TensorRef<'_>,
) -> Result<Vec<f32>, Fault> {
    let positions = positions(spec, tensor)?;
    let storage = tensor.storage;
    let bytes = entry(archive, &format!("data/{}", storage.key), MAX_STORAGE_BYTES)?;
    let storage = floats(spec.name, storage.kind, storage.values, bytes)?;
    Ok(positions.into_iter().map(|at| storage[at]).collect())
}

/// Returns the index in the storage of each value of the tensor, in row-major order.
fn positions(spec: &TensorSpec, tensor: &TensorRef<'_>) -> Result<Vec<usize>, Fault> {
    let shape = &tensor.shape;
    if tensor.strides.len() != shape.len() {
        let found = tensor.strides.len();
        return Err(Fault::mismatch(spec.name, "number of strides", shape.len(), found));
    }
    // The last value has the largest index, because strides are never negative.
    let steps = shape.iter().zip(&tensor.strides);
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
/// Returns an error if the entry is missing or has more than `limit` bytes.
fn entry<'a>(archive: &Archive<'a>, name: &str, limit: usize) -> Result<&'a [u8], Fault> {
    let found = archive.read(name, limit)?;
    found.ok_or_else(|| Fault::not_lenet(format!("{} is missing", quoted(name))))
}
