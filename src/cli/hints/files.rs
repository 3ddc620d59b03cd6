//! Advice on files that could not be read, written, locked or removed.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::cli::args::{quoted, quoted_path};
use crate::io::FileError;
use crate::io::limits::is_exhausted;

const ELSEWHERE: &str = "write to a local disk, and copy the files afterwards";

pub(super) fn file(error: &FileError) -> Option<String> {
    match is_reading(error) {
        true if error.source.kind() == ErrorKind::NotFound => {
            missing(&error.path).or_else(|| no_run(error))
        }
        true => reading(&error.source),
        // The path of the lock file is a symlink, a pipe or a file with content.
        false
            if error.action == "cannot lock" && error.source.kind() == ErrorKind::InvalidInput =>
        {
            Some("remove that file, or choose another output".to_owned())
        }
        // The lock file may be from a killed command of another user.
        false
            if error.action == "cannot lock"
                && error.source.kind() == ErrorKind::PermissionDenied =>
        {
            Some("choose a file in a directory that you may write to; if another user's command left this lock file there, remove it".to_owned())
        }
        false if error.action.starts_with("cannot rename") => Some(ELSEWHERE.to_owned()),
        // A pipe or a file has the name of the directory.
        false
            if error.action == "cannot create the directory"
                && error.source.kind() == ErrorKind::AlreadyExists =>
        {
            Some("remove it, or choose another directory".to_owned())
        }
        false => writing(&error.source),
    }
}

/// Returns whether the file was to be read, judged by the action in the message.
pub(super) fn is_reading(error: &FileError) -> bool {
    ["cannot read", "cannot use", "cannot compare"]
        .iter()
        .any(|action| error.action.starts_with(action))
}

/// Returns the hint for a file that does not exist, if its path is a URL or a pattern.
pub(super) fn missing(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    match text.split_once("://") {
        Some(("file", path)) => {
            return Some(format!("give only the path: {}", quoted_path(Path::new(path))));
        }
        Some(("http" | "https" | "ftp", rest)) => {
            let name = rest.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
            let name = name.filter(|name| !name.is_empty()).unwrap_or("file");
            let (name, address) = (quoted_path(Path::new(name)), quoted(text.as_ref()));
            return Some(format!("save it to a file first: curl -fLo {name} {address}"));
        }
        _ => {}
    }
    text.contains(['*', '?']).then(|| {
        "no file matches this pattern; the shell expands it only if it is not in quotes".to_owned()
    })
}

/// Returns the hint if a run to compare does not exist.
fn no_run(error: &FileError) -> Option<String> {
    let is_log = error.path.extension().is_some_and(|extension| extension == "csv");
    let hint = match is_log {
        true => "check the name; Keras writes such a log with callbacks=[CSVLogger(\"keras.csv\")]",
        false => "give a run record (.json), which `lenet train` writes next to the model",
    };
    (error.action == "cannot compare").then(|| hint.to_owned())
}

pub(super) fn reading(error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::PermissionDenied => Some("check the permissions of the file".to_owned()),
        _ => either(error),
    }
}

fn writing(error: &io::Error) -> Option<String> {
    let is_own = error.raw_os_error().is_none();
    let hint = match error.kind() {
        // A symlink, which the program does not follow.
        ErrorKind::NotADirectory if is_own => "remove it, or choose another directory",
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "create the directory first, or choose another one"
        }
        ErrorKind::FileTooLarge => "raise the limit on file sizes (ulimit -f)",
        ErrorKind::PermissionDenied => "choose a file in a directory that you may write to",
        // The file system does not support an operation that the program needs.
        ErrorKind::Unsupported => ELSEWHERE,
        ErrorKind::InvalidInput if !is_own => ELSEWHERE,
        ErrorKind::IsADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            "give a file name, for example model.mpk"
        }
        ErrorKind::InvalidData => "the disk may be failing; write to another one",
        ErrorKind::ResourceBusy if is_own => "wait until the other command has ended",
        _ => return either(error),
    };
    Some(hint.to_owned())
}

/// Returns the hint for an error that needs the same action whether a file was read or written.
fn either(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space, or write to another disk"
        }
        ErrorKind::OutOfMemory => super::MEMORY,
        ErrorKind::AlreadyExists => "overwrite it with --force, or choose another file",
        ErrorKind::ReadOnlyFilesystem => "choose a file in a directory that you may write to",
        _ if is_exhausted(error) => "raise the limit on open files (ulimit -n)",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_have_hints() {
        use ErrorKind as Kind;
        let writable = Some("you may write to");
        for (kind, reader, writer) in [
            (Kind::NotFound, None, Some("create the directory")),
            (Kind::StorageFull, Some("free some space"), Some("free some space")),
            (Kind::QuotaExceeded, Some("free some space"), Some("free some space")),
            (Kind::FileTooLarge, None, Some("ulimit -f")),
            (Kind::OutOfMemory, Some("ulimit -v"), Some("ulimit -v")),
            (Kind::AlreadyExists, Some("--force"), Some("--force")),
            (Kind::PermissionDenied, Some("permissions of the file"), writable),
            (Kind::ReadOnlyFilesystem, writable, writable),
            (Kind::IsADirectory, None, Some("give a file name, for example")),
            (Kind::BrokenPipe, None, None),
        ] {
            for (action, expected) in [("cannot read", reader), ("cannot write", writer)] {
                let found = file(&FileError::new(action, Path::new("f"), kind.into()));
                let is_expected = match (&found, expected) {
                    (Some(found), Some(part)) => found.contains(part),
                    (found, expected) => found.is_none() && expected.is_none(),
                };
                assert!(is_expected, "{action} {kind:?}: {found:?}");
            }
        }
    }

    /// Only errors of the program itself are about a symlink or another command.
    #[cfg(unix)]
    #[test]
    fn os_errors_have_hints() {
        for (code, expected) in [(libc::ENOTDIR, "create the directory"), (libc::EINVAL, ELSEWHERE)]
        {
            let found = writing(&io::Error::from_raw_os_error(code)).unwrap();
            assert!(found.contains(expected), "{code}: {found}");
        }
        assert_eq!(writing(&io::Error::from_raw_os_error(libc::EBUSY)), None);
        for code in [23, 24] {
            let found = reading(&io::Error::from_raw_os_error(code)).unwrap();
            assert!(found.contains("ulimit -n"), "{found}");
        }
    }
}
