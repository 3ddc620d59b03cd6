//! `.pt`: what `torch.save(net.state_dict(), path)` writes since PyTorch 1.6, read without Python.
//!
//! It is a zip file of stored entries in one folder: `data.pkl` is the dictionary, `data/0`, `data/1`, .. are
//! the storages that its tensors point into, `byteorder` says how their numbers lie. A tensor may be a view: it
//! starts anywhere in its storage and has any strides.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::Fault;
use super::pickle::{self, MAX_PICKLE_BYTES, TensorRef};
use super::tensors::{Collector, check_bytes, check_shape, check_type, floats, index_of};
use crate::io::text::{one_line, quoted};
use crate::model::{TENSORS, TensorSpec, Weights};

/// The largest storage that is read, in bytes. All of LeNet's weights have 177,704.
const MAX_STORAGE_BYTES: usize = 1 << 20;

/// The weights in `bytes`, the content of a `.pt` file.
///
/// # Errors
/// If it holds anything but the ten tensors of LeNet, each of its exact shape, in 32-bit floats, all finite.
pub fn decode(bytes: &[u8]) -> Result<Weights, Fault> {
    if bytes.first() == Some(&0x80) {
        return Err(Fault::Unsupported {
            what: "it is in the form that PyTorch wrote before 1.6, without a zip file".to_owned(),
            hint: "save it again: torch.save(torch.load(path), path)",
        });
    }
    let mut archive = Archive::new(bytes)?;
    let pickle = archive.read("data.pkl", MAX_PICKLE_BYTES)?;
    let byte_order = archive.read_if_there("byteorder", 16)?;
    if byte_order.is_some_and(|order| order != b"little") {
        return Err(Fault::Unsupported {
            what: "its numbers are not little-endian".to_owned(),
            hint: "save it on an x86 or ARM machine",
        });
    }
    let mut tensors = Collector::default();
    for (name, tensor) in pickle::state_dict(&pickle)? {
        let Some(index) = index_of(name) else {
            return Err(Fault::Unknown(quoted(name)));
        };
        tensors.add(index, read_tensor(&mut archive, &TENSORS[index], &tensor)?)?;
    }
    tensors.finish()
}

fn read_tensor(
    archive: &mut Archive<'_>,
    spec: &TensorSpec,
    tensor: &TensorRef<'_>,
) -> Result<Vec<f32>, Fault> {
    check_type(spec.name, "FloatStorage", tensor.kind)?;
    check_shape(spec.name, spec.shape, &tensor.shape)?;
    let positions = positions(spec, tensor)?;
    let bytes = archive.read(&format!("data/{}", tensor.key), MAX_STORAGE_BYTES)?;
    check_bytes(spec.name, tensor.values, bytes.len())?;
    let storage = floats(&bytes);
    Ok(positions.into_iter().map(|at| storage[at]).collect())
}

/// Where in its storage each value of the tensor lies, row-major.
fn positions(spec: &TensorSpec, tensor: &TensorRef<'_>) -> Result<Vec<usize>, Fault> {
    if tensor.strides.len() != spec.shape.len() {
        return Err(Fault::Mismatch {
            name: spec.name.to_owned(),
            what: "number of strides",
            expected: spec.shape.len().to_string(),
            found: tensor.strides.len().to_string(),
        });
    }
    // The last value is the furthest: no stride is negative.
    let steps = spec.shape.iter().zip(&tensor.strides);
    let last = steps
        .clone()
        .try_fold(tensor.offset, |last, (size, stride)| {
            last.checked_add((size - 1).checked_mul(*stride)?)
        });
    if last.is_none_or(|last| last >= tensor.values) {
        return Err(Fault::Mismatch {
            name: spec.name.to_owned(),
            what: "place in its storage",
            expected: format!("within {} values", tensor.values),
            found: format!("offset {}, strides {:?}", tensor.offset, tensor.strides),
        });
    }
    let first = vec![tensor.offset];
    Ok(steps.fold(first, |outer, (size, stride)| {
        outer
            .iter()
            .flat_map(|start| (0..*size).map(move |index| start + index * stride))
            .collect()
    }))
}

/// The zip file, entries being named without their common folder.
struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// With its slash.
    folder: String,
}

impl<'a> Archive<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            Fault::Malformed(format!("not a sound zip file: {}", one_line(&error)))
        })?;
        let folder = zip.file_names().find_map(|name| {
            let name = name.ok()?;
            let folder = name.strip_suffix("data.pkl")?;
            let is_top = folder.ends_with('/') && folder.matches('/').count() == 1;
            is_top.then(|| folder.to_owned())
        });
        match folder {
            Some(folder) => Ok(Self { zip, folder }),
            None => Err(Fault::Missing("data.pkl".to_owned())),
        }
    }

    fn read(&mut self, name: &str, limit: usize) -> Result<Vec<u8>, Fault> {
        self.read_if_there(name, limit)?
            .ok_or_else(|| Fault::Missing(quoted(name)))
    }

    fn read_if_there(&mut self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        let path = format!("{}{name}", self.folder);
        let Some(index) = self.zip.index_for_name(&path) else {
            return Ok(None);
        };
        let malformed = |error: &dyn std::error::Error| {
            Fault::Malformed(format!("{}: {}", quoted(name), one_line(error)))
        };
        let entry = self
            .zip
            .by_index(index)
            .map_err(|error| malformed(&error))?;
        let mut bytes = Vec::new();
        // To the end, where the checksum is compared; one byte more tells a longer entry.
        entry
            .take(limit as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| malformed(&error))?;
        if bytes.len() > limit {
            return Err(Fault::Malformed(format!(
                "{} has more than {limit} bytes",
                quoted(name)
            )));
        }
        Ok(Some(bytes))
    }
}
