//! `lenet train --tensorboard`. The reader in this file is independent of the writer.
//! `tests/interop/check_tensorboard.py` reads such files with TensorBoard.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;

use super::TestDir;

/// Tag, step and value.
type Scalar = (String, u64, f32);

/// Computes the CRC-32C bit by bit with the unreflected polynomial, and applies TensorFlow's mask.
fn masked_crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for bit in bytes.iter().flat_map(|byte| (0..8).map(move |i| u32::from(byte >> i & 1))) {
        let high = crc >> 31 ^ bit;
        crc = crc << 1 ^ if high == 1 { 0x1edc_6f41 } else { 0 };
    }
    let crc = !crc.reverse_bits();
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Returns the messages in an event file. Asserts that every frame is complete and both of its checksums match.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        assert_eq!(word(8), masked_crc(&bytes[..8]));
        let data = &bytes[12..12 + length];
        assert_eq!(word(12 + length), masked_crc(data));
        records.push(data.to_vec());
        bytes = &bytes[16 + length..];
    }
    records
}

/// Returns the fields of a protobuf message. Each field is a number, a value if the field is a varint, and bytes otherwise.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn number(bytes: &mut &[u8]) -> u64 {
        let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
        let (head, rest) = bytes.split_at(end + 1);
        *bytes = rest;
        head.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, number(&mut bytes), &[][..]));
                continue;
            }
            1 => 8,
            2 => number(&mut bytes) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        fields.push((key >> 3, 0, value));
        bytes = rest;
    }
    fields
}

/// Returns the files of a TensorBoard run, sorted by name.
fn files(dir: &TestDir, run: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.path(run)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Reads all scalars of a TensorBoard run.
fn scalars(dir: &TestDir, run: &str) -> Vec<Scalar> {
    let mut scalars = Vec::new();
    for path in files(dir, run) {
        assert!(path.to_string_lossy().contains("tfevents"), "{path:?}");
        let records = records(&fs::read(path).unwrap());
        assert!(fields(&records[0]).contains(&(3, 0, b"brain.Event:2")));
        for record in &records {
            let event = fields(record);
            let time = event.iter().find(|field| field.0 == 1).unwrap().2;
            assert!(f64::from_le_bytes(time.try_into().unwrap()) > 1.6e9);
            let step = event.iter().find(|field| field.0 == 2).unwrap().1;
            for (_, _, summary) in event.iter().filter(|field| field.0 == 5) {
                for (_, _, value) in fields(summary) {
                    let value = fields(value);
                    let tag = String::from_utf8(value[0].2.to_vec()).unwrap();
                    let number = f32::from_le_bytes(value[1].2.try_into().unwrap());
                    assert_eq!((value[0].0, value[1].0), (1, 2));
                    scalars.push((tag, step, number));
                }
            }
        }
    }
    scalars
}

/// Returns the scalars that the training run with the run record `record` should have logged.
fn expected(record: &Value) -> [Vec<Scalar>; 2] {
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for epoch in record["epochs"].as_array().unwrap() {
        let step = epoch["epoch"].as_u64().unwrap();
        let push = |run: &mut Vec<Scalar>, tag: &str, value: &Value| {
            run.push((tag.to_owned(), step, value.as_f64().unwrap() as f32));
        };
        push(&mut train, "loss", &epoch["loss"]);
        push(&mut train, "accuracy", &epoch["accuracy"]);
        push(&mut train, "learning_rate", &record["settings"]["recipe"]["learning_rate"]);
        push(&mut validation, "loss", &epoch["val_loss"]);
        push(&mut validation, "accuracy", &epoch["val_accuracy"]);
    }
    [train, validation]
}

/// Asserts that the event files contain exactly the metrics of the run record `record`.
fn assert_matches_record(dir: &TestDir, record: &str) {
    let found = ["runs/train", "runs/validation"].map(|run| scalars(dir, run));
    assert_eq!(found, expected(&dir.json(record)));
}

#[test]
fn every_epoch_is_logged() {
    let dir = TestDir::new();
    let plain = dir.train("--epochs 3 --lr 0.25 -o plain.mpk");
    let output = dir.train("--epochs 3 --lr 0.25 --tensorboard runs");
    assert_eq!(output.stdout().lines().count(), plain.stdout().lines().count());
    assert_matches_record(&dir, "model.json");
    assert_eq!(scalars(&dir, "runs/train").len(), 9);
    assert_eq!(dir.digest("model.mpk"), dir.digest("plain.mpk"));
}

#[test]
fn resume_appends_to_event_files() {
    let dir = TestDir::new();
    dir.train("--epochs 2 --tensorboard runs");
    let path = &files(&dir, "runs/train")[0];
    // TensorBoard keeps the file open, so the program must append to the file instead of replacing it.
    let mut reader = File::open(path).unwrap();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    reader.read_to_end(&mut first).unwrap();
    dir.train("--resume --epochs 4 --tensorboard runs");
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(records(&rest).len(), 2);
    // A finished run writes nothing.
    dir.train("--resume --tensorboard runs");
    assert_matches_record(&dir, "model.json");
    assert_eq!(files(&dir, "runs/train").len(), 1);
    assert!(fs::read(path).unwrap() == [first, rest].concat());
}

#[test]
fn resume_repairs_event_files() {
    let dir = TestDir::new();
    dir.train("--epochs 3 --tensorboard runs");
    let path = &files(&dir, "runs/train")[0];
    let bytes = fs::read(path).unwrap();
    let records = records(&bytes);
    let kept: usize = records[..3].iter().map(|record| record.len() + 16).sum();
    // In one case the event file is corrupt. In the others the run was killed: before it created the file, before it wrote
    // the first byte, after the checkpoint of epoch 3 but before the event of that epoch, or within an event. The
    // validation file is missing in all cases.
    let mut corrupt = bytes.clone();
    corrupt[kept + 5] ^= 1;
    for content in
        [None, Some(&bytes[..0]), Some(&bytes[..kept]), Some(&bytes[..kept + 5]), Some(&corrupt)]
    {
        fs::remove_file(path).unwrap();
        if let Some(content) = content {
            fs::write(path, content).unwrap();
        }
        fs::remove_file(&files(&dir, "runs/validation")[0]).unwrap();
        dir.train("--resume --tensorboard runs");
        assert_matches_record(&dir, "model.json");
        assert!(fs::read(path).unwrap() == bytes);
    }
}

#[test]
fn event_file_symlink_is_not_followed() {
    let dir = TestDir::new();
    dir.train("--epochs 1 --tensorboard runs");
    let path = &files(&dir, "runs/train")[0];
    let before = fs::read(path).unwrap();
    fs::rename(path, dir.path("victim")).unwrap();
    std::os::unix::fs::symlink("../../victim", path).unwrap();
    dir.train("--resume --epochs 2 --tensorboard runs");
    assert_matches_record(&dir, "model.json");
    assert!(dir.read("victim") == before);
}

#[test]
fn runs_do_not_share_event_files() {
    let dir = TestDir::new();
    dir.train("--epochs 1 --tensorboard runs");
    dir.train("--epochs 1 -o other.mpk");
    // Rename the file, because two runs that start in the same second use the same file name.
    fs::rename(&files(&dir, "runs/train")[0], dir.path("runs/train/events.out.tfevents.1.lenet"))
        .unwrap();
    for args in ["", "-o other.mpk --resume"] {
        let output = dir.try_train(&format!("--epochs 1 --tensorboard runs {args}"));
        output.assert_error(1, "runs/train already exists", "--force");
    }
    assert!(!dir.path("model-2.mpk").exists());
    dir.write("runs/train/notes.txt", "mine");
    dir.train("--epochs 2 --seed 1 -o model.mpk --force --tensorboard runs");
    assert_eq!(dir.read("runs/train/notes.txt"), b"mine");
    dir.remove("runs/train/notes.txt");
    assert_matches_record(&dir, "model.json");
}

#[test]
fn validation_file_needs_validation_images() {
    let dir = TestDir::new();
    dir.train("--epochs 1 --validation-split 0 --tensorboard runs");
    assert_eq!(scalars(&dir, "runs/train").len(), 3);
    assert_eq!(files(&dir, "runs/validation"), [] as [PathBuf; 0]);
}

#[test]
fn uncreatable_directory_is_rejected() {
    let dir = TestDir::new();
    dir.write("runs", "a file");
    let output = dir.try_train("--epochs 1 --tensorboard runs");
    output.assert_error(1, "runs", "");
    assert_eq!(dir.files(), ["runs"]);
}
