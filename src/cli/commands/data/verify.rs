//! `lenet data verify`: checks the files of the data set against the known SHA-256 digests.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::cli::args::VerifyArgs;
use crate::cli::error::Error;
use crate::cli::ui::{self, Out};
use crate::data::catalog::FileStatus;
use crate::data::datasets::DEFAULT;
use crate::data::gzip::Decoded;
use crate::data::source::{self, path_of};
use crate::data::{DataError, DataFile};

#[derive(Serialize)]
struct Row {
    name: &'static str,
    path: Option<String>,
    status: &'static str,
    sha256: Option<String>,
    problem: Option<String>,
}

pub(super) fn verify(args: &VerifyArgs) -> Result<(), Error> {
    let dir = match source::find(args.dir.as_deref(), &DataFile::ALL) {
        // Files that do exist can still be checked.
        Err(DataError::Incomplete { dir, .. }) => dir,
        found => found?,
    };
    let files = DataFile::ALL.map(|file| row(&dir, file));
    let bad = files.iter().filter(|row| row.status != "ok").count();
    let mut out = Out::default();
    if args.json {
        let dir = dir.to_string_lossy();
        out.json(&json!({ "schema": 1, "dir": dir, "ok": bad == 0, "files": files }));
    } else {
        out.line(&format!("{} in {}", DEFAULT.name, dir.display()));
        out.lines(files.iter().map(line));
    }
    out.finish()?;
    match bad {
        0 => Ok(()),
        bad => Err(Error::Unverified { dir, bad }),
    }
}

fn row(dir: &Path, file: DataFile) -> Row {
    let path = path_of(dir, file);
    let status = path.as_deref().map(|path| FileStatus::of(file, Decoded::open(path)));
    Row {
        name: file.name(),
        path: path.map(|path| path.to_string_lossy().into_owned()),
        status: status.as_ref().map_or("missing", FileStatus::name),
        sha256: status.as_ref().and_then(FileStatus::digest).map(str::to_owned),
        problem: match &status {
            Some(status) if status.is_expected() => None,
            Some(status) => Some(format!("it is {}", status.description(DEFAULT))),
            None => Some("file not found".to_owned()),
        },
    }
}

/// Formats a row as text, without the digest if the terminal is too narrow.
fn line(row: &Row) -> String {
    let digest = row.sha256.iter().map(|digest| (1, digest.clone()));
    let problem = row.problem.iter().map(|problem| (0, problem.clone()));
    let start = (0, format!("{:<8}  {:<23}", row.status, row.name));
    ui::fit([start].into_iter().chain(digest).chain(problem).collect(), ui::columns())
}
