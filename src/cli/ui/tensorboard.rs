//! TensorBoard event files: `DIR/train` and `DIR/validation`, each with one file per training run.
//!
//! | directory | scalars of an epoch |
//! |---|---|
//! | train | `loss`, `accuracy`, `learning_rate` |
//! | validation | `loss`, `accuracy` |
//!
//! The step is the number of the epoch, and the learning rate is from the middle of the epoch. The name and the bytes of a
//! file depend only on the run record. A file that was truncated by a crash is therefore a prefix of the complete file, and
//! the rest is appended. Each epoch is appended when it is done, while TensorBoard may have the file open.
//!
//! ```text
//! length u64 | masked CRC-32C of the length u32 | Event | masked CRC-32C of the Event u32     (little-endian)
//! ```
//!
//! The framing is TensorFlow's (tensorflow/core/lib/io/record_writer.h). The messages are defined in `event.proto` and
//! `summary.proto` of TensorBoard.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::cli::error::Error;
use crate::error;
use crate::format::protobuf::Message;
use crate::io::{self, FileError, Lock, Origin, OutputDir, Target, complete};
use crate::train::{EpochRecord, RunRecord};

/// Prefix and suffix of the file names. TensorBoard reads every file whose name contains "tfevents".
const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".lenet";

/// Free disk space, in bytes, that a run needs for an event file, enough for about a hundred epochs.
const MIN_BYTES: usize = 1 << 14;

/// The event files of a run.
#[derive(Debug)]
pub struct TensorBoard {
    train: EventFile,
    validation: EventFile,
    /// Event files of other runs, which are removed after the first epoch is written.
    replaced: Vec<(PathBuf, Target)>,
    failure: Option<FileError>,
    lock: Lock,
}

/// An event file in its directory. The file is created with the first epoch.
#[derive(Debug)]
struct EventFile {
    dir: OutputDir,
    file: Option<File>,
    /// Number of epochs in the file.
    epochs: usize,
    scalars: Scalars,
}

/// A function that returns the scalars of an epoch with their tags.
type Scalars = fn(&RunRecord, &EpochRecord) -> Vec<(&'static str, f64)>;

impl TensorBoard {
    /// Prepares to write below `dir`, which is created if necessary, and locks it. A resumed run passes its record as
    /// `earlier`.
    ///
    /// # Errors
    /// Returns an error if another run is writing to `dir`, if `dir` has event files of other runs and `force` is not set,
    /// or if a directory cannot be written.
    pub fn new(dir: &OutputDir, earlier: Option<&RunRecord>, force: bool) -> Result<Self, Error> {
        let file = |name, scalars: Scalars| -> Result<EventFile, FileError> {
            let dir = dir.below(name);
            dir.create()?;
            let target = Target::new(&dir.path().join(PREFIX), Origin::Program)?;
            target.probe()?;
            target.probe_space(MIN_BYTES)?;
            Ok(EventFile { dir, file: None, epochs: 0, scalars })
        };
        let files = [file("train", training)?, file("validation", validation)?];
        let lock = Lock::acquire(&dir.path().join(".lenet.lock"))?;
        let lock = lock.ok_or_else(|| error::Error::Locked(dir.path()))?;
        let mut replaced = Vec::new();
        for EventFile { dir, .. } in &files {
            let dir = dir.path();
            let own = earlier.map(|record| dir.join(file_name(record)));
            for path in files_in(&dir).into_iter().filter(|path| own.as_ref() != Some(path)) {
                if !force {
                    return Err(Error::exists(&dir));
                }
                let target = Target::new(&path, Origin::Program)?;
                replaced.push((path, target));
            }
        }
        let [train, validation] = files;
        Ok(Self { train, validation, replaced, failure: None, lock })
    }

    /// Returns whether the lock keeps other runs out of the directory.
    pub fn is_locked(&self) -> bool {
        self.lock.is_effective()
    }

    /// Appends the epochs of `record` that the files lack. After the first failure, nothing more is written.
    pub fn write(&mut self, record: &RunRecord) {
        if self.failure.is_none() {
            self.failure = self.try_write(record).err();
        }
    }

    /// Returns whether event files of other runs are still to be removed, because no epoch was written.
    pub fn has_others(&self) -> bool {
        !self.replaced.is_empty()
    }

    fn try_write(&mut self, record: &RunRecord) -> Result<(), FileError> {
        self.train.write(record)?;
        self.validation.write(record)?;
        let files = [&self.train, &self.validation].into_iter().filter(|file| file.file.is_some());
        let written: Vec<_> = files.map(|file| file.dir.path().join(file_name(record))).collect();
        if written.is_empty() {
            return Ok(());
        }
        // A run that started in the same second had the same file names, so its file has just been replaced.
        let mut others = self.replaced.drain(..).filter(|(path, _)| !written.contains(path));
        others.try_for_each(|(_, target)| target.remove())
    }

    /// Ends the output.
    ///
    /// # Errors
    /// Returns the first failure, if any.
    pub fn finish(self) -> Result<(), Error> {
        self.failure.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

impl EventFile {
    fn write(&mut self, record: &RunRecord) -> Result<(), FileError> {
        let events = self.events(record);
        if events.is_empty() {
            return Ok(());
        }
        let path = self.dir.path().join(file_name(record));
        match &mut self.file {
            Some(file) => {
                io::append(file, &events).map_err(FileError::of("cannot write", &path))?
            }
            none => {
                let version =
                    Message::default().double(1, start_time(record).as_secs_f64()).int(2, 0);
                let version = framed(&version.bytes(3, "brain.Event:2").finish());
                // The directory may have been replaced or removed since the start of the run.
                self.dir.create()?;
                *none = Some(complete(&path, &[version, events].concat())?);
            }
        }
        self.epochs = record.epochs.len();
        Ok(())
    }

    /// Returns the events of the epochs that the file lacks.
    fn events(&self, record: &RunRecord) -> Vec<u8> {
        let mut seconds = start_time(record).as_secs_f64();
        let mut events = Vec::new();
        for (number, epoch) in record.epochs.iter().enumerate() {
            seconds += epoch.seconds;
            let scalars = (self.scalars)(record, epoch);
            if number < self.epochs || scalars.is_empty() {
                continue;
            }
            let values = scalars
                .iter()
                .map(|(tag, value)| Message::default().bytes(1, tag).float(2, *value as f32));
            let summary = Message::default().messages(1, values);
            let event = Message::default().double(1, seconds).int(2, epoch.epoch as u64);
            events.extend(framed(&event.message(5, summary).finish()));
        }
        events
    }
}

fn training(record: &RunRecord, epoch: &EpochRecord) -> Vec<(&'static str, f64)> {
    let rate = record.settings.learning_rate(epoch.epoch);
    vec![("loss", epoch.loss), ("accuracy", epoch.accuracy), ("learning_rate", rate)]
}

fn validation(_: &RunRecord, epoch: &EpochRecord) -> Vec<(&'static str, f64)> {
    let scalars = [("loss", epoch.val_loss), ("accuracy", epoch.val_accuracy)];
    scalars.into_iter().filter_map(|(tag, value)| Some((tag, value?))).collect()
}

/// Returns the start time of the run as the time since 1970, or zero if it is unknown.
fn start_time(record: &RunRecord) -> Duration {
    let started = record.started.as_deref().and_then(|text| humantime::parse_rfc3339(text).ok());
    started.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default()
}

fn file_name(record: &RunRecord) -> String {
    format!("{PREFIX}{:010}{SUFFIX}", start_time(record).as_secs())
}

/// Returns lenet's event files in `dir`, or none if `dir` does not exist.
fn files_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let written = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
    });
    written.map(|entry| entry.path()).collect()
}

/// Adds the frame to an event.
fn framed(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let [of_length, of_event] = [&length, event].map(|bytes| masked(crc32c(bytes)).to_le_bytes());
    [&length[..], &of_length, event, &of_event].concat()
}

/// Applies TensorFlow's mask, because a CRC of data that contains CRCs is weak.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Computes the CRC-32C (Castagnoli) with the bit-reversed polynomial 0x1EDC6F41; see RFC 3720, 12.1 and B.4.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_match_rfc() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        // RFC 3720, B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn frame_matches_tensorboard() {
        // tensorboard.summary.writer.record_writer.RecordWriter(file).write(b"foo")
        let expected = [
            3, 0, 0, 0, 0, 0, 0, 0, 0xb0, 0x99, 0x49, 0x0e, b'f', b'o', b'o', 0x61, 0x8a, 0xbe,
            0xfe,
        ];
        assert_eq!(framed(b"foo"), expected);
    }
}
