//! A file that grows while others read it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::{FileError, Target, open_at_once};

/// Makes `path`, a name that the program made up, a file with these bytes, open for more. A file that has the first of
/// them gets the others, so that who has it open sees them; anything else is replaced, a link itself and not what it
/// leads to.
pub fn complete(path: &Path, bytes: &[u8]) -> Result<File, FileError> {
    let failed = FileError::of("cannot write", path);
    let open = || open_at_once(File::options().read(true).append(true), false).open(path);
    if let Ok(mut file) = open()
        && let Some(begun) = beginning(&mut file, bytes).map_err(&failed)?
    {
        file.write_all(&bytes[begun..]).map_err(&failed)?;
        return Ok(file);
    }
    Target::made_up(path)?.write(bytes, true)?;
    open().map_err(failed)
}

/// How many of `bytes` the file has, if it has some of them and nothing else.
fn beginning(file: &mut File, bytes: &[u8]) -> io::Result<Option<usize>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut found = Vec::new();
    file.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
    Ok((!found.is_empty() && bytes.starts_with(&found)).then_some(found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_beginning_of_a_file_is_completed_in_place_and_anything_else_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let with = |found: &[u8]| {
            fs::write(&path, found).unwrap();
            let mut reader = File::open(&path).unwrap();
            complete(&path, b"one two").unwrap().write_all(b" three").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"one two three");
            let mut seen = Vec::new();
            reader.read_to_end(&mut seen).unwrap();
            seen
        };
        assert_eq!(with(b"one"), b"one two three");
        assert_eq!(with(b"one two"), b"one two three");
        for other in [&b""[..], b"two", b"one two three"] {
            assert_eq!(with(other), other);
        }
        #[cfg(unix)]
        {
            let victim = folder.path().join("victim");
            fs::write(&victim, "one").unwrap();
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(&victim, &path).unwrap();
            complete(&path, b"one two").unwrap();
            assert_eq!(fs::read(&victim).unwrap(), b"one");
            assert_eq!(fs::read(&path).unwrap(), b"one two");
        }
    }
}
