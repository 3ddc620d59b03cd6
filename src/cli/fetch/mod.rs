//! Downloads the data set: each file from the first mirror that serves the correct content.
//!
//! ```text
//! mirror --GET--> memory --SHA-256 matches--> temporary file --rename--> NAME.gz
//!          any failure: the next mirror
//! ```
//!
//! Only verified bytes are written to disk, because one of the mirrors has no HTTPS. The digest is that of the
//! decompressed content, because mirrors may compress the same content differently. Each mirror gets one request per
//! file, with a limit on the time of the request and on the size of the response.
//!
//! The tests use local servers. No test contacts the real mirrors.

pub mod request;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::error::FetchError;
use crate::cli::ui;
use crate::data::catalog::{DataFile, FileStatus};
use crate::data::gzip::Decoded;
use crate::data::source::path_of;
use crate::io::text::without_password;
use crate::io::{Origin, Target, create_directory};
use request::{Client, UNKNOWN_ISSUER};

/// Largest accepted download, in bytes. The largest file has 26 MB, or 47 MB without compression.
pub const MAX_BYTES: u64 = 64 << 20;

/// A verified file of the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Path of the local file, which may be compressed.
    pub path: PathBuf,
    /// Whether the file was downloaded, as opposed to already present.
    pub is_new: bool,
}

/// Downloads files, and reports its progress on standard error.
#[derive(Debug)]
pub struct Fetcher {
    mirrors: Vec<String>,
    client: Client,
}

impl Fetcher {
    /// Creates a fetcher that tries `mirrors` in this order, each for at most `max_time` per file.
    ///
    /// Requests go through the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, if any.
    pub fn new(mirrors: Vec<String>, max_time: Duration, has_bar: bool) -> Self {
        Self { mirrors, client: Client::new(max_time, has_bar) }
    }

    /// Ensures that `dir` contains a correct copy of `file`.
    ///
    /// A correct existing file is kept. An incorrect one is replaced only with `force`.
    ///
    /// # Errors
    /// Returns an error if an incorrect file exists, all mirrors fail, or the file cannot be written.
    pub fn file(
        &self,
        (dir, origin): (&Path, Origin),
        file: DataFile,
        force: bool,
    ) -> Result<Fetched, FetchError> {
        if let Some(present) = present(dir, file, force)? {
            return Ok(present);
        }
        create_directory(dir, origin)?;
        let path = dir.join(format!("{}.gz", file.name()));
        let target = Target::new(&path, Origin::Program)?;
        // Report an unwritable directory before the download of up to 26 MB.
        target.probe()?;
        let mut is_untrusted = false;
        let download = |mirror: &String| {
            let downloaded = self.download(mirror, file);
            is_untrusted |= matches!(&downloaded, Err(cause) if cause == UNKNOWN_ISSUER);
            downloaded.ok()
        };
        let bytes = self.mirrors.iter().find_map(download);
        let bytes = bytes.ok_or(FetchError::Mirrors { file, is_untrusted })?;
        match target.write(&bytes, force) {
            Ok(()) => Ok(Fetched { path, is_new: true }),
            // Another process may have created the file during the download.
            Err(error) => present(dir, file, force)?.ok_or_else(|| error.into()),
        }
    }

    /// Downloads and verifies `file` from one mirror, or prints and returns the cause of the failure.
    fn download(&self, mirror: &str, file: DataFile) -> Result<Vec<u8>, String> {
        let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name());
        let verified = self.client.get(&url).and_then(|bytes| {
            match FileStatus::of(file, Decoded::new(&bytes[..], bytes.len() as u64)) {
                status if status.is_expected() => Ok(bytes),
                status => Err(format!("the download is {status}")),
            }
        });
        verified.inspect_err(|cause| {
            ui::note(&format!("note: {}: {cause}", without_password(&url)));
        })
    }
}

/// Returns the file in `dir` if it is correct, or `None` if it is missing or to be replaced.
fn present(dir: &Path, file: DataFile, force: bool) -> Result<Option<Fetched>, FetchError> {
    let Some(path) = path_of(dir, file) else {
        return Ok(None);
    };
    match FileStatus::of(file, Decoded::open(&path)) {
        finding if finding.is_expected() => Ok(Some(Fetched { path, is_new: false })),
        finding if !force => Err(FetchError::Occupied { path, finding }),
        _ => Ok(None),
    }
}
