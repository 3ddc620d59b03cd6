//! `.mpk`: the record of [`LeNet`] as Burn 0.21's `NamedMpkFileRecorder` and `NamedMpkBytesRecorder` write it.
//!
//! Burn writes the file, but does not read it: its reader trusts the shapes that the file claims, drops a bias
//! whose name it does not know, and ignores what follows the record. The reader here takes exactly this, keys in
//! any order, and nothing else. None of its types holds itself, so no file makes it go deep; and whatever length
//! a file claims, no more is taken than is there.
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
use super::error::LENET;
use super::tensors::{Collector, check_bytes, check_shape, check_type, floats};
use crate::io::text::one_line;
use crate::model::{LeNet, TENSORS, Weights, transpose};

/// The largest record that is read; LeNet's has about 180,000 bytes.
const MAX_BYTES: usize = 1 << 20;

/// The weights as the bytes of a `.mpk` file. Equal weights give equal bytes, on every backend.
///
/// The weights go through `device`, as parameters of a [`LeNet`] module.
///
/// # Errors
/// If Burn's recorder fails, which it has no cause to do in memory.
pub fn encode<B: Backend>(weights: &Weights, device: &B::Device) -> Result<Vec<u8>, Fault> {
    let record = LeNet::<B>::from_weights(weights, device).into_record();
    let recorder = NamedMpkBytesRecorder::<FullPrecisionSettings>::default();
    Recorder::<B>::record(&recorder, record, ())
        .map_err(|error| Fault::Malformed(format!("Burn's recorder failed: {error}")))
}

/// Types of which every field has to be there once, and no other.
macro_rules! exactly {
    ($(struct $name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(dead_code, reason = "some are there to be checked alone")]
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

/// The weights in `bytes`, the content of a `.mpk` file.
///
/// # Errors
/// If it is anything but the record of a [`LeNet`], complete, in 32-bit floats, all finite.
pub fn decode(bytes: &[u8]) -> Result<Weights, Fault> {
    if bytes.len() > MAX_BYTES {
        return Err(Fault::Unsupported {
            what: format!("it has {} bytes, too many for LeNet", bytes.len()),
            hint: LENET,
        });
    }
    let mut rest = bytes;
    let record = Record::deserialize(&mut rmp_serde::Deserializer::new(&mut rest));
    let at = bytes.len() - rest.len();
    let layers = match record {
        Ok(_) if !rest.is_empty() => Err(Fault::Malformed(format!(
            "{} bytes follow the end of the record at byte {at}",
            rest.len()
        ))),
        Ok(record) => Ok(record.item),
        Err(error @ rmp_serde::decode::Error::Syntax(_)) => Err(Fault::Unsupported {
            what: format!("{} (before byte {at})", one_line(&error)),
            hint: LENET,
        }),
        Err(error) => {
            let problem = format!("{} (at byte {at})", one_line(&error));
            Err(Fault::Malformed(problem))
        }
    }?;
    let parameters = [
        [layers.conv1.weight, layers.conv1.bias],
        [layers.conv2.weight, layers.conv2.bias],
        [layers.fc1.weight, layers.fc1.bias],
        [layers.fc2.weight, layers.fc2.bias],
        [layers.fc3.weight, layers.fc3.bias],
    ];
    let mut tensors = Collector::default();
    for (index, parameter) in parameters.into_iter().flatten().enumerate() {
        // Nil is what Burn writes for a layer without a bias; that one is missing is found at the end.
        if let Some(parameter) = parameter {
            tensors.add(index, values(index, parameter.param)?)?;
        }
    }
    tensors.finish()
}

/// The values of tensor `index` of [`TENSORS`], in the layout that it has there.
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
    let values = floats(&tensor.bytes);
    Ok(if is_dense_weight { transpose(&values, shape[0], shape[1]) } else { values })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;

    /// Weights that are all different, by a formula.
    pub(in crate::format) fn distinct_weights() -> Weights {
        let mut weights = Weights::zeros();
        let all = weights.tensors_mut().iter_mut().flatten();
        for (index, value) in all.enumerate() {
            *value = index as f32 / 1024.0 - 20.0;
        }
        weights
    }

    /// The record with every byte string emptied: its structure. Also where each byte of it stands in the record.
    fn structure(bytes: &[u8]) -> Vec<usize> {
        let payloads: Vec<_> = TENSORS.iter().map(|spec| 4 * spec.numel()).collect();
        let mut positions = Vec::new();
        let mut at = 0;
        let mut next = payloads.iter();
        let key = b"\xa5bytes";
        while at < bytes.len() {
            positions.push(at);
            at += 1;
            if bytes[..at].ends_with(key) {
                let marker = match bytes[at] {
                    0xc4 => 2,
                    0xc5 => 3,
                    _ => 5,
                };
                positions.extend(at..at + marker);
                at += marker + next.next().expect("ten tensors");
            }
        }
        positions
    }

    #[cfg(feature = "ndarray")]
    mod with_a_backend {
        use super::*;
        use burn_ndarray::NdArray;

        fn record() -> Vec<u8> {
            encode::<NdArray<f32>>(&distinct_weights(), &Default::default()).unwrap()
        }

        #[test]
        fn weights_come_back_bit_for_bit_and_equal_weights_make_equal_files() {
            assert_eq!(decode(&record()).unwrap(), distinct_weights());
            assert_eq!(record(), record());
        }

        #[test]
        fn every_cut_is_refused() {
            let record = record();
            // Every one among the first and last bytes, a sample of the others.
            let dense = (0..2000).chain(record.len() - 2000..record.len());
            for length in dense.chain((2000..record.len()).step_by(97)) {
                decode(&record[..length]).unwrap_err();
            }
        }

        #[test]
        fn bytes_after_the_record_are_refused() {
            let mut record = record();
            record.push(0);
            let fault = decode(&record).unwrap_err().to_string();
            assert!(fault.starts_with("1 bytes follow the end"), "{fault}");
        }

        #[test]
        fn no_change_of_one_structural_byte_loses_a_tensor_or_panics() {
            let record = record();
            let original = distinct_weights();
            let positions = structure(&record);
            assert!((900..1300).contains(&positions.len()), "{}", positions.len());
            let mut changed = record.clone();
            let (mut refused, mut unchanged) = (0, 0);
            // Markers of every kind of value.
            let markers = [
                0x00, 0x7f, 0x80, 0x9f, 0xa0, 0xc0, 0xc1, 0xc3, 0xc4, 0xc6, 0xcf, 0xd9, 0xdb, 0xdd,
                0xdf, 0xff,
            ];
            for position in positions {
                let flips = (0..8).map(|bit| record[position] ^ (1 << bit));
                for value in flips.chain(markers) {
                    changed[position] = value;
                    match decode(&changed) {
                        Err(_) => refused += 1,
                        Ok(weights) => {
                            assert_eq!(weights, original, "byte {position} as {value:#04x}");
                            unchanged += 1;
                        }
                    }
                }
                changed[position] = record[position];
            }
            // What may differ: the texts that are not used. Ids have 13 characters, the metadata some 140.
            assert!(unchanged < refused / 3, "{unchanged} of {refused}");
        }
    }

    #[test]
    fn lengths_that_no_file_has_are_refused_at_once() {
        let bombs: [&[u8]; 5] = [
            b"\xdf\xff\xff\xff\xff\xa4item\xdf\xff\xff\xff\xff",
            b"\x83\xdb\xff\xff\xff\xff",
            b"\x83\xa4item\x85\xa3fc1\x82\xa6weight\x82\xa5param\x83\xa5bytes\xc6\xff\xff\xff\xff",
            b"\x83\xa4item\x85\xa3fc1\x82\xa6weight\x82\xa5param\x83\xa5shape\xdd\x40\0\0\0",
            &[0x91; 100_000],
        ];
        for bomb in bombs {
            decode(bomb).unwrap_err();
        }
    }
}
