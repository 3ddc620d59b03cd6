//! Snapshots of a run: the weights after each epoch in 8 bits each, for the replay in the report.

use std::path::Path;

use tempfile::NamedTempFile;

use crate::io::{self as files, FileError, Origin, Target};
use crate::model::{PARAMETERS, TENSORS, Weights};

use super::{RunFiles, RunRecord, sha256};

/// The magic bytes at the start of a snapshot file.
const MAGIC: &[u8; 8] = b"lenetS1\n";
/// Length of the digest that identifies the run.
const RUN: usize = 64;
/// Bytes of a snapshot in the file: the epoch, a scale per tensor, and a byte per weight.
const BYTES: usize = 4 + 4 * TENSORS.len() + PARAMETERS;
/// Maximum number of snapshots of a run. Later epochs are not kept.
const MAX_SNAPSHOTS: usize = 1000;

/// The weights after an epoch. A weight is the integer in `integers` times the scale of its tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The epoch, or 0 for the initial weights.
    pub epoch: usize,
    /// The scale of each tensor.
    pub scales: [f32; TENSORS.len()],
    /// Integers from -127 to 127, one per weight.
    pub integers: Weights,
}

impl Snapshot {
    /// Rounds each weight to the nearest of 255 evenly spaced values between the largest absolute weight of its tensor and the
    /// negative of it.
    pub fn new(epoch: usize, model: &Weights) -> Self {
        let mut integers = Weights::zeros();
        let scales = std::array::from_fn(|index| {
            let values = model.tensor(index);
            let scale = values.iter().fold(0.0, |max: f32, value| max.max(value.abs())) / 127.0;
            for (integer, value) in integers.tensor_mut(index).iter_mut().zip(values) {
                *integer = if scale > 0.0 { (value / scale).round() } else { 0.0 };
            }
            scale
        });
        Self { epoch, scales, integers }
    }

    /// Returns the rounded weights.
    pub fn weights(&self) -> Weights {
        let mut weights = self.integers.clone();
        for (index, scale) in self.scales.iter().enumerate() {
            weights.tensor_mut(index).iter_mut().for_each(|weight| *weight *= scale);
        }
        weights
    }
}

/// The snapshots of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshots {
    /// Digest that identifies the run.
    run: String,
    /// Snapshots of ascending epochs.
    epochs: Vec<Snapshot>,
    /// Whether the next write may replace an existing file.
    pub(super) may_replace: bool,
}

impl Snapshots {
    /// Returns an empty list of snapshots for the run that `record` describes.
    pub fn new(record: &RunRecord) -> Self {
        let run = format!("{:?} {}", record.started, record.settings.seed);
        Self { run: sha256(run.as_bytes()), epochs: Vec::new(), may_replace: false }
    }

    /// Reads the snapshots of the run that `record` describes, next to its model. Returns none if the file does not exist,
    /// is not a snapshot file, or belongs to another run.
    pub fn beside(model: &Path, record: &RunRecord) -> Self {
        let none = Self::new(record);
        let most = (MAGIC.len() + RUN + MAX_SNAPSHOTS * BYTES) as u64;
        let bytes = files::read(&RunFiles::beside(model, "snapshots"), most).unwrap_or_default();
        match Self::decode(&bytes) {
            Some(snapshots) if snapshots.run == none.run => snapshots,
            _ => none,
        }
    }

    /// Returns the snapshots in ascending order of their epochs.
    pub fn epochs(&self) -> &[Snapshot] {
        &self.epochs
    }

    /// Adds the model after `epoch`, unless there is one already. Returns whether it was added.
    pub fn add(&mut self, epoch: usize, model: &Weights) -> bool {
        let is_new = self.epochs.last().is_none_or(|last| last.epoch < epoch);
        let is_added = is_new && self.epochs.len() < MAX_SNAPSHOTS;
        if is_added {
            self.epochs.push(Snapshot::new(epoch, model));
        }
        is_added
    }

    /// Checks that the disk has room for the snapshots of `epochs` epochs next to the model, twice: each save writes a new file
    /// before it replaces the old one. The space stays occupied until the result is dropped.
    pub(super) fn probe_space(
        model: &Path,
        epochs: usize,
    ) -> Result<[NamedTempFile; 2], FileError> {
        let bytes = MAGIC.len() + RUN + BYTES * epochs.saturating_add(1).min(MAX_SNAPSHOTS);
        let target = Target::new(&RunFiles::beside(model, "snapshots"), Origin::Program)?;
        Ok([target.probe_space(bytes)?, target.probe_space(bytes)?])
    }

    /// Writes the file next to the model. A symlink there is replaced, not followed.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&mut self, model: &Path) -> Result<(), FileError> {
        Target::new(&RunFiles::beside(model, "snapshots"), Origin::Program)?
            .write(&self.encode(), self.may_replace)?;
        self.may_replace = true;
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = [MAGIC, self.run.as_bytes()].concat();
        for Snapshot { epoch, scales, integers } in &self.epochs {
            bytes.extend((*epoch as u32).to_le_bytes());
            bytes.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
            bytes.extend(integers.values().iter().map(|integer| *integer as i8 as u8));
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (run, rest) = bytes.strip_prefix(MAGIC)?.split_at_checked(RUN)?;
        let run = std::str::from_utf8(run).ok()?.to_owned();
        let (snapshots, []) = rest.as_chunks::<BYTES>() else {
            return None;
        };
        let epochs: Vec<_> = snapshots
            .iter()
            .map(|snapshot| {
                let (words, integers) = snapshot.split_at(4 + 4 * TENSORS.len());
                let (words, _) = words.as_chunks::<4>();
                Snapshot {
                    epoch: u32::from_le_bytes(words[0]) as usize,
                    scales: std::array::from_fn(|index| f32::from_le_bytes(words[index + 1])),
                    integers: Weights::new(
                        integers.iter().map(|byte| f32::from(*byte as i8)).collect(),
                    ),
                }
            })
            .collect();
        let is_ascending = epochs.is_sorted_by(|a, b| a.epoch < b.epoch);
        let is_finite =
            epochs.iter().all(|snapshot| snapshot.weights().first_non_finite().is_none());
        (is_ascending && is_finite).then_some(Self { run, epochs, may_replace: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    use crate::train::{Recipe, Settings};

    #[test]
    fn first_write_keeps_files_of_others() {
        let directory = tempfile::tempdir().unwrap();
        let model = directory.path().join("m.mpk");
        let mut snapshots =
            Snapshots::new(&RunRecord::new(Settings::new(Recipe::classic()), "CPU"));
        snapshots.write(&model).unwrap();
        snapshots.write(&model).unwrap();
        let mut other = Snapshots { may_replace: false, ..snapshots };
        assert_eq!(other.write(&model).unwrap_err().source.kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn snapshots_round_trip() {
        let record = RunRecord::new(Settings::new(Recipe::classic()), "CPU");
        let mut snapshots = Snapshots::new(&record);
        let models = [1, 2].map(|seed| Weights::initial(seed, 1.0));
        assert!(snapshots.add(0, &models[0]) && snapshots.add(3, &models[1]));
        assert!(!snapshots.add(3, &models[0]));
        let bytes = snapshots.encode();
        assert_eq!(bytes.len(), MAGIC.len() + RUN + 2 * BYTES);
        assert_eq!(Snapshots::decode(&bytes).unwrap(), snapshots);
        // Each weight is rounded by at most half a step.
        for (snapshot, model) in snapshots.epochs().iter().zip(&models) {
            let weights = snapshot.weights();
            for (index, step) in snapshot.scales.iter().enumerate() {
                let pairs = weights.tensor(index).iter().zip(model.tensor(index));
                pairs.for_each(|(a, b)| assert!((a - b).abs() <= 0.501 * step, "{a} {b}"));
            }
        }
        // Damaged files count as files without snapshots.
        for length in [0, 7, 50, bytes.len() - 1] {
            assert_eq!(Snapshots::decode(&bytes[..length]), None, "{length}");
        }
        let swapped = [&bytes[..72], &bytes[72 + BYTES..], &bytes[72..72 + BYTES]].concat();
        assert_eq!(Snapshots::decode(&swapped), None);
    }
}
