//! Downloading the data set: one file after the other, from the first mirror that gives the right bytes.
//!
//! ```text
//! mirror --GET, Range--> NAME.gz.part --whole, SHA-256 right--> NAME.gz
//!          cut off, stalled: again, from where it stopped
//!          wrong bytes, no such file: the next mirror
//! ```
//!
//! Nothing but the right bytes ever has the final name. What is compared is the SHA-256 of the decompressed
//! content: mirrors may compress differently, and the bytes need not come over a line that can be trusted. A
//! `.part` file that was left behind is gone on with; its lock keeps a second download away.
//!
//! The requests are tried against servers of the tests' own. The mirrors in [`MIRRORS`] themselves could not be
//! reached from where this was written; no test asks them.

mod part;
mod request;

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::catalog::DataFile;
use super::check::Finding;
use super::source::path_of;
use part::Part;
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

/// A request that brought this many bytes was worth it: a mirror that cuts off again and again is asked for as
/// long as it moves on.
const WORTHWHILE: u64 = 64 << 10;

/// Why a file was not downloaded.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No mirror gave it.
    #[error("cannot fetch {}.gz: {}", file.name(), list(causes))]
    Mirrors {
        /// The file.
        file: DataFile,
        /// Each address that was tried, with what went wrong there.
        causes: Vec<(String, Cause)>,
    },
    /// Another file has its name.
    #[error("{} is {finding}", path.display())]
    Occupied {
        /// The file that is there.
        path: PathBuf,
        /// What it is.
        finding: Finding,
    },
    /// Another process downloads the same file.
    #[error("{}: another download is writing it", .0.display())]
    Busy(PathBuf),
    /// The disk failed.
    #[error("cannot {action} {}: {cause}", path.display())]
    Disk {
        /// As in "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// There is no folder to write to.
    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME names one")]
    NoFolder,
}

fn list(causes: &[(String, Cause)]) -> String {
    let causes: Vec<String> = causes
        .iter()
        .map(|(url, cause)| format!("{url}: {cause}"))
        .collect();
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
            Self::Busy(_) => "wait for it, or name another folder with `--data DIR`".to_owned(),
            Self::NoFolder => "name a folder with `--data DIR`".to_owned(),
            Self::Disk { cause, .. } => match cause.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space and run it again; it goes on where it stopped".to_owned()
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "name a folder that you may write to with `--data DIR`".to_owned()
                }
                _ => return None,
            },
        })
    }

    fn disk(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |cause| Self::Disk {
            action,
            path: path.to_owned(),
            cause,
        }
    }
}

/// What the caller is told while a file is on its way.
#[derive(Debug)]
pub enum Step<'a> {
    /// A request is sent; so many bytes are there already.
    Asking {
        /// What is asked for.
        url: &'a str,
        /// Bytes of an earlier request.
        have: u64,
    },
    /// Some more bytes have come.
    Received {
        /// Bytes so far.
        have: u64,
        /// Bytes of the whole, if the mirror says so.
        of: Option<u64>,
    },
    /// A request failed.
    Failed {
        /// What was asked for.
        url: &'a str,
        /// What went wrong.
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

/// Downloads files.
#[derive(Debug)]
pub struct Fetcher {
    mirrors: Vec<String>,
    retries: u32,
    back_off: Duration,
    agent: ureq::Agent,
}

impl Fetcher {
    /// From `mirrors`, in this order. A mirror is given up when nothing has come from it for `timeout`, `retries`
    /// times in a row after the first. The proxy is that of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, if one is set.
    #[must_use]
    pub fn new(mirrors: Vec<String>, timeout: Duration, retries: u32) -> Self {
        Self {
            mirrors,
            retries,
            back_off: Duration::from_millis(500),
            agent: request::agent(timeout),
        }
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
        if let Some(path) = path_of(dir, file) {
            match Finding::of(&path, file) {
                Finding::Right => return Ok(Fetched::Present(path)),
                finding if !force => return Err(FetchError::Occupied { path, finding }),
                _ => {}
            }
        }
        std::fs::create_dir_all(dir).map_err(FetchError::disk("make the folder", dir))?;
        let path = dir.join(format!("{}.gz", file.name()));
        let mut part = Part::open(&path)?;
        // An earlier download may have ended between its last byte and its renaming.
        if part.len() > 0 && Finding::of(part.path(), file).is_right() {
            part.finish()?;
            return Ok(Fetched::New(path));
        }
        let mut causes = Vec::new();
        for mirror in &self.mirrors {
            let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name());
            match self.try_mirror(&url, &mut part, file, tell)? {
                Ok(()) => {
                    part.finish()?;
                    return Ok(Fetched::New(path));
                }
                Err(cause) => causes.push((url, cause)),
            }
        }
        part.close();
        Err(FetchError::Mirrors { file, causes })
    }

    /// Asks one mirror until `part` is `file`, or until it is clear that this mirror has it not: the inner error.
    fn try_mirror(
        &self,
        url: &str,
        part: &mut Part,
        file: DataFile,
        tell: &mut dyn FnMut(Step<'_>),
    ) -> Result<Result<(), Cause>, FetchError> {
        let mut fruitless = 0;
        loop {
            let before = part.len();
            tell(Step::Asking { url, have: before });
            let answer = request::request(&self.agent, url, part, tell)?;
            // Whatever the mirror says of its answer, the right bytes are the right bytes.
            let finding = Finding::of(part.path(), file);
            let cause = match answer {
                _ if finding.is_right() => return Ok(Ok(())),
                Err(cause @ Cause::Status(416)) => {
                    // There is no byte after those that came before: they are others than the mirror's.
                    part.clear()?;
                    cause
                }
                Err(cause) => cause,
                Ok(()) if finding.is_cut_off() => Cause::EndsEarly,
                Ok(()) => {
                    part.clear()?;
                    // Pieces of different origin may not fit; only a whole download tells of the mirror.
                    let whole = before == 0;
                    Cause::Wrong { finding, whole }
                }
            };
            fruitless = match part.len() >= before + WORTHWHILE {
                true => 0,
                false => fruitless + 1,
            };
            let again = !cause.is_final() && fruitless <= self.retries;
            let again_in =
                again.then(|| self.back_off * 2_u32.pow(fruitless.saturating_sub(1).min(6)));
            tell(Step::Failed {
                url,
                cause: &cause,
                again_in,
            });
            match again_in {
                Some(time) => thread::sleep(time),
                None => return Ok(Err(cause)),
            }
        }
    }
}
