//! `.pt`: files that PyTorch 1.6 and later writes with `torch.save(net.state_dict(), path)`, read without Python. A state dict in
//! a checkpoint is read too, if its key is one of the usual ones.
//!
//! The file is a zip archive of uncompressed entries in one directory. `data.pkl` is the dictionary of tensors, `data/0`,
//! `data/1`, .. are their storages, and `byteorder` gives their endianness. A tensor may be a view with any offset and any
//! strides.

use std::ops::RangeInclusive;

use super::archive::Archive;
use super::assemble::{Layout, Named, assemble};
use super::pickle::{self, MAX_PICKLE_BYTES, StateDict, TensorRef};
use super::tensors::floats;
use super::{Fault, FaultKind, ModelFile};
use crate::io::text::quoted;
use crate::model::TensorSpec;

/// Maximum size of a storage in bytes. All weights of LeNet together need 177,704 bytes.
const MAX_STORAGE_BYTES: usize = 1 << 20;

/// The versions of the format that PyTorch reads.
const VERSIONS: RangeInclusive<u32> = 1..=10;

/// The types of storages, and the size of a value in bytes.
const STORAGES: [(&str, usize); 18] = [
    ("FloatStorage", 4),
    ("DoubleStorage", 8),
    ("HalfStorage", 2),
    ("BFloat16Storage", 2),
    ("LongStorage", 8),
    ("IntStorage", 4),
    ("ShortStorage", 2),
    ("CharStorage", 1),
    ("ByteStorage", 1),
    ("BoolStorage", 1),
    ("ComplexFloatStorage", 8),
    ("ComplexDoubleStorage", 16),
    ("QInt8Storage", 1),
    ("QInt32Storage", 4),
    ("QUInt8Storage", 1),
    ("QUInt4x2Storage", 1),
    ("QUInt2x4Storage", 1),
    // The number of values of this storage is its number of bytes.
    ("UntypedStorage", 1),
];

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
    let state = pickle::state_dict(pickle)?;
    let (tensors, key) = (&state.tensors, state.key);
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
    let file = file.map_err(|fault| fault.with_key(key))?;
    check_information(&archive)?;
    check_other_tensors(&archive, &state)?;
    Ok(file)
}

/// Checks the entries that describe the file. PyTorch parses them too. In a file without checksums, this is the only way to
/// detect that they are damaged.
fn check_information(archive: &Archive<'_>) -> Result<(), Fault> {
    let number = |name, range: RangeInclusive<u32>| {
        let Some(text) = archive.read(name, 16)?.map(String::from_utf8_lossy) else {
            return Ok(false);
        };
        match text.trim().parse().is_ok_and(|number| range.contains(&number)) {
            true => Ok(true),
            false => Err(Fault::malformed(format!("{name} is {}", quoted(&text)))),
        }
    };
    // PyTorch reads the second version only if the first is missing.
    if !number(".data/version", VERSIONS)? && !number("version", VERSIONS)? {
        return Err(Fault::malformed("version is missing"));
    }
    number(".storage_alignment", 0..=u32::MAX)?;
    let id = archive.read(".data/serialization_id", 64)?;
    match id.is_some_and(|id| std::str::from_utf8(id).is_err()) {
        true => Err(Fault::malformed(".data/serialization_id is not valid UTF-8")),
        false => Ok(()),
    }
}

/// Checks the storages and the tensors that are not among the weights, which PyTorch reads too.
fn check_other_tensors(archive: &Archive<'_>, state: &StateDict<'_>) -> Result<(), Fault> {
    for storage in &state.storages {
        let name = format!("data/{}", storage.key);
        let Some((_, width)) = STORAGES.iter().find(|(kind, _)| *kind == storage.kind) else {
            let kind = quoted(storage.kind);
            return Err(Fault::malformed(format!("{} has the unknown type {kind}", quoted(&name))));
        };
        let expected = storage.values.checked_mul(*width);
        let found = entry(archive, &name, usize::MAX)?.len();
        if expected != Some(found) {
            let expected = format!("{} values of {width} bytes", storage.values);
            return Err(Fault::mismatch(
                &quoted(&name),
                "size",
                expected,
                format!("{found} bytes"),
            ));
        }
    }
    match state.all_tensors.iter().find(|tensor| !tensor.fits()) {
        Some(tensor) => {
            let name = quoted(&format!("data/{}", tensor.storage.key));
            Err(Fault::malformed(format!("a tensor has values beyond the end of {name}")))
        }
        None => Ok(()),
    }
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
    if !tensor.fits() {
        let expected = format!("within {} values", tensor.storage.values);
        let found = format!("offset {}, strides {:?}", tensor.offset, tensor.strides);
        return Err(Fault::mismatch(spec.name, "storage indices", expected, found));
    }
    let steps = shape.iter().zip(&tensor.strides);
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
