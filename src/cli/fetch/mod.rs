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
mod resolver;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::error::FetchError;
use crate::cli::ui;
use crate::data::catalog::{DataFile, FileStatus};
use crate::data::gzip::Decoded;
use crate::data::source::path_of;
use crate::data::{DatasetInfo, class_names};
use crate::io::text::without_password;
use crate::io::{FileSet, NewFile, Origin, OutputDir, Target, lock_directory};
use request::{Client, RequestError};

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
    dataset: &'static DatasetInfo,
    mirrors: Vec<String>,
    client: Client,
}

impl Fetcher {
    /// Creates a fetcher of `dataset` that tries `mirrors` in this order, each for at most `max_time` per file.
    ///
    /// Requests go through the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, if any.
    pub fn new(
        dataset: &'static DatasetInfo,
        mirrors: Vec<String>,
        max_time: Duration,
        has_bar: bool,
    ) -> Self {
        Self { dataset, mirrors, client: Client::new(max_time, has_bar) }
    }

    /// Ensures that the directory `output` contains correct copies of all files, and calls `report` for each of them.
    ///
    /// A correct existing file is kept. An incorrect one is replaced only with `force`. All incorrect files are then replaced
    /// together, because a part of them would be a mixture of two data sets. Otherwise, each file is written as soon as
    /// it is downloaded, so that a later call does not download it again.
    ///
    /// # Errors
    /// Returns an error if an incorrect file exists, all mirrors fail for a file, a file cannot be written, or no thread can be
    /// started.
    pub fn files(
        &self,
        output: &OutputDir,
        force: bool,
        mut report: impl FnMut(DataFile, &Fetched),
    ) -> Result<(), FetchError> {
        let dir = &output.path();
        let statuses = || {
            let status = |file| Ok((file, self.present(dir, file, force)?));
            DataFile::ALL.map(status).into_iter().collect::<Result<Vec<_>, FetchError>>()
        };
        let found = statuses()?;
        let is_missing = |(_, found): &(_, Option<Fetched>)| found.is_none();
        if found.iter().any(is_missing) {
            output.create()?;
        }
        let is_replaced = |(file, found): &(DataFile, Option<Fetched>)| {
            found.is_none() && path_of(dir, *file).is_some()
        };
        if !found.iter().any(is_replaced) {
            for (file, found) in found {
                let fetched = found.map_or_else(|| self.file(dir, file, force), Ok)?;
                report(file, &fetched);
            }
            return Ok(());
        }
        // Another process may have replaced files before this one locked the directory.
        let lock = lock_directory(dir)?;
        let mut found = statuses()?;
        // The labels and the class names of the old files do not describe the new images.
        let mut set = FileSet { obsolete: vec![dir.join(class_names::FILE)], ..FileSet::default() };
        for (file, found) in found.iter_mut().filter(|(_, found)| found.is_none()) {
            let (path, bytes) = self.fetch(dir, *file)?;
            *found = Some(Fetched { path: path.clone(), is_new: true });
            let is_label = matches!(file, DataFile::TrainLabels | DataFile::TestLabels);
            let files = if is_label { &mut set.descriptions } else { &mut set.files };
            files.push((path, bytes));
        }
        set.write(&lock, force)?;
        found.iter().for_each(|(file, found)| found.iter().for_each(|new| report(*file, new)));
        Ok(())
    }

    /// Downloads `file` and writes it to `dir`.
    fn file(&self, dir: &Path, file: DataFile, force: bool) -> Result<Fetched, FetchError> {
        let (path, bytes) = self.fetch(dir, file)?;
        match Target::new(&path, Origin::Program)?.write(&bytes, force) {
            Ok(()) => Ok(Fetched { path, is_new: true }),
            // Another process may have created the file during the download.
            Err(error) => self.present(dir, file, force)?.ok_or_else(|| error.into()),
        }
    }

    /// Downloads `file`. Returns its path in `dir` and its content.
    fn fetch(&self, dir: &Path, file: DataFile) -> Result<NewFile, FetchError> {
        let path = dir.join(format!("{}.gz", file.name()));
        // Report an unwritable directory before the download of up to 26 MB.
        Target::new(&path, Origin::Program)?.probe()?;
        let mut is_untrusted = false;
        for mirror in &self.mirrors {
            let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name());
            match self.download(&url, file) {
                Err(RequestError::Thread(error)) => return Err(FetchError::Threads(error.0)),
                Err(cause) => {
                    ui::note(&format!("note: {}: {cause}", without_password(&url)));
                    is_untrusted |= matches!(cause, RequestError::UnknownIssuer);
                }
                Ok(bytes) => return Ok((path, bytes)),
            }
        }
        Err(FetchError::Mirrors { file, dataset: self.dataset, is_untrusted })
    }

    /// Downloads `file` from `url` and verifies it.
    fn download(&self, url: &str, file: DataFile) -> Result<Vec<u8>, RequestError> {
        let bytes = self.client.get(url)?;
        match FileStatus::of(file, Decoded::new(&bytes[..], bytes.len() as u64)) {
            status if status.is_of(self.dataset) => Ok(bytes),
            status => {
                let finding = status.description(self.dataset);
                Err(RequestError::Other(format!("the download is {finding}")))
            }
        }
    }

    /// Returns the file in `dir` if it is correct, or `None` if it is missing or to be replaced.
    fn present(
        &self,
        dir: &Path,
        file: DataFile,
        force: bool,
    ) -> Result<Option<Fetched>, FetchError> {
        let Some(path) = path_of(dir, file) else {
            return Ok(None);
        };
        match FileStatus::of(file, Decoded::open(&path)) {
            finding if finding.is_of(self.dataset) => Ok(Some(Fetched { path, is_new: false })),
            finding if !force => {
                Err(FetchError::Occupied { path, finding: finding.description(self.dataset) })
            }
            _ => Ok(None),
        }
    }
}
