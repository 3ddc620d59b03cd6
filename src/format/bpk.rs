//! `.bpk`: Burnpack, the file format of Burn 0.21 and later, with the tensors of [`LeNet`] by name.
//!
//! ```text
//! "NRUB", version, length of the metadata | metadata in CBOR | zeros | tensors, each at a multiple of 256 bytes
//! ```
//!
//! Files are written and parsed by `burn-store`, but not loaded by it. Version 0.21 assumes, when loading, that a tensor has as
//! many bytes as its shape requires, and otherwise reads beyond the heap. This reader compares both before it uses a tensor.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use burn::tensor::Bytes;
use burn::tensor::backend::Backend;
use burn_store::{BurnpackStore, ModuleStore};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::assemble::{Layout, Named, assemble};
use super::tensors::floats;
use super::{Fault, ModelFile};
use crate::io::text::{one_line, quoted};
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
    check_layout(bytes).map_err(Fault::malformed)?;
    Ok(file)
}

/// The part of the metadata that burn-store does not check: where the tensors are.
#[derive(Deserialize)]
struct Metadata {
    #[serde(deserialize_with = "distinct_tensors")]
    tensors: BTreeMap<String, Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    /// Start and end in the data section.
    data_offsets: (usize, usize),
}

/// Checks that the tensors have different names, do not overlap, and fill the file up to gaps of less than [`ALIGNMENT`] bytes.
fn check_layout(bytes: &[u8]) -> Result<(), String> {
    let length = bytes.get(6..HEADER_BYTES).and_then(|length| length.try_into().ok());
    let end = HEADER_BYTES + length.map_or(0, |length| u32::from_le_bytes(length) as usize);
    let metadata = bytes.get(HEADER_BYTES..end).unwrap_or_default();
    let Metadata { tensors } = ciborium::from_reader(metadata).map_err(|error| {
        let what = match error {
            ciborium::de::Error::Semantic(_, what) => what,
            error => one_line(&error),
        };
        format!("not a valid Burnpack file: {what}")
    })?;
    let mut offsets: Vec<_> = tensors.values().map(|tensor| tensor.data_offsets).collect();
    offsets.sort();
    let last = offsets.iter().try_fold(0_usize, |last, (start, end)| {
        (*start == last.next_multiple_of(ALIGNMENT)).then_some(*end)
    });
    match last.is_some_and(|last| bytes.len() - end.next_multiple_of(ALIGNMENT) == last) {
        true => Ok(()),
        false => Err("tensors overlap, or bytes follow the last one".to_owned()),
    }
}

/// Reads a map, which must have different keys. burn-store uses the last value of a key.
fn distinct_tensors<'de, D: Deserializer<'de>>(
    metadata: D,
) -> Result<BTreeMap<String, Tensor>, D::Error> {
    struct Tensors;
    impl<'de> Visitor<'de> for Tensors {
        type Value = BTreeMap<String, Tensor>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of tensors")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut tensors = BTreeMap::new();
            while let Some((name, tensor)) = map.next_entry::<String, _>()? {
                if tensors.contains_key(&name) {
                    return Err(A::Error::custom(format!("{} occurs twice", quoted(&name))));
                }
                tensors.insert(name, tensor);
            }
            Ok(tensors)
        }
    }
    metadata.deserialize_map(Tensors)
}
