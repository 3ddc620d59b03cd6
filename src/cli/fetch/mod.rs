//! Downloading the data set: one file after the other, from the first mirror that gives the right bytes.
//!
//! ```text
//! mirror --GET--> memory --SHA-256 right--> scratch file --renamed--> NAME.gz
//!          cut off, stalled: again, from the start
//!          wrong bytes, no such file, out of tries or time: the next mirror
//! ```
//!
//! Nothing but the right bytes ever touches the disk. What is compared is the SHA-256 of the decompressed content:
//! mirrors may compress differently, and the bytes need not come over a line that can be trusted. For each
//! file a mirror has a limited number of tries and a limited time. A download that was cut off begins anew: the largest
//! file has 26 MB.
//!
//! The tests run servers of their own; none asks the mirrors in [`MIRRORS`], which could not be reached from where this
//! was written.

mod request;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::data::catalog::{DataFile, FileStatus};
use crate::data::error::IdxError;
use crate::data::gzip::Decoded;
use crate::data::source::path_of;
use crate::io::{FileError, Target};
use request::{Failure, shown};

/// Where the four files lie, in the order in which they are tried: the copy that Keras uses, the repository of
/// the data set's authors, and their web site of old, which has no HTTPS.
pub const MIRRORS: [&str; 3] = [
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
];

/// The largest download, in bytes. The largest file has 26 MB, 47 MB without compression.
pub const MAX_BYTES: u64 = 64 << 20;

/// Why a file was not downloaded.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum FetchError {
    /// No mirror gave it: each address that was tried, with what went wrong there.
    #[error("cannot fetch {}.gz: {}", file.name(), failures.join("; "))]
    Mirrors { file: DataFile, failures: Vec<String> },
    /// Another file has its name.
    #[error("{} is {finding}", path.display())]
    Occupied { path: PathBuf, finding: FileStatus },
    /// It could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no folder to write to.
    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME names one")]
    NoFolder,
}

impl FetchError {
    /// What the user can do, in one line.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Mirrors { .. } => {
                "try again later or with `--mirror URL`, or \
                 get the files by other means and name their folder with `--data DIR`; Debian has \
                 them in the package dataset-fashion-mnist"
            }
            Self::Occupied { .. } => {
                "replace it with --force, or name another folder with `--data DIR`"
            }
            Self::NoFolder => "name a folder with `--data DIR`",
            Self::File(error) => {
                return Some(format!("{}; `--data DIR` names another folder", error.hint()?));
            }
        };
        Some(hint.to_owned())
    }
}

/// Progress of a download. No address has its password.
#[derive(Debug)]
#[allow(missing_docs, reason = "their names and the comments of the steps say it")]
pub enum Step<'a> {
    /// A request is sent.
    Asking { url: &'a str },
    /// So many bytes have come, of so many if the mirror says so.
    Received { have: u64, of: Option<u64> },
    /// A request brought no file. The same is asked for again after some time, or not.
    Failed { url: &'a str, cause: &'a str, again_in: Option<Duration> },
}

/// A right file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it was downloaded, not there already.
    pub is_new: bool,
}

/// How long and how often a mirror is asked for a file.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Nothing has come for so long: it has stalled.
    pub stalled: Duration,
    /// For one file, whatever has come.
    pub in_all: Duration,
    /// So many requests after the first.
    pub retries: u32,
}

/// Downloads files.
#[derive(Debug)]
pub struct Fetcher {
    mirrors: Vec<String>,
    patience: Patience,
    agent: ureq::Agent,
}

impl Fetcher {
    /// From `mirrors`, in this order, each being given up as `patience` says. The proxy is that of HTTPS_PROXY,
    /// HTTP_PROXY or ALL_PROXY, if one is set.
    pub fn new(mirrors: Vec<String>, patience: Patience) -> Self {
        Self { mirrors, patience, agent: request::agent(patience.stalled) }
    }

    /// Sees to it that `dir` has the right `file`.
    ///
    /// A file that is there and right stays. One that is there and wrong is replaced if `force` says so.
    ///
    /// # Errors
    /// If it is there and wrong, no mirror has it, or it cannot be written.
    pub fn file(
        &self,
        dir: &Path,
        file: DataFile,
        force: bool,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> Result<Fetched, FetchError> {
        if let Some(present) = present(dir, file, force)? {
            return Ok(present);
        }
        std::fs::create_dir_all(dir).map_err(FileError::of("cannot make the folder", dir))?;
        let path = dir.join(format!("{}.gz", file.name()));
        let target = Target::internal(&path)?;
        // Before 26 MB come.
        target.probe()?;
        let mut failures = Vec::new();
        for mirror in &self.mirrors {
            let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name());
            match self.try_mirror(&url, file, tell) {
                Ok(bytes) => {
                    return match target.write(&bytes, force) {
                        Ok(()) => Ok(Fetched { path, is_new: true }),
                        // Another download was faster, or someone else.
                        Err(error) => match present(dir, file, force)? {
                            Some(present) => Ok(present),
                            None => Err(error.into()),
                        },
                    };
                }
                Err(cause) => failures.push(format!("{}: {cause}", shown(&url))),
            }
        }
        Err(FetchError::Mirrors { file, failures })
    }

    /// Asks one mirror until it has sent `file`, or until it is clear that it will not.
    fn try_mirror(
        &self,
        url: &str,
        file: DataFile,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> Result<Vec<u8>, String> {
        let end = Instant::now() + self.patience.in_all;
        let url_shown = shown(url);
        for number in 0.. {
            tell(Step::Asking { url: &url_shown });
            let mut bytes = Vec::new();
            let answer = request::request(&self.agent, url, end, &mut bytes, tell);
            // Whatever the mirror says of its answer, the right bytes are the right bytes.
            let finding = FileStatus::of(file, Decoded::new(&bytes[..], bytes.len() as u64));
            let failure = match (answer, finding) {
                (_, FileStatus::Right(_)) => return Ok(bytes),
                (Err(failure), _) => failure,
                (Ok(()), FileStatus::Damaged(IdxError::CutOff)) => {
                    Failure::passing("what it sends ends early")
                }
                (Ok(()), finding) => Failure::lasting(format!("what it sends is {finding}")),
            };
            let wait = Duration::from_millis(500) * 2_u32.pow(number.min(6));
            let again =
                failure.may_pass && number < self.patience.retries && Instant::now() + wait < end;
            let again_in = again.then_some(wait);
            tell(Step::Failed { url: &url_shown, cause: &failure.cause, again_in });
            if !again {
                return Err(failure.cause);
            }
            thread::sleep(wait);
        }
        unreachable!("the number of tries is bounded")
    }
}

/// The right file, if it is in `dir`; nothing if there is none, or a wrong one to be replaced.
fn present(dir: &Path, file: DataFile, force: bool) -> Result<Option<Fetched>, FetchError> {
    let Some(path) = path_of(dir, file) else {
        return Ok(None);
    };
    match FileStatus::of(file, Decoded::open(&path)) {
        FileStatus::Right(_) => Ok(Some(Fetched { path, is_new: false })),
        finding if !force => Err(FetchError::Occupied { path, finding }),
        _ => Ok(None),
    }
}
