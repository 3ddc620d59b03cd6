//! `.bpk`: Burnpack, the file format of Burn 0.21 and later, with the tensors of [`LeNet`] by name.
//!
//! ```text
//! "NRUB", version, length of the metadata | metadata in CBOR | zeros | tensors, each at a multiple of 256 bytes
//! ```
//!
//! Files are written and parsed by `burn-store`, but not loaded by it. Version 0.21 assumes, when loading, that a tensor has as
//! many bytes as its shape requires, and otherwise reads beyond the heap. This reader compares both before it uses a tensor.

use std::error::Error;

use burn::tensor::Bytes;
use burn::tensor::backend::Backend;
use burn_store::{BurnpackStore, ModuleStore};

use super::assemble::{Layout, Named, assemble};
use super::tensors::floats;
use super::{Fault, ModelFile};
use crate::io::text::one_line;
use crate::model::{LeNet, Weights};

/// Maximum size of a file in bytes. LeNet's file has about 180,000 bytes.
const MAX_BYTES: usize = 1 << 20;

/// The length of the header, and the alignment of the data and of each tensor.
const HEADER_BYTES: usize = 10;
const ALIGNMENT: usize = 256;

/// Encodes weights as a `.bpk` file. Equal weights give equal bytes, on every backend.
///
/// The weights pass through `device`, as parameters of a [`LeNet`] module.
pub fn encode<B: Backend>(weights: &Weights, device: &B::Device) -> Result<Vec<u8>, Fault> {
    let failed = |error| Fault::malformed(format!("burn-store failed: {}", one_line(&error)));
    let mut store = BurnpackStore::from_bytes(None);
    store.collect_from(&LeNet::<B>::from_weights(weights, device)).map_err(failed)?;
    Ok(store.get_bytes().map_err(failed)?.to_vec())
}

/// Decodes the content of a `.bpk` file.
///
/// # Errors
/// Returns an error if the file does not contain exactly the ten tensors of LeNet as finite floating-point numbers.
pub fn decode(bytes: &[u8]) -> Result<ModelFile, Fault> {
    if bytes.len() > MAX_BYTES {
        let what = format!("expected at most {MAX_BYTES} bytes, found {}", bytes.len());
        return Err(Fault::not_lenet(what));
    }
    let malformed = |error: &dyn Error| {
        Fault::malformed(format!("not a valid Burnpack file: {}", one_line(error)))
    };
    let mut store = BurnpackStore::from_bytes(Some(Bytes::from_bytes_vec(bytes.to_vec())));
    let snapshots = store.get_all_snapshots().map_err(|error| malformed(&error))?;
    let tensors =
        snapshots.iter().map(|(name, snapshot)| (name, format!("{:?}", snapshot.dtype), snapshot));
    let tensors: Vec<_> = tensors.collect();
    let named =
        tensors.iter().map(|(name, dtype, snapshot)| Named { name, shape: &snapshot.shape, dtype });
    let file = assemble(Layout::InOut, &named.collect::<Vec<_>>(), |place, spec| {
        let (_, dtype, snapshot) = &tensors[place];
        let data = snapshot.to_data().map_err(|error| malformed(&error))?;
        floats(spec.name, dtype, spec.numel(), &data.bytes)
    })?;
    // burn-store has checked that all tensors are within the file. Gaps between tensors, and bytes after the last one, are errors.
    // Any tensor may be the last one.
    let metadata = u32::from_le_bytes(bytes[6..HEADER_BYTES].try_into().unwrap_or_default());
    let lengths = || snapshots.values().map(|snapshot| snapshot.data_len());
    let end = (HEADER_BYTES + metadata as usize).next_multiple_of(ALIGNMENT)
        + lengths().map(|length| length.next_multiple_of(ALIGNMENT)).sum::<usize>();
    let is_end = |last: usize| bytes.len() == end - last.next_multiple_of(ALIGNMENT) + last;
    match lengths().any(is_end) {
        true => Ok(file),
        false => Err(Fault::malformed("tensors overlap, or bytes follow the last one")),
    }
}
