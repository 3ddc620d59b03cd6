//! `.mpk`: the record of [`LeNet`] as written by `NamedMpkFileRecorder` and `NamedMpkBytesRecorder` of Burn 0.21.
//!
//! Files are written with Burn but read without it. Burn's reader trusts the shapes in the file, drops a bias with an
//! unknown name, and ignores bytes after the record. This reader accepts only the structure below, with keys in any
//! order. This reader cannot recurse, because its types are not recursive. It never allocates more memory than the file
//! has bytes, even if the file declares larger lengths.
//!
//! ```text
//! {metadata: {float, int, format, version, settings}      five strings, not used
//!  item: {conv1: {weight: {id,                            a string, not used
//!                          param: {bytes, shape, dtype}}, dtype "F32", bytes little-endian
//!                 bias: {..},
//!                 stride, kernel_size, dilation, groups, padding: nil}
//!         conv2: {..}
//!         fc1: {weight: {..}, bias: {..}}, fc2, fc3}      the weight is [in, out]
//!  _b: []}
//! ```

use burn::module::Module;
use burn::record::{FullPrecisionSettings, NamedMpkBytesRecorder, Recorder};
use burn::tensor::backend::Backend;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use super::Fault;
use super::tensors::{Collector, check_bytes, check_shape, check_type, floats};
use crate::io::text::one_line;
use crate::model::{LeNet, TENSORS, Weights};

/// Maximum size of a record in bytes. The record of LeNet has about 180,000 bytes.
const MAX_BYTES: usize = 1 << 20;

/// Encodes weights as a `.mpk` file. Equal weights give equal bytes, on every backend.
///
/// The weights pass through `device`, as parameters of a [`LeNet`] module.
pub fn encode<B: Backend>(weights: &Weights, device: &B::Device) -> Result<Vec<u8>, Fault> {
    let record = LeNet::<B>::from_weights(weights, device).into_record();
    let recorder = NamedMpkBytesRecorder::<FullPrecisionSettings>::default();
    Recorder::<B>::record(&recorder, record, ())
        .map_err(|error| Fault::malformed(format!("Burn's recorder failed: {error}")))
}

/// Declares types that require each field exactly once and reject all others.
macro_rules! exactly {
    ($(struct $name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(dead_code, reason = "some fields are only checked")]
            struct $name { $($field: $type,)* }
        )*
    };
}

exactly! {
    struct Record { metadata: Metadata, item: Layers, _b: [(); 0], }
    struct Metadata { float: String, int: String, format: String, version: String, settings: String, }
    struct Layers { conv1: Convolution, conv2: Convolution, fc1: Dense, fc2: Dense, fc3: Dense, }
    struct Convolution {
        weight: Option<Parameter>, bias: Option<Parameter>,
        stride: (), kernel_size: (), dilation: (), groups: (), padding: (),
    }
    struct Dense { weight: Option<Parameter>, bias: Option<Parameter>, }
    struct Parameter { id: String, param: Tensor, }
    struct Tensor { bytes: ByteBuf, shape: Vec<usize>, dtype: String, }
}

/// Decodes the content of a `.mpk` file.
///
/// # Errors
/// Returns an error if the file is not a complete record of [`LeNet`] with finite 32-bit floats.
pub fn decode(bytes: &[u8]) -> Result<Weights, Fault> {
    if bytes.len() > MAX_BYTES {
        let what = format!("expected at most {MAX_BYTES} bytes, found {}", bytes.len());
        return Err(Fault::not_lenet(what));
    }
    let mut rest = bytes;
    let record = Record::deserialize(&mut rmp_serde::Deserializer::new(&mut rest));
    let at = bytes.len() - rest.len();
    let layers = record
        .map_err(|error| match error {
            rmp_serde::decode::Error::Syntax(_) => {
                Fault::not_lenet(format!("{} (before byte {at})", one_line(&error)))
            }
            _ => Fault::malformed(format!("{} (at byte {at})", one_line(&error))),
        })?
        .item;
    if !rest.is_empty() {
        let count = rest.len();
        let what = format!("{count} bytes follow the end of the record at byte {at}");
        return Err(Fault::malformed(what));
    }
    let parameters = [
        [layers.conv1.weight, layers.conv1.bias],
        [layers.conv2.weight, layers.conv2.bias],
        [layers.fc1.weight, layers.fc1.bias],
        [layers.fc2.weight, layers.fc2.bias],
        [layers.fc3.weight, layers.fc3.bias],
    ];
    let mut tensors = Collector::default();
    for (index, parameter) in parameters.into_iter().flatten().enumerate() {
        // Burn writes nil for a layer without bias. `finish` reports missing tensors.
        if let Some(parameter) = parameter {
            tensors.add(index, &values(index, parameter.param)?)?;
        }
    }
    tensors.finish()
}

/// Checks tensor `index` of [`TENSORS`] and returns its values, in the layout of [`Weights`].
fn values(index: usize, tensor: Tensor) -> Result<Vec<f32>, Fault> {
    let spec = &TENSORS[index];
    let is_dense_weight = spec.shape.len() == 2;
    let mut shape = spec.shape.to_vec();
    if is_dense_weight {
        shape.reverse();
    }
    check_type(spec.name, "F32", &tensor.dtype)?;
    check_shape(spec.name, &shape, &tensor.shape)?;
    check_bytes(spec.name, spec.numel(), tensor.bytes.len())?;
    Ok(floats(&tensor.bytes))
}
