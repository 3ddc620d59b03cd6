//! `lenet report`: evaluates a model on the test images and writes the HTML report.

use std::path::Path;
use std::process::{Command, Stdio};

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::ReportArgs;
use crate::cli::error::Error;
use crate::cli::report::{GENERATOR, Report, TestResults, page};
use crate::cli::ui::Out;
use crate::data::Part;
use crate::eval::{self, outputs};
use crate::io::Origin;
use crate::train::RunFiles;

use super::{Model, Notes, OnBackend, data_options, load, new_file};

/// Maximum size of a file that may be a report. A report has about 1 MB.
const MAX_PAGE_BYTES: u64 = 64 << 20;

impl OnBackend for ReportArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let mut notes = Notes::default();
        let model = Model::read(&self.model, &mut notes)?;
        let default = RunFiles::beside(&self.model, "html");
        let (path, origin) = match &self.output {
            Some(output) => (output.as_path(), Origin::User),
            None => (default.as_path(), Origin::Program),
        };
        let canonical = |path: &Path| path.canonicalize().ok();
        if path.exists() && canonical(path) == canonical(&self.model) {
            return Err(Error::Usage("the report would overwrite the model".to_owned()));
        }
        let replace = self.force || is_report(path);
        let target = new_file(path, origin, replace)?;
        let options = data_options(&self.data, self.data.limit, false);
        let (dataset, provenance) = load(Part::Test, &options, &mut notes)?;
        notes.other_data(&self.model, model.trained_on.as_ref(), &provenance);
        if dataset.is_empty() {
            return Err(Error::Usage("there are no test images".to_owned()));
        }
        let outputs = outputs::<B>(&model.file.weights, &dataset, eval::BATCH_SIZE, device)?;
        let results = TestResults::new(&outputs, dataset.labels(), dataset.info());
        notes.weakness(&self.model, &results.evaluation, model.is_described());
        let page = page(&Report {
            model: &self.model.file_name().unwrap_or_default().to_string_lossy(),
            weights: &model.file.weights,
            record: &model.record,
            images: dataset.images(),
            trained_on: model.trained_on.as_ref(),
            results: &results,
            is_described: model.is_described(),
        });
        target.write(page.as_bytes(), replace)?;
        let mut out = Out::default();
        out.line(&format!("saved {}", path.display()));
        out.finish()?;
        if self.open { open(path) } else { Ok(()) }
    }
}

/// Returns whether the file is a page that this program wrote.
fn is_report(path: &Path) -> bool {
    let bytes = crate::io::read(path, MAX_PAGE_BYTES).unwrap_or_default();
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    start.contains(&format!(r#"<meta name="generator" content="{GENERATOR}">"#))
}

/// Opens the page in the user's browser, without waiting for it.
fn open(path: &Path) -> Result<(), Error> {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let mut command = Command::new(program);
    command.arg(path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(_) => Ok(()),
        Err(cause) => {
            Err(Error::Open { path: path.to_owned(), cause: format!("{program}: {cause}") })
        }
    }
}
