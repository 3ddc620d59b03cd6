//! `lenet data verify`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::VerifyArgs;
use crate::data::DataFile;
use crate::data::check::Finding;
use crate::data::source::{self, SourceError, path_of};
use crate::error::Error;
use crate::ui::Out;

#[derive(Serialize)]
struct Document {
    schema: u32,
    dir: PathBuf,
    ok: bool,
    files: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    path: Option<PathBuf>,
    status: &'static str,
    sha256: Option<String>,
    problem: Option<String>,
}

pub(super) fn verify(args: &VerifyArgs) -> Result<(), Error> {
    let dir = match source::find(args.dir.as_deref(), &DataFile::ALL) {
        // Those that are there can be looked at all the same.
        Err(SourceError::Incomplete { dir, .. }) => dir,
        found => found.map_err(crate::data::DataError::from)?,
    };
    let files: Vec<Row> = DataFile::ALL.map(|file| row(&dir, file)).into();
    let bad = files.iter().filter(|row| row.status != "ok").count();
    let document = Document { schema: 1, dir: dir.clone(), ok: bad == 0, files };
    let mut out = Out::default();
    if args.json {
        out.json(&document);
    } else {
        out.lines(text(&document));
    }
    out.finish()?;
    match bad {
        0 => Ok(()),
        bad => Err(Error::Unverified { dir, bad }),
    }
}

fn row(dir: &Path, file: DataFile) -> Row {
    let path = path_of(dir, file);
    let finding = path.as_deref().map(|path| Finding::of(path, file));
    Row {
        name: file.name(),
        path,
        status: finding.as_ref().map_or("missing", Finding::name),
        sha256: finding
            .as_ref()
            .and_then(|finding| finding.digest(file))
            .map(|digest| digest.to_string()),
        problem: match &finding {
            Some(Finding::Right) => None,
            Some(finding) => Some(format!("it is {finding}")),
            None => Some("it is not there".to_owned()),
        },
    }
}

fn text(document: &Document) -> Vec<String> {
    let mut lines = vec![format!("Fashion-MNIST in {}", document.dir.display())];
    for row in &document.files {
        let what = match (&row.sha256, &row.problem) {
            (Some(digest), None) => digest.clone(),
            (Some(digest), Some(problem)) => format!("{digest}  {problem}"),
            (None, problem) => problem.clone().unwrap_or_default(),
        };
        lines.push(format!("{:<8}  {:<23}  {what}", row.status, row.name));
    }
    lines
}
