//! `lenet data fetch`.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::args::FetchArgs;
use crate::cli::fetch::{FetchError, Fetcher, MIRRORS, Patience, Step};
use crate::cli::ui::{self, Out, bars_wanted};
use crate::data::DataFile;
use crate::data::source::cache_dir;
use crate::error::Error;

pub(super) fn fetch(args: &FetchArgs) -> Result<(), Error> {
    let dir = args.dir.clone().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.or_else(cache_dir).ok_or(FetchError::NoFolder)?;
    let mirrors = match &args.mirrors[..] {
        [] => MIRRORS.map(str::to_owned).to_vec(),
        asked => asked.to_vec(),
    };
    let patience = Patience { stalled: args.timeout, in_all: args.max_time, retries: args.retries };
    let fetcher = Fetcher::new(mirrors, patience);
    let mut progress = Progress::new(bars_wanted(args.progress));
    let mut out = Out::default();
    let mut files = Vec::new();
    for file in DataFile::ALL {
        let fetched = fetcher.file(&dir, file, args.force, &mut |step| progress.tell(&step));
        progress.clear();
        let fetched = fetched?;
        if !args.json {
            let what = if fetched.is_new { "fetched" } else { "was there" };
            out.line(&format!("{}  ok, {what}", fetched.path.display()));
        }
        let path = fetched.path.to_string_lossy();
        files.push(json!({ "name": file.name(), "path": path, "fetched": fetched.is_new }));
    }
    if args.json {
        out.json(&json!({ "schema": 1, "dir": dir.to_string_lossy(), "files": files }));
    } else if !is_looked_for(&dir) {
        ui::note(&format!("note: other commands find it with --data {}", dir.display()));
    }
    out.finish()
}

/// Whether the commands look into `dir` by themselves.
fn is_looked_for(dir: &Path) -> bool {
    let is_named = std::env::var_os(crate::data::source::DIR_VARIABLE).is_some();
    is_named
        || dir == Path::new("data")
        || dir == Path::new("./data")
        || cache_dir().as_deref() == Some(dir)
}

/// Tells of requests on standard error: in lines, and with a bar on a terminal.
struct Progress {
    bars: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(bars: bool) -> Self {
        Self { bars, bar: None }
    }

    fn tell(&mut self, step: &Step<'_>) {
        match step {
            Step::Asking { url } => self.note(&format!("fetching {url}")),
            Step::Received { have, of } if self.bars => self.draw(*have, *of),
            Step::Received { .. } => {}
            Step::Failed { url, cause, again_in } => {
                self.clear();
                let then = match again_in {
                    Some(time) => format!("; again in {} s", time.as_secs_f32()),
                    None => String::new(),
                };
                self.note(&format!("note: {url}: {cause}{then}"));
            }
        }
    }

    fn draw(&mut self, have: u64, of: Option<u64>) {
        let bar = self.bar.get_or_insert_with(|| {
            let style = "{wide_bar:.cyan/blue} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
            let style = ProgressStyle::with_template(style).expect("the template is a constant");
            ProgressBar::new(0).with_style(style)
        });
        bar.set_length(of.unwrap_or(have));
        bar.set_position(have);
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| ui::note(text)),
            None => ui::note(text),
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
