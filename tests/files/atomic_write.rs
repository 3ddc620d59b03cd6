//! Files are written whole or not at all, under exactly the path asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lenet::io::{FileError, Target};

fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    Target::user_path(path)?.write(bytes, true)
}

fn probe(path: &Path) -> Result<(), FileError> {
    Target::user_path(path)?.probe()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_file_is_created_and_replaced_under_exactly_the_path_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["m", "m.bin", "m.v1", "m.MPK", ".hidden", "größe.mpk"] {
        let path = folder.path().join(name);
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two", "{name}");
        assert_eq!(names(folder.path()).len(), 1, "{name}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_probe_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.mpk");
    probe(&path).unwrap();
    assert!(names(folder.path()).is_empty());
    write(&path, b"old").unwrap();
    probe(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn paths_that_name_no_file_are_refused_by_probe_and_write_alike() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("folder");
    fs::create_dir(&inside).unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let long = "x".repeat(256);
    for name in ["folder", "new/", "new/.", "..", "missing/m", "file/m", &long] {
        let path = folder.path().join(name);
        let probed = probe(&path).unwrap_err().to_string();
        let written = write(&path, b"new").unwrap_err().to_string();
        assert_eq!(probed, written);
        assert!(written.contains(path.to_str().unwrap()), "{written}");
    }
    assert_eq!(names(folder.path()), ["file", "folder"].map(String::from).into());
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
    fn a_new_file_has_the_mode_of_any_other_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(&ours, b"").unwrap();
        fs::write(&plain, b"").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_write_protected_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.mpk");
        let protect = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(&path, b"old").unwrap();
        protect(0o640);
        write(&path, b"new").unwrap();
        assert_eq!(mode(&path), 0o640);
        protect(0o400);
        let error = write(&path, b"newer").unwrap_err();
        assert!(error.to_string().contains("write-protected"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_link_is_followed_whether_its_end_exists_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let link = folder.path().join("link.mpk");
        symlink("inside/second", &link).unwrap();
        symlink("end.mpk", inside.join("second")).unwrap();
        for content in [b"one", b"two"] {
            write(&link, content).unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::read(inside.join("end.mpk")).unwrap(), content);
        }
        let around = folder.path().join("around");
        symlink("around", &around).unwrap();
        assert!(write(&around, b"new").is_err());
    }

    #[test]
    fn a_device_is_refused() {
        let error = write(Path::new("/dev/null"), b"new").unwrap_err();
        assert!(error.to_string().contains("found a device"), "{error}");
    }
}
