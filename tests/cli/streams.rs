//! Standard output and standard error: their contents, and errors when writing to them.

use std::process::Stdio;

use super::{CommandOutput, TestDir};

#[test]
fn stdout_contains_results_only() {
    let dir = TestDir::new();
    let output = dir.train("--epochs 1");
    assert!(output.stderr().starts_with("note: data: not Fashion-MNIST"), "{}", output.stderr());
    assert!(!output.stdout().contains("note") && !output.stdout().contains('\u{1b}'));
    let quiet = dir.train("--epochs 1 -q");
    assert_eq!(quiet.stdout(), "");
    assert!(dir.path("model-2.mpk").is_file());
}

#[test]
fn missing_command_prints_help() {
    let output = TestDir::empty().run("");
    assert_eq!(output.code(), 2);
    assert_eq!(output.stdout(), "");
    assert!(output.stderr().contains("Examples:") && output.stderr().contains("lenet train"));
    let help = TestDir::empty().run("--help");
    assert!(help.code() == 0 && help.stdout().starts_with("Examples:"), "{}", help.stdout());
}

#[test]
fn closed_pipe_is_accepted() {
    // The reader of standard output exits at once, as `head` may do.
    let dir = TestDir::new();
    for args in ["train --any-dataset --epochs 2", "eval model.mpk --any-dataset", "shapes"] {
        let mut child =
            dir.lenet(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = CommandOutput(child.wait_with_output().unwrap());
        assert_eq!(output.code(), 0, "{args}: {}", output.stderr());
        assert!(!output.stderr().contains("error"), "{args}: {}", output.stderr());
    }
    assert!(dir.path("model.mpk").is_file());
}

#[test]
#[cfg(target_os = "linux")]
fn full_device_is_reported_after_saving() {
    let dir = TestDir::new();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = CommandOutput::of(dir.lenet("train --any-dataset --epochs 1").stdout(full()));
    assert_eq!(output.code(), 1, "{}", output.stderr());
    output.assert_stderr_contains("error: cannot write to standard output");
    for args in ["--help", "train --help", "--version"] {
        assert_eq!(CommandOutput::of(dir.lenet(args).stdout(full())).code(), 1, "{args}");
    }
    assert!(dir.path("model.mpk").is_file());
    let output = CommandOutput::of(dir.lenet("eval model.mpk --any-dataset").stdout(full()));
    assert_eq!(output.code(), 1, "{}", output.stderr());
    let output = CommandOutput::of(dir.lenet("eval missing.mpk").stderr(full()));
    assert_eq!(output.code(), 1);
}
