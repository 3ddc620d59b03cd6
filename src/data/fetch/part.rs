//! The `.part` file: what has come so far, under a name that no reader of data looks for.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::FetchError;

/// A download on the disk, locked.
pub(super) struct Part {
    path: PathBuf,
    target: PathBuf,
    file: File,
    len: u64,
}

impl Part {
    /// Opens the part of `target`, with what an earlier download left in it.
    pub(super) fn open(target: &Path) -> Result<Self, FetchError> {
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(FetchError::disk("write", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FetchError::Busy(path)),
            // A file system without locks: two downloads spoil each other's part, which the digest finds out.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(FetchError::disk("lock", &path)(error)),
        }
        let mut part = Self {
            path,
            target: target.to_owned(),
            file,
            len: 0,
        };
        part.len = part
            .file
            .seek(SeekFrom::End(0))
            .map_err(FetchError::disk("read", &part.path))?;
        if part.len > super::MAX_BYTES {
            part.clear()?;
        }
        Ok(part)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Puts `bytes` behind what is there.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let written = self.file.write_all(bytes);
        written.map_err(FetchError::disk("write", &self.path))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) -> Result<(), FetchError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.rewind());
        cleared.map_err(FetchError::disk("write", &self.path))?;
        self.len = 0;
        Ok(())
    }

    /// Gives the file its final name, once it is known to be right and is on the disk.
    pub(super) fn finish(&mut self) -> Result<(), FetchError> {
        let failed = FetchError::disk("write", &self.target);
        self.file.sync_all().map_err(&failed)?;
        fs::rename(&self.path, &self.target).map_err(&failed)?;
        let folder = self.target.parent().unwrap_or(Path::new("."));
        sync_folder(folder).map_err(failed)
    }

    /// Leaves what has come for the next time; an empty part is removed.
    pub(super) fn close(self) {
        if self.len == 0 {
            // Where it stays, it does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a new name in `folder` last through a loss of power, where the system can.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
