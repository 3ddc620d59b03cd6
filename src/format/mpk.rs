//! `.mpk`: the record of a Burn module as written by `NamedMpkFileRecorder` and `NamedMpkBytesRecorder` of Burn 0.21, in any
//! precision.
//!
//! Files are written with Burn but read without it. Burn's reader trusts the shapes in the file, drops a bias with an
//! unknown name, and ignores bytes after the record. This reader accepts only the structure below, with keys in any
//! order. The recursion and the memory of the reader are bounded, even if the file declares larger lengths than it has.
//!
//! ```text
//! {metadata: {float, int, format, version, settings}      five strings, not used
//!  item: {conv1: {weight: {id,                            a string, not used
//!                          param: {bytes, shape, dtype}}, dtype "F32", "F16", "BF16" or "F64", bytes little-endian
//!                 bias: {..},
//!                 stride, kernel_size, dilation, groups, padding: nil}
//!         conv2: {..}
//!         fc1: {weight: {..}, bias: {..}}, fc2, fc3}      the weight is [in, out]
//!  _b: []}
//! ```
//!
//! The item may be nested deeper, in maps and lists, and may have fields without parameters: a pooling layer, a skipped field or
//! a layer without bias is nil, an activation function may be a string.

use std::fmt;

use burn::module::Module;
use burn::record::{FullPrecisionSettings, NamedMpkBytesRecorder, Recorder};
use burn::tensor::backend::Backend;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::assemble::{Layout, Named, assemble};
use super::tensors::floats;
use super::{Fault, ModelFile};
use crate::io::text::{one_line, quoted};
use crate::model::{LeNet, Weights};

/// Maximum size of a record in bytes. The record of LeNet has about 180,000 bytes.
const MAX_BYTES: usize = 1 << 20;

/// Maximum nesting of a record. The record of LeNet has seven levels.
const MAX_DEPTH: usize = 24;

/// Encodes weights as a `.mpk` file. Equal weights give equal bytes, on every backend.
///
/// The weights pass through `device`, as parameters of a [`LeNet`] module.
pub fn encode<B: Backend>(weights: &Weights, device: &B::Device) -> Result<Vec<u8>, Fault> {
    let record = LeNet::<B>::from_weights(weights, device).into_record();
    let recorder = NamedMpkBytesRecorder::<FullPrecisionSettings>::default();
    Recorder::<B>::record(&recorder, record, ())
        .map_err(|error| Fault::malformed(format!("Burn's recorder failed: {error}")))
}

/// A value in MessagePack.
enum Node {
    Nil,
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Node>),
    /// Keys are distinct.
    Map(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map, list, string, size, byte string or nil")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nil)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Node, E> {
        Ok(Node::Bytes(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut nodes: Vec<(String, Node)> = Vec::new();
        while let Some((key, node)) = map.next_entry::<String, _>()? {
            if nodes.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format!("duplicate field {}", quoted(&key))));
            }
            // No plausible module has more fields or longer names. The limits also bound the run time.
            if nodes.len() == 1000 || key.len() > 100 {
                return Err(A::Error::custom(
                    "more than 1000 fields, or the name of one is too long",
                ));
            }
            nodes.push((key, node));
        }
        Ok(Node::Map(nodes))
    }
}

impl Node {
    /// Returns the values of these keys, if this value is a map with exactly these keys.
    fn fields<const N: usize>(&self, keys: [&str; N]) -> Option<[&Node; N]> {
        let Node::Map(entries) = self else { return None };
        let get = |key: &str| entries.iter().find(|(name, _)| *name == key).map(|(_, node)| node);
        let found: Option<Vec<_>> = keys.into_iter().map(get).collect();
        found.filter(|_| entries.len() == N)?.try_into().ok()
    }

    /// Adds all parameters in this value, which is named `name`.
    fn collect<'a>(&'a self, name: &str, into: &mut Vec<Parameter<'a>>) -> Result<(), Fault> {
        let inner =
            |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        if let Some([Node::Text(_), param]) = self.fields(["id", "param"]) {
            let parameter = Parameter::new(name, param).ok_or_else(|| {
                Fault::not_lenet(format!("{} is not a tensor of Burn 0.21", quoted(name)))
            })?;
            into.push(parameter);
            return Ok(());
        }
        match self {
            Node::Nil | Node::Text(_) => Ok(()),
            Node::Number(_) | Node::Bytes(_) => {
                Err(Fault::not_lenet(format!("{} is neither a parameter nor empty", quoted(name))))
            }
            Node::List(nodes) => nodes
                .iter()
                .enumerate()
                .try_for_each(|(index, node)| node.collect(&inner(&index.to_string()), into)),
            Node::Map(entries) => {
                entries.iter().try_for_each(|(key, node)| node.collect(&inner(key), into))
            }
        }
    }
}

/// A parameter of a record.
struct Parameter<'a> {
    name: String,
    bytes: &'a [u8],
    shape: Vec<usize>,
    dtype: &'a str,
}

impl<'a> Parameter<'a> {
    fn new(name: &str, param: &'a Node) -> Option<Self> {
        let [Node::Bytes(bytes), Node::List(shape), Node::Text(dtype)] =
            param.fields(["bytes", "shape", "dtype"])?
        else {
            return None;
        };
        let size = |node: &Node| match node {
            Node::Number(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        let shape: Option<Vec<_>> = shape.iter().map(size).collect();
        Some(Self { name: name.to_owned(), bytes, shape: shape?, dtype })
    }
}

/// Decodes the content of a `.mpk` file.
///
/// # Errors
/// Returns an error if the file is not a record with exactly the ten tensors of LeNet as finite floating-point numbers.
pub fn decode(bytes: &[u8]) -> Result<ModelFile, Fault> {
    if bytes.len() > MAX_BYTES {
        let what = format!("expected at most {MAX_BYTES} bytes, found {}", bytes.len());
        return Err(Fault::not_lenet(what));
    }
    let mut rest = bytes;
    let mut reader = rmp_serde::Deserializer::new(&mut rest);
    reader.set_max_depth(MAX_DEPTH);
    let record = Node::deserialize(&mut reader);
    let (rest, at) = (rest.len(), bytes.len() - rest.len());
    let record = record.map_err(|error| match error {
        rmp_serde::decode::Error::Syntax(_) => {
            Fault::not_lenet(format!("{} (before byte {at})", one_line(&error)))
        }
        _ => Fault::malformed(format!("{} (at byte {at})", one_line(&error))),
    })?;
    if rest > 0 {
        let what = format!("{rest} bytes follow the end of the record at byte {at}");
        return Err(Fault::malformed(what));
    }
    let Some([metadata, item, Node::List(last)]) = record.fields(["metadata", "item", "_b"]) else {
        return Err(Fault::not_lenet("the fields do not match a record of Burn 0.21"));
    };
    let described = metadata.fields(["float", "int", "format", "version", "settings"]);
    let is_text = |nodes: [&Node; 5]| nodes.iter().all(|node| matches!(node, Node::Text(_)));
    if !described.is_some_and(is_text) || !last.is_empty() {
        return Err(Fault::not_lenet("the metadata does not match a record of Burn 0.21"));
    }
    let mut parameters = Vec::new();
    item.collect("", &mut parameters)?;
    let named = parameters.iter().map(|parameter| Named {
        name: &parameter.name,
        shape: &parameter.shape,
        dtype: parameter.dtype,
    });
    assemble(Layout::InOut, &named.collect::<Vec<_>>(), |place, spec| {
        let parameter = &parameters[place];
        floats(spec.name, parameter.dtype, spec.numel(), parameter.bytes)
    })
}
