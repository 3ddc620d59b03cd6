//! Atomic writes: a file is written completely or not at all, at exactly the given path.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lenet::io::{FileError, Origin, Target};

fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    Target::new(path, Origin::User)?.write(bytes, true)
}

fn probe(path: &Path) -> Result<(), FileError> {
    Target::new(path, Origin::User)?.probe()
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn write_creates_and_replaces_file() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["m", "m.bin", "m.v1", "m.MPK", ".hidden", "größe.mpk"] {
        let path = directory.path().join(name);
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two", "{name}");
        assert_eq!(names(directory.path()).len(), 1, "{name}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn probe_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.mpk");
    probe(&path).unwrap();
    assert!(names(directory.path()).is_empty());
    write(&path, b"old").unwrap();
    probe(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn probe_and_write_reject_same_paths() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("directory");
    fs::create_dir(&inside).unwrap();
    fs::write(directory.path().join("file"), b"").unwrap();
    let long = "x".repeat(256);
    for name in ["directory", "new/", "new/.", "..", "missing/m", "file/m", &long] {
        let path = directory.path().join(name);
        let probed = probe(&path).unwrap_err().to_string();
        let written = write(&path, b"new").unwrap_err().to_string();
        assert_eq!(probed, written);
        assert!(written.contains(path.to_str().unwrap()), "{written}");
    }
    assert_eq!(names(directory.path()), ["directory", "file"].map(String::from).into());
    assert!(probe(Path::new("")).is_err());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_file_has_default_mode() {
        let directory = tempfile::tempdir().unwrap();
        let (ours, plain) = (directory.path().join("ours"), directory.path().join("plain"));
        write(&ours, b"").unwrap();
        fs::write(&plain, b"").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn replaced_file_keeps_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.mpk");
        let protect = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(&path, b"old").unwrap();
        protect(0o640);
        write(&path, b"new").unwrap();
        assert_eq!(mode(&path), 0o640);
        // A write-protected file is rejected, although a rename could replace it.
        protect(0o400);
        let error = write(&path, b"newer").unwrap_err();
        assert!(error.to_string().contains("write-protected"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn symlinks_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let link = directory.path().join("link.mpk");
        symlink("inside/second", &link).unwrap();
        symlink("end.mpk", inside.join("second")).unwrap();
        // The target does not exist the first time.
        for content in [b"one", b"two"] {
            write(&link, content).unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::read(inside.join("end.mpk")).unwrap(), content);
        }
        let cycle = directory.path().join("cycle");
        symlink("cycle", &cycle).unwrap();
        assert!(write(&cycle, b"new").is_err());
    }

    #[test]
    fn device_is_rejected() {
        let error = write(Path::new("/dev/null"), b"new").unwrap_err();
        assert!(error.to_string().contains("found a device"), "{error}");
    }
}
