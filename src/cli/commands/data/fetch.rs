//! `lenet data fetch`: downloads the files of Fashion-MNIST.

use std::path::Path;

use serde_json::json;

use crate::cli::args::FetchArgs;
use crate::cli::error::{Error, FetchError};
use crate::cli::fetch::Fetcher;
use crate::cli::ui::{self, Out, bars_wanted};
use crate::data::DataFile;
use crate::data::datasets::DEFAULT;
use crate::data::source::{cache_dir, named_by_environment};
use crate::io::{Origin, limits};

pub(super) fn fetch(args: &FetchArgs) -> Result<(), Error> {
    let origin = if args.dir.is_some() { Origin::User } else { Origin::Program };
    let dir = args.dir.clone().or_else(cache_dir).ok_or(FetchError::NoFolder)?;
    let mirrors = match &args.mirrors[..] {
        [] => DEFAULT.mirrors.iter().map(|url| (*url).to_owned()).collect(),
        given => given.to_vec(),
    };
    // The HTTP library starts a thread for each host name, and panics if it cannot.
    limits::check_threads(1).map_err(|error| Error::Threads(error.to_string()))?;
    let fetcher = Fetcher::new(mirrors, args.max_time, bars_wanted(args.progress));
    let mut out = Out::default();
    let mut files = Vec::new();
    for file in DataFile::ALL {
        let fetched = fetcher.file((&dir, origin), file, args.force)?;
        if !args.json {
            let origin = if fetched.is_new { "fetched" } else { "already present" };
            out.line(&format!("{}  ok, {origin}", fetched.path.display()));
        }
        let path = fetched.path.to_string_lossy();
        files.push(json!({ "name": file.name(), "path": path, "fetched": fetched.is_new }));
    }
    if args.json {
        out.json(&json!({ "schema": 1, "dir": dir.to_string_lossy(), "files": files }));
    } else if !is_searched(&dir) {
        ui::note(&format!("note: use --data {} with other commands", dir.display()));
    }
    out.finish()
}

/// Returns whether other commands find the data set in `dir` without `--data`.
fn is_searched(dir: &Path) -> bool {
    named_by_environment().is_some()
        || dir == Path::new("data")
        || dir == Path::new("./data")
        || cache_dir().as_deref() == Some(dir)
}
