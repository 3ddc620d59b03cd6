//! TensorBoard's event files: records of `Event` messages, each framed with its length and two checksums.
//!
//! ```text
//! length u64 | masked CRC-32C of the length u32 | Event | masked CRC-32C of the Event u32     (little-endian)
//! ```
//!
//! The frame is TensorFlow's (tensorflow/core/lib/io/record_writer.h); the messages are those of `event.proto` and
//! `summary.proto` in TensorBoard's sources.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::format::protobuf::Message;

/// The end of the names of the files that are written here. TensorBoard reads any file with "tfevents" in its name.
const ENDING: &str = ".lenet";
const BEGINNING: &str = "events.out.tfevents.";

/// The largest event file that is read, in bytes: one of 100,000 epochs has 12 MB.
const MAX_BYTES: u64 = 32 << 20;

/// `SessionLog.SessionStatus.START`.
const START: u64 = 1;

/// An event file that is being written.
#[derive(Debug)]
pub(super) struct EventFile {
    file: File,
    path: PathBuf,
}

impl EventFile {
    /// Begins a file in `dir`, under a name that no file there has and that sorts behind the names of those that are
    /// there, wherever the clock was when they were named: TensorBoard reads them in this order.
    ///
    /// TensorBoard forgets what older files say of `first_step` and later ones.
    pub(super) fn create(dir: &Path, first_step: usize) -> io::Result<Self> {
        let last = files_in(dir).iter().filter_map(|path| named_at(path)).max();
        let name_at =
            last.map_or(since_epoch(), |last| since_epoch().max(last + Duration::from_nanos(1)));
        let (seconds, nanoseconds) = (name_at.as_secs(), name_at.subsec_nanos());
        let path = dir.join(format!("{BEGINNING}{seconds:010}.{nanoseconds:09}{ENDING}"));
        let file = File::options().write(true).create_new(true).open(&path)?;
        let mut events = Self { file, path };
        events.write(event(0).bytes(3, "brain.Event:2"))?;
        let session = Message::default().int(1, START);
        events.write(event(first_step).message(7, session))?;
        Ok(events)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds numbers, each with its tag. They are in the file when this returns.
    pub(super) fn scalars(&mut self, step: usize, scalars: &[(&str, f64)]) -> io::Result<()> {
        let values = scalars
            .iter()
            .map(|(tag, value)| Message::default().bytes(1, tag).float(2, *value as f32));
        let summary = Message::default().messages(1, values);
        self.write(event(step).message(5, summary))
    }

    fn write(&mut self, event: Message) -> io::Result<()> {
        self.file.write_all(&record(&event.finish()))
    }
}

/// The event files in `dir` that lenet wrote; none if there is no such folder.
pub(super) fn files_in(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        name.starts_with(BEGINNING.as_bytes()) && name.ends_with(ENDING.as_bytes())
    });
    ours.map(|entry| entry.path()).collect()
}

/// The time in the name of an event file of ours.
fn named_at(path: &Path) -> Option<Duration> {
    let name = path.file_name()?.to_str()?;
    let time = name.strip_prefix(BEGINNING)?.strip_suffix(ENDING)?;
    let (seconds, nanoseconds) = time.split_once('.')?;
    let nanoseconds = nanoseconds.parse().ok().filter(|n| *n < 1_000_000_000)?;
    // A name of ten digits, as ours are; one more would sort elsewhere.
    (seconds.len() == 10).then_some(Duration::new(seconds.parse().ok()?, nanoseconds))
}

/// The steps for which the event files of ours in `dir` hold numbers. A file that a kill cut short, or that is
/// damaged, counts up to there.
pub(super) fn steps_in(dir: &Path) -> BTreeSet<u64> {
    let mut steps = BTreeSet::new();
    for path in files_in(dir) {
        let bytes = crate::io::read(&path, MAX_BYTES).unwrap_or_default();
        let mut rest = &bytes[..];
        while let Some((event, after)) = next_record(rest) {
            steps.extend(step_of_summary(event));
            rest = after;
        }
    }
    steps
}

/// The first event in `bytes`, and what follows its frame.
fn next_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (crc, rest) = rest.split_first_chunk()?;
    if u32::from_le_bytes(*crc) != masked(crc32c(length)) {
        return None;
    }
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (event, rest) = rest.split_at_checked(length)?;
    let (crc, rest) = rest.split_first_chunk()?;
    (u32::from_le_bytes(*crc) == masked(crc32c(event))).then_some((event, rest))
}

/// The step of an event as written here that holds a summary.
fn step_of_summary(event: &[u8]) -> Option<u64> {
    // The time first: a byte of key, eight of number.
    let mut rest = event.get(9..)?;
    let (&0x10, after) = rest.split_first()? else {
        return None;
    };
    rest = after;
    let end = rest.iter().take(10).position(|byte| byte & 0x80 == 0)?;
    let step = rest[..=end]
        .iter()
        .rfold(0, |step: u64, byte| step.wrapping_shl(7) | u64::from(byte & 0x7f));
    (rest.get(end + 1) == Some(&0x2a)).then_some(step)
}

/// An `Event` of now: field 1 is the time in seconds, field 2 the step.
fn event(step: usize) -> Message {
    Message::default().double(1, since_epoch().as_secs_f64()).int(2, step as u64)
}

/// A clock that is before 1970 counts as 1970.
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(crc32c(&length)).to_le_bytes());
    record.extend(data);
    record.extend(masked(crc32c(data)).to_le_bytes());
    record
}

/// TensorFlow's mask: the checksum of data that holds checksums would be weak.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli): polynomial 0x1EDC6F41, here with its bits reversed; RFC 3720, 12.1 and B.4.
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
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        // RFC 3720, B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn a_record_is_framed_as_tensorboard_frames_it() {
        // tensorboard.summary.writer.record_writer.RecordWriter(file).write(b"foo")
        let expected = [
            3, 0, 0, 0, 0, 0, 0, 0, 0xb0, 0x99, 0x49, 0x0e, b'f', b'o', b'o', 0x61, 0x8a, 0xbe,
            0xfe,
        ];
        assert_eq!(record(b"foo"), expected);
    }
}
