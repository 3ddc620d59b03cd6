//! `examples/plain_burn.rs` trains the model that `lenet train` trains.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use lenet::data::Options;
use serde_json::Value;

#[path = "../../examples/plain_burn.rs"]
#[allow(dead_code, reason = "`main` runs as an example only")]
mod example;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
const IMAGES: usize = 320;

/// Runs `lenet` in `dir` on the first images, and returns the lines of its output.
fn lenet(dir: &Path, args: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenet"));
    command.args(args.split(' ')).args(["--limit", &IMAGES.to_string(), "--json"]);
    let output = command.env("LENET_DATA_DIR", DATA).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = output.stdout.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn plain_burn_matches_lenet_train() {
    let dir = tempfile::tempdir().unwrap();
    let limit = NonZeroUsize::new(IMAGES);
    let data = Options { dir: Some(DATA.into()), limit, ..Options::default() };
    let model = dir.path().join("plain.mpk").into_os_string().into_string().unwrap();
    let (losses, accuracy) = example::train(&data, 2, &model).unwrap();

    let events = lenet(dir.path(), "train --epochs 2");
    for (epoch, loss) in events[1..].iter().zip(&losses) {
        let expected = epoch["loss"].as_f64().unwrap();
        assert!((loss - expected).abs() < 1e-4, "{loss}, {epoch}");
    }
    assert_eq!(losses.len(), 2);
    let evaluation = &lenet(dir.path(), "eval plain.mpk")[0];
    assert_eq!(evaluation["accuracy"], accuracy);
}
