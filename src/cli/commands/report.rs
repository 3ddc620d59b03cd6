//! `lenet report`.

use std::io;
use std::path::Path;

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::ReportArgs;
use crate::cli::error::Error;
use crate::cli::report::{Report, TestResults, page};
use crate::cli::ui::{self, Out};
use crate::data::Part;
use crate::eval::{self, outputs};
use crate::format;
use crate::model::layers;
use crate::train::{RunFiles, RunRecord, sha256};

use super::{OnBackend, load, new_file};

impl OnBackend for ReportArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let bytes = format::read_bytes(&self.model)?;
        let weights = format::decode(&self.model, &bytes)?.weights;
        let canonical = |path: &Path| path.canonicalize().ok();
        if self.output.exists() && canonical(&self.output) == canonical(&self.model) {
            return Err(Error::Usage("the report would overwrite the model".to_owned()));
        }
        let target = new_file(&self.output, self.force)?;
        let training = RunRecord::beside(&self.model, &sha256(&bytes));
        if let Err(problem) = &training
            && problem.kind() != io::ErrorKind::NotFound
        {
            let path = RunFiles::beside(&self.model, "json");
            ui::note(&format!("warning: ignoring {}: {problem}", path.display()));
        }
        let (dataset, provenance) = load(Part::Test, &self.data, false)?;
        if dataset.is_empty() {
            return Err(Error::Usage("there are no test images".to_owned()));
        }
        let outputs = outputs::<B>(&weights, &dataset, eval::BATCH_SIZE, device)?;
        let page = page(&Report {
            model: &self.model.file_name().unwrap_or_default().to_string_lossy(),
            weights: &weights,
            layers: &layers(1),
            record: &training,
            images: dataset.images(),
            official: provenance.unofficial.is_none(),
            results: &TestResults::new(&outputs, dataset.labels()),
        });
        target.write(page.as_bytes(), self.force)?;
        let mut out = Out::default();
        out.line(&format!("saved {}", self.output.display()));
        out.finish()
    }
}
