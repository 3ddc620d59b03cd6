//! `.safetensors`: Hugging Face's tensor format, with the names and layouts of PyTorch.
//!
//! The `safetensors` crate checks the container: offsets without gaps or overlaps, and sizes that match the shapes. Files
//! are written without the crate, because it writes metadata in a different order on every run.

use std::collections::BTreeMap;
use std::fmt;

use safetensors::SafeTensors;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::assemble::{Layout, Named, assemble};
use super::tensors::{floats, to_torch};
use super::{Fault, ModelFile};
use crate::io::text::{one_line, quoted};
use crate::model::TENSORS;

/// Maximum length of the header in bytes. The header of LeNet has about 800 bytes without metadata.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Decodes the content of a `.safetensors` file, including its metadata (`__metadata__`).
///
/// # Errors
/// Returns an error if the file does not contain exactly the ten tensors of LeNet as finite floating-point numbers.
pub fn decode(bytes: &[u8]) -> Result<ModelFile, Fault> {
    let malformed =
        |error| Fault::malformed(format!("not a valid safetensors file: {}", one_line(&error)));
    // Check the length before parsing, because a parsed header takes several times as much memory as its text.
    if let Some(length) = bytes.first_chunk().copied().map(u64::from_le_bytes)
        && length > MAX_HEADER_BYTES
    {
        let what = format!("expected a header of at most {MAX_HEADER_BYTES} bytes, found {length}");
        return Err(Fault::malformed(what));
    }
    let (length, _) = SafeTensors::read_metadata(bytes).map_err(malformed)?;
    let header: Members = serde_json::from_slice(&bytes[8..8 + length]).map_err(|error| {
        Fault::malformed(format!("not a valid safetensors header: {}", one_line(&error)))
    })?;
    let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
    let tensors = file.iter().map(|(name, view)| (name, view.dtype().to_string(), view));
    let tensors: Vec<_> = tensors.collect();
    let named =
        tensors.iter().map(|(name, dtype, view)| Named { name, shape: view.shape(), dtype });
    let model = assemble(Layout::OutIn, &named.collect::<Vec<_>>(), |place, spec| {
        let (_, dtype, view) = &tensors[place];
        floats(spec.name, dtype, spec.numel(), view.data())
    })?;
    Ok(ModelFile {
        metadata: header.metadata.map(|metadata| metadata.0).unwrap_or_default(),
        ..model
    })
}

/// The header, parsed again to reject duplicate names: the crate uses the last of two equal names, but other readers
/// use the first.
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "__metadata__")]
    metadata: Option<Unique<String>>,
    #[serde(flatten)]
    _tensors: Unique<Unique<IgnoredAny>>,
}

/// A JSON object without duplicate keys.
struct Unique<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(BTreeMap::new()))
    }
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((name, value)) = map.next_entry::<String, V>()? {
            if self.0.contains_key(&name) {
                return Err(de::Error::custom(format!("duplicate key {}", quoted(&name))));
            }
            self.0.insert(name, value);
        }
        Ok(self)
    }
}

/// The header entry of a tensor.
#[derive(Serialize)]
struct Entry {
    dtype: &'static str,
    shape: &'static [usize],
    data_offsets: [usize; 2],
}

/// The header: metadata first, then the tensors sorted by name.
#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__", skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<&'static str, Entry>,
}

/// Encodes `file` as a `.safetensors` file. Equal files give equal bytes.
pub fn encode(file: &ModelFile) -> Vec<u8> {
    let mut sorted: Vec<_> = TENSORS.iter().zip(to_torch(&file.weights)).collect();
    sorted.sort_by_key(|(spec, _)| spec.name);
    let mut data = Vec::new();
    let mut tensors = BTreeMap::new();
    for (spec, values) in sorted {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry = Entry { dtype: "F32", shape: spec.shape, data_offsets: [start, data.len()] };
        tensors.insert(spec.name, entry);
    }
    let header = Header { metadata: &file.metadata, tensors };
    let mut header =
        serde_json::to_vec(&header).expect("strings and integers can always be serialised");
    // Pad with spaces to a multiple of eight bytes, so that the data is aligned.
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = header.len() as u64;
    [&length.to_le_bytes()[..], &header, &data].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Weights;
    use safetensors::tensor::{Dtype, TensorView};
    use serde_json::json;

    fn error_of(header: &str, data: usize) -> String {
        let length = header.len() as u64;
        let file = [&length.to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat();
        decode(&file).unwrap_err().to_string()
    }

    #[test]
    fn encoding_matches_safetensors_crate() {
        let mut weights = Weights::zeros();
        for index in 0..TENSORS.len() {
            weights.tensor_mut(index).fill(index as f32);
        }
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let data: Vec<Vec<u8>> = to_torch(&weights).iter().map(|values| bytes(values)).collect();
        let views = TENSORS.iter().zip(&data).map(|(spec, bytes)| {
            let view = TensorView::new(Dtype::F32, spec.shape.to_vec(), bytes).unwrap();
            (spec.name, view)
        });
        assert_eq!(encode(&weights.into()), safetensors::serialize(views, None).unwrap());
    }

    #[test]
    fn errors_name_tensor_and_problem() {
        let faults = [
            ("conv1.bias", "F32", vec![2, 3], 24, "conv1.bias: expected shape [6], found [2, 3]"),
            ("conv1.biaz", "F32", vec![6], 24, "\"conv1.biaz\" is not a tensor of LeNet"),
            ("conv1.bias", "F32", vec![6], 24, "conv1.weight is missing"),
        ];
        for (name, dtype, shape, end, expected) in faults {
            let header = json!({name: {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}});
            let error = error_of(&header.to_string(), end);
            assert!(error.starts_with(expected), "{error}");
        }
        let bias = r#""conv1.bias":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}"#;
        for duplicate in [bias, r#""__metadata__":{"a":"1","a":"2"}"#] {
            let error = error_of(&format!("{{{duplicate},{bias}}}"), 24);
            assert!(error.contains("duplicate key"), "{error}");
        }
        let gap = error_of(&format!("{{{}}}", bias.replace("0,24", "8,32")), 32);
        assert!(gap.contains("offset"), "{gap}");
        let long = decode(&[&(100_u64 << 20).to_le_bytes()[..], b"{"].concat()).unwrap_err();
        assert!(long.to_string().contains("found 104857600"), "{long}");
    }

    #[test]
    fn nan_is_rejected_with_index() {
        let mut weights = Weights::zeros();
        // Value 7 in PyTorch's layout [84, 120].
        weights.tensor_mut(6)[7 * 84] = f32::NAN;
        let fault = decode(&encode(&weights.into())).unwrap_err();
        assert_eq!(fault.to_string(), "fc2.weight: value 7 is NaN, not a finite number");
    }
}
