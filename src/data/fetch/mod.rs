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

use super::catalog::DataFile;
use super::check::Finding;
use super::source::path_of;
use crate::io::{FileError, Target};
use request::Cause;

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
    /// No mirror gave it.
    #[error("cannot fetch {}.gz: {}", file.name(), list(causes))]
    Mirrors {
        file: DataFile,
        /// Each address that was tried, with what went wrong there.
        causes: Vec<(String, Cause)>,
    },
    /// Another file has its name.
    #[error("{} is {finding}", path.display())]
    Occupied {
        /// The file that is there.
        path: PathBuf,
        finding: Finding,
    },
    /// It could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no folder to write to.
    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME names one")]
    NoFolder,
}

fn list(causes: &[(String, Cause)]) -> String {
    let causes: Vec<String> = causes.iter().map(|(url, cause)| format!("{url}: {cause}")).collect();
    causes.join("; ")
}

impl FetchError {
    /// What the user can do, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Mirrors { .. } => "try again later or with `--mirror URL`, or \
                 get the files by other means and name their folder with `--data DIR`; Debian has \
                 them in the package dataset-fashion-mnist"
                .to_owned(),
            Self::Occupied { .. } => {
                "replace it with --force, or name another folder with `--data DIR`".to_owned()
            }
            Self::NoFolder => "name a folder with `--data DIR`".to_owned(),
            Self::File(error) => {
                let hint = error.hint()?;
                format!("{hint}; `--data DIR` names another folder")
            }
        })
    }
}

/// Progress of a download.
#[derive(Debug)]
pub enum Step<'a> {
    /// A request is sent.
    Asking {
        /// What is asked for, without a password.
        url: &'a str,
    },
    /// Some more bytes have come.
    Received {
        /// Bytes so far.
        have: u64,
        /// Bytes of the whole, if the mirror says so.
        of: Option<u64>,
    },
    /// A request brought no file.
    Failed {
        /// What was asked for, without a password.
        url: &'a str,
        /// The server's answer, or why there was none.
        cause: &'a Cause,
        /// The same is asked for again after this time; nothing if it is not.
        again_in: Option<Duration>,
    },
}

/// How a file came to be in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It was there.
    Present(PathBuf),
    /// It was downloaded.
    New(PathBuf),
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
    #[must_use]
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
        let target = Target::made_up(&path)?;
        // Before 26 MB come.
        target.probe()?;
        let mut causes = Vec::new();
        for mirror in &self.mirrors {
            let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name());
            match self.try_mirror(&url, file, tell) {
                Ok(bytes) => {
                    return match target.write(&bytes, force) {
                        Ok(()) => Ok(Fetched::New(path)),
                        // Another download was faster, or someone else.
                        Err(error) => match present(dir, file, force)? {
                            Some(present) => Ok(present),
                            None => Err(error.into()),
                        },
                    };
                }
                Err(cause) => causes.push((request::shown(&url), cause)),
            }
        }
        Err(FetchError::Mirrors { file, causes })
    }

    /// Asks one mirror until it has sent `file`, or until it is clear that it will not.
    fn try_mirror(
        &self,
        url: &str,
        file: DataFile,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> Result<Vec<u8>, Cause> {
        let end = Instant::now() + self.patience.in_all;
        let shown = request::shown(url);
        for number in 0.. {
            tell(Step::Asking { url: &shown });
            let mut bytes = Vec::new();
            let answer = request::request(&self.agent, url, end, &mut bytes, tell);
            // Whatever the mirror says of its answer, the right bytes are the right bytes.
            let finding = Finding::of_bytes(&bytes, file);
            let cause = match answer {
                _ if finding.is_right() => return Ok(bytes),
                Err(cause) => cause,
                Ok(()) if finding.is_cut_off() => Cause::EndsEarly,
                Ok(()) => Cause::Wrong(finding),
            };
            let wait = Duration::from_millis(500) * 2_u32.pow(number.min(6));
            let again =
                !cause.is_final() && number < self.patience.retries && Instant::now() + wait < end;
            tell(Step::Failed { url: &shown, cause: &cause, again_in: again.then_some(wait) });
            if !again {
                return Err(cause);
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
    match Finding::of(&path, file) {
        Finding::Right => Ok(Some(Fetched::Present(path))),
        finding if !force => Err(FetchError::Occupied { path, finding }),
        _ => Ok(None),
    }
}
