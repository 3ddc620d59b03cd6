//! Output files of `lenet train`: errors when writing, which leave existing files unchanged, and symlinks.

use std::fs;
use std::os::unix::fs::symlink;

use super::{CommandOutput, TestDir};

#[test]
fn file_size_limit_keeps_existing_files() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let files = ["m.json", "m.mpk", "m.state"];
    let digests = || files.map(|name| dir.digest(name));
    let before = digests();
    // A block has 512 or 1024 bytes, depending on the shell.
    let mut failed = 0;
    for blocks in (0..=720).step_by(24) {
        let limit = format!("ulimit -f {blocks}");
        let output =
            dir.run_in_shell(&limit, "train --any-dataset --epochs 1 --seed 7 -o m.mpk --force -q");
        if output.code() == 0 {
            break;
        }
        output.assert_error(1, "cannot write m.state: File too large", "ulimit -f");
        assert_eq!(digests(), before, "{blocks} blocks");
        assert_eq!(dir.files(), files, "{blocks} blocks");
        failed += 1;
    }
    assert!(failed > 10, "{failed}");
    assert_ne!(digests(), before, "a sufficient limit never succeeded");
}

#[test]
fn space_for_all_epochs_is_checked() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let files = dir.files();
    // The checkpoint grows with every epoch: this limit is sufficient for the first epoch, but not for 100 epochs.
    let limit = format!("ulimit -f {}", dir.read("m.state").len() / 1024 + 10);
    let output = dir.run_in_shell(&limit, "train --any-dataset --epochs 100 -o n.mpk");
    output.assert_error(1, "cannot write n.state: File too large", "ulimit -f");
    assert_eq!(dir.files(), files);
}

#[test]
fn invalid_outputs_are_rejected_before_training() {
    let dir = TestDir::new();
    dir.create_dir("folder");
    dir.write("file", "old");
    dir.create_fifo("pipe");
    symlink("loop", dir.path("loop")).unwrap();
    dir.write("protected", "old");
    dir.set_mode("protected", 0o400);
    // The checkpoint and the run record must be writable too.
    dir.create_dir("a.state");
    dir.create_fifo("b.json");
    let before = dir.files();
    let long = "x".repeat(256);
    for (name, message) in [
        ("folder", "found a directory"),
        ("folder/", "not a file name"),
        ("..", "not a file name"),
        ("missing/m.mpk", "No such file or directory"),
        ("file/m.mpk", "Not a directory"),
        ("pipe", "found a pipe"),
        ("/dev/null", "found a device"),
        #[cfg(target_os = "linux")]
        ("/dev/full", "found a device"),
        ("loop", "too many levels of symbolic links"),
        ("protected", "the file is write-protected"),
        ("a.mpk", "a.state: expected a file, found a directory"),
        ("b.mpk", "b.json: expected a file, found a pipe"),
        (long.as_str(), "File name too long"),
    ] {
        let output = dir.try_train(&format!("--force -o {name}"));
        output.assert_error(1, message, "");
        assert_eq!(output.stdout(), "", "{name}");
    }
    for extension in ["onnx", "pt", "PTH"] {
        let output = dir.try_train(&format!("-o m.{extension}"));
        output.assert_error(2, "training cannot write", ".mpk or .safetensors");
    }
    assert_eq!(dir.files(), before);
    assert_eq!(dir.read("file"), b"old");
}

#[test]
fn unwritable_directory_is_rejected() {
    let dir = TestDir::new();
    dir.create_dir("locked");
    dir.set_mode("locked", 0o555);
    let mut command = dir.unprivileged_lenet("train --any-dataset -o locked/m.mpk");
    let output = CommandOutput::of(&mut command);
    output.assert_error(1, "locked/m.mpk: Permission denied", "a directory that you may write to");
    assert_eq!(fs::read_dir(dir.path("locked")).unwrap().count(), 0);
}

#[test]
fn force_follows_output_symlinks() {
    let dir = TestDir::new();
    dir.create_dir("inside");
    symlink("inside/real.mpk", dir.path("link.mpk")).unwrap();
    // A symlink counts as an existing file even if it is dangling, because another user may have created it.
    let output = dir.try_train("--epochs 1 -o link.mpk");
    output.assert_error(1, "link.mpk already exists", "--force");
    for _ in 0..2 {
        dir.train("--epochs 1 -o link.mpk --force");
        assert!(dir.path("link.mpk").is_symlink());
        assert!(dir.path("inside/real.mpk").is_file());
    }
    assert_eq!(dir.files(), ["inside", "link.json", "link.mpk", "link.state"]);
    dir.run("eval --any-dataset link.mpk").ok();
    // Replacing one of two hard links does not change the other.
    fs::hard_link(dir.path("inside/real.mpk"), dir.path("hard.mpk")).unwrap();
    let before = dir.digest("inside/real.mpk");
    dir.train("--epochs 1 --seed 2 -o hard.mpk --force");
    assert_eq!(dir.digest("inside/real.mpk"), before);
    assert_ne!(dir.digest("hard.mpk"), before);
}

#[test]
fn symlink_with_temporary_name_is_kept() {
    let dir = TestDir::new();
    dir.write("victim", "old");
    dir.train("--epochs 1 -o m.mpk");
    // The temporary file of a killed run is deleted. A symlink with such a name and its target are kept, because the
    // program cannot have created the symlink.
    let prefix = digest_prefix("m.mpk");
    dir.write(&format!(".lenet-{prefix}-abcdef"), "half a model");
    let link = format!(".lenet-{prefix}-ABCDEF");
    symlink("victim", dir.path(&link)).unwrap();
    dir.train("--epochs 1 -o m.mpk --force");
    assert_eq!(dir.files(), [&link, "m.json", "m.mpk", "m.state", "victim"]);
    assert_eq!(dir.read("victim"), b"old");
}

/// Returns the part of a temporary file's name that identifies the output file `name`.
fn digest_prefix(name: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(name);
    digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

// macOS rejects such file names.
#[cfg(target_os = "linux")]
#[test]
fn non_unicode_output_is_accepted() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = TestDir::new();
    let name = OsStr::from_bytes(b"m\xff\xfe.mpk");
    CommandOutput::of(dir.lenet("train --any-dataset --epochs 1 --json").arg("-o").arg(name)).ok();
    assert!(dir.root.path().join(name).is_file());
    CommandOutput::of(dir.lenet("train --any-dataset --epochs 2 --resume").arg("-o").arg(name))
        .ok();
    CommandOutput::of(dir.lenet("eval --any-dataset").arg(name)).ok();
}

#[test]
fn automatic_output_name_is_reported() {
    let dir = TestDir::new();
    let first = dir.train("--epochs 1 --json");
    assert_eq!(first.json()["output"], "model.mpk");
    assert!(!first.stderr().contains("already exists"));
    let second = dir.train("--epochs 1 --json");
    assert_eq!(second.json()["output"], "model-2.mpk");
    let note = "note: model.mpk already exists, writing to model-2.mpk\n";
    second.assert_stderr_contains(note);
}
