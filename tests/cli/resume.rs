//! `lenet train --resume` after a complete epoch. `interruptions.rs` and `signals.rs` interrupt runs within an epoch.

use lenet::backend::cpu::SimdLevel;
use lenet::train::Checkpoint;

use super::interruptions::epochs;
use super::{CommandOutput, TestDir};

#[test]
fn resume_between_epochs_is_bit_identical() {
    let dir = TestDir::new();
    dir.train("--epochs 4 --momentum 0.5 -o straight.mpk");
    let straight = dir.digest("straight.mpk");
    for first in 1..4 {
        dir.train(&format!("--epochs {first} --momentum 0.5 -o m.mpk --force"));
        dir.train("--epochs 4 -o m.mpk --resume --threads 1");
        assert_eq!(dir.digest("m.mpk"), straight, "stopped after epoch {first}");
        assert_eq!(epochs(&dir, "straight.json"), epochs(&dir, "m.json"));
    }
}

#[test]
fn resume_without_checkpoint_starts_over() {
    let dir = TestDir::new();
    let output = dir.train("--resume --epochs 1");
    assert!(output.stderr().contains("note: model.state does not exist, starting a new run"));
    assert!(output.stdout().ends_with("saved model.mpk\n"));
}

#[test]
fn resume_reports_finished_run() {
    let dir = TestDir::new();
    dir.train("--epochs 2");
    let before = dir.digest("model.mpk");
    let output = dir.train("--resume");
    output.assert_stderr_contains("note: 2 epochs done");
    assert_eq!(dir.digest("model.mpk"), before);
    assert_eq!(dir.train("--resume --epochs 3 --json").events()[1]["epoch"], 3);
}

#[test]
fn resume_rejects_different_settings() {
    let dir = TestDir::new();
    dir.train("--epochs 1 --seed 5");
    for (args, difference) in [
        ("--seed 6", "the run started with seed 5, not 6"),
        ("--batch-size 8", "the run started with batch size 32, not 8"),
        ("--lr 0.1", "the run started with learning rate 0.9, not 0.1"),
        ("--momentum 0.5", "the run started with momentum 0.0, not 0.5"),
        ("--recipe tuned", "the run started with recipe classic, not tuned"),
        ("--limit 100", "the run started with limit none, not 100"),
        ("--validation-split 0.2", "the run started with validation split 0.1, not 0.2"),
    ] {
        let output = dir.try_train(&format!("--resume --epochs 2 {args}"));
        output.assert_error(1, difference, "--force");
    }
    super::common::write_dataset(&dir.path("data"), 200, 30);
    let output = dir.try_train("--resume --epochs 2");
    output.assert_error(1, "another data set", "--force");
}

#[test]
fn resume_rejects_different_device_or_version() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    let path = dir.path("model.state");
    let original = Checkpoint::decode(&std::fs::read(&path).unwrap()).unwrap();
    let assert_rejects = |change: &dyn Fn(&mut Checkpoint), difference: &str| {
        let mut other = original.clone();
        change(&mut other);
        std::fs::write(&path, other.encode()).unwrap();
        let output = dir.try_train("--resume --epochs 2");
        output.assert_error(1, difference, "--force");
    };
    assert_rejects(
        &|saved| saved.record.lenet = "0.0.9".to_owned(),
        "the checkpoint was written by lenet 0.0.9, but this is",
    );
    assert_rejects(
        &|saved| saved.record.device = "CPU (mmx)".to_owned(),
        "the run started on CPU (mmx), not on",
    );
    assert_rejects(&|saved| saved.sums.batches = 1, "inconsistent progress");
}

/// A run may change to another instruction set if both have fused multiply-add, because both give the same bits.
#[test]
fn resume_on_other_instruction_set() {
    let dir = TestDir::new();
    let train = |level: SimdLevel, args: &str| {
        let mut command = dir.lenet(&format!("train --any-dataset {args}"));
        CommandOutput::of(command.env("LENET_SIMD", level.to_string()))
    };
    for first in SimdLevel::available() {
        train(first, "--epochs 2 --force -o straight.mpk").ok();
        for second in SimdLevel::available() {
            train(first, "--epochs 1 --force").ok();
            let resumed = train(second, "--epochs 2 --resume");
            if first == second || ![first, second].contains(&SimdLevel::SCALAR) {
                resumed.ok();
                assert_eq!(
                    dir.digest("model.mpk"),
                    dir.digest("straight.mpk"),
                    "{first}, {second}"
                );
            } else {
                let difference = format!("the run started on CPU ({first}), not on CPU ({second})");
                resumed.assert_error(1, &difference, "--force");
            }
        }
    }
}

#[test]
fn resume_rejects_corrupt_checkpoint() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    let path = dir.path("model.state");
    let bytes = std::fs::read(&path).unwrap();
    for position in (0..bytes.len()).step_by(bytes.len() / 50) {
        let mut corrupt = bytes.clone();
        corrupt[position] ^= 4;
        std::fs::write(&path, corrupt).unwrap();
        let output = dir.try_train("--resume --epochs 2");
        output.assert_error(1, "not a lenet checkpoint", "--force");
        std::fs::write(&path, &bytes[..position]).unwrap();
        let output = dir.try_train("--resume --epochs 2");
        output.assert_error(1, "not a lenet checkpoint", "--force");
    }
}
