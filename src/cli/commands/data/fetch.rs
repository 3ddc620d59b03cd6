//! `lenet data fetch`: downloads the files of a known data set.

use std::path::Path;

use serde_json::json;

use crate::cli::args::{FetchArgs, KnownDataset, quoted};
use crate::cli::error::{Error, FetchError};
use crate::cli::fetch::{Fetched, Fetcher};
use crate::cli::ui::{self, Out, bars_wanted};
use crate::data::datasets::DEFAULT;
use crate::data::source::{cache_dir, named_by_environment};
use crate::data::{FASHION_MNIST, MNIST};
use crate::io::OutputDir;

pub(super) fn fetch(args: &FetchArgs) -> Result<(), Error> {
    // The cache directory itself is that of Fashion-MNIST. Other commands do not search the one below it, so that they use
    // MNIST only if it is named.
    let (dataset, below) = match args.dataset {
        KnownDataset::FashionMnist => (&FASHION_MNIST, ""),
        KnownDataset::Mnist => (&MNIST, "mnist"),
    };
    let output = match (&args.dir, cache_dir()) {
        (Some(dir), _) => OutputDir::typed(dir),
        (None, Some(cache)) => {
            let name = cache.file_name().unwrap_or_default();
            let dir = OutputDir::new(cache.with_file_name(""), name);
            if below.is_empty() { dir } else { dir.below(below) }
        }
        (None, None) => return Err(FetchError::NoFolder.into()),
    };
    let mirrors = match &args.mirrors[..] {
        [] => dataset.mirrors.iter().map(|url| (*url).to_owned()).collect(),
        given => given.to_vec(),
    };
    let fetcher = Fetcher::new(dataset, mirrors, args.max_time, bars_wanted(args.progress));
    let mut out = Out::default();
    let dir = output.path();
    let mut files = Vec::new();
    fetcher.files(&output, args.force, |file, Fetched { path, is_new }| {
        if !args.json {
            let origin = if *is_new { "fetched" } else { "already present" };
            out.line(&format!("{}  ok, {origin}", path.display()));
        }
        let path = path.to_string_lossy();
        files.push(json!({ "name": file.name(), "path": path, "fetched": is_new }));
    })?;
    if args.json {
        out.json(&json!({ "schema": 1, "dataset": dataset.name, "dir": dir.to_string_lossy(), "files": files }));
    } else if *dataset != *DEFAULT {
        let dir = quoted(dir.as_os_str());
        ui::note(&format!("note: use --data={dir} --any-dataset with other commands"));
    } else if !is_searched(&dir) {
        ui::note(&format!("note: use --data={} with other commands", quoted(dir.as_os_str())));
    }
    out.finish()
}

/// Returns whether other commands find the data set in `dir` without `--data`.
fn is_searched(dir: &Path) -> bool {
    if let Some(named) = named_by_environment() {
        return named == dir;
    }
    dir == Path::new("data") || dir == Path::new("./data") || cache_dir().as_deref() == Some(dir)
}
