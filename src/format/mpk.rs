//! `.mpk`: the record of [`LeNet`] as Burn 0.21's `NamedMpkFileRecorder` and `NamedMpkBytesRecorder` write it.
//!
//! Burn writes the file, but does not read it: its reader trusts the shapes that the file claims, drops a bias
//! whose name it does not know, and ignores what follows the record. The reader here takes exactly this, keys in
//! any order, and nothing else:
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

use super::Fault;
use super::msgpack::Reader;
use super::tensors::{Collector, check_bytes, check_shape, check_type, floats};
use crate::io::text::quoted;
use crate::model::{LeNet, TENSORS, Weights, transpose};

const LAYERS: [&str; 5] = ["conv1", "conv2", "fc1", "fc2", "fc3"];
/// The number of [`LAYERS`] that are convolutions.
const CONVOLUTIONS: usize = 2;
/// The fields of a convolution; a dense layer has the first two. The others hold no parameter: Burn stores nil.
const FIELDS: [&str; 7] = [
    "weight",
    "bias",
    "stride",
    "kernel_size",
    "dilation",
    "groups",
    "padding",
];

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

/// The weights in `bytes`, the content of a `.mpk` file.
///
/// # Errors
/// If it is anything but the record of a [`LeNet`], complete, in 32-bit floats, all finite.
pub fn decode(bytes: &[u8]) -> Result<Weights, Fault> {
    let mut reader = Reader::new(bytes);
    let mut tensors = Collector::default();
    let names = ["metadata", "item", "_b"];
    each_field(&mut reader, "", &names, |reader, field| match field {
        0 => metadata(reader),
        1 => each_field(reader, "", &LAYERS, |reader, layer| {
            read_layer(reader, layer, &mut tensors)
        }),
        _ => match reader.array()? {
            0 => Ok(()),
            length => Err(Fault::Malformed(format!("_b has {length} elements, not 0"))),
        },
    })?;
    reader.finish()?;
    tensors.finish()
}

fn metadata(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let names = ["float", "int", "format", "version", "settings"];
    each_field(reader, "metadata", &names, |reader, _| {
        reader.string().map(|_| ())
    })
}

fn read_layer(reader: &mut Reader<'_>, layer: usize, tensors: &mut Collector) -> Result<(), Fault> {
    let fields = if layer < CONVOLUTIONS {
        &FIELDS[..]
    } else {
        &FIELDS[..2]
    };
    each_field(reader, LAYERS[layer], fields, |reader, field| match field {
        0 | 1 => {
            let index = 2 * layer + field;
            // What Burn writes for a layer without a bias.
            if reader.at_nil() {
                return Err(Fault::Missing(TENSORS[index].name.to_owned()));
            }
            let values = read_parameter(reader, index)?;
            tensors.add(index, values)
        }
        _ => reader.nil(),
    })
}

/// The values of tensor `index` of [`TENSORS`], in the layout that it has there.
fn read_parameter(reader: &mut Reader<'_>, index: usize) -> Result<Vec<f32>, Fault> {
    let name = TENSORS[index].name;
    let mut values = Vec::new();
    each_field(reader, name, &["id", "param"], |reader, field| {
        if field == 0 {
            return reader.string().map(|_| ());
        }
        values = read_tensor(reader, index)?;
        Ok(())
    })?;
    Ok(values)
}

fn read_tensor(reader: &mut Reader<'_>, index: usize) -> Result<Vec<f32>, Fault> {
    let spec = &TENSORS[index];
    let is_dense_weight = spec.shape.len() == 2;
    let mut shape = spec.shape.to_vec();
    if is_dense_weight {
        shape.reverse();
    }
    let mut bytes: &[u8] = &[];
    let fields = ["bytes", "shape", "dtype"];
    each_field(reader, spec.name, &fields, |reader, field| match field {
        0 => {
            bytes = reader.binary()?;
            Ok(())
        }
        1 => check_shape(spec.name, &shape, &read_shape(reader, spec.name)?),
        _ => check_type(spec.name, "F32", reader.string()?),
    })?;
    check_bytes(spec.name, spec.len(), bytes.len())?;
    let values = floats(bytes);
    Ok(if is_dense_weight {
        transpose(&values, shape[0], shape[1])
    } else {
        values
    })
}

fn read_shape(reader: &mut Reader<'_>, name: &str) -> Result<Vec<usize>, Fault> {
    let rank = reader.array()?;
    if rank > 8 {
        return Err(Fault::Malformed(format!("{name}: {rank} dimensions")));
    }
    (0..rank).map(|_| reader.unsigned()).collect()
}

/// Reads a map that has each of `names` once, in any order; `value` reads the value of the one with this index.
fn each_field<'a>(
    reader: &mut Reader<'a>,
    place: &str,
    names: &[&str],
    mut value: impl FnMut(&mut Reader<'a>, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let full = |name: &str| match place {
        "" => name.to_owned(),
        _ => format!("{place}.{name}"),
    };
    let mut seen = vec![false; names.len()];
    for _ in 0..reader.map()? {
        let key = reader.string()?;
        let Some(index) = names.iter().position(|name| *name == key) else {
            return Err(Fault::Unknown(full(&quoted(key))));
        };
        if std::mem::replace(&mut seen[index], true) {
            return Err(Fault::Duplicate(full(key)));
        }
        value(reader, index)?;
    }
    match seen.iter().position(|seen| !seen) {
        None => Ok(()),
        Some(index) => Err(Fault::Missing(full(names[index]))),
    }
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
        let payloads: Vec<_> = TENSORS.iter().map(|spec| 4 * spec.len()).collect();
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
            assert!(
                (900..1300).contains(&positions.len()),
                "{}",
                positions.len()
            );
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
            assert!(
                matches!(decode(bomb), Err(Fault::Malformed(_))),
                "{:?}",
                &bomb[..5]
            );
        }
    }
}
