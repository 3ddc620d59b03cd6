//! `lenet report`: evaluates a model on the test images and writes the HTML report.

use std::path::Path;

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::ReportArgs;
use crate::cli::error::Error;
use crate::cli::report::{Report, TestResults, page};
use crate::cli::ui::Out;
use crate::data::Part;
use crate::eval::{self, outputs};
use crate::format;
use crate::model::layers;

use super::{OnBackend, decode_model, load, new_file, note_other_data, run_record, trained_on};

impl OnBackend for ReportArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let model = &format::locate(&self.model)?;
        let bytes = format::read_bytes(model)?;
        let file = decode_model(model, &bytes)?;
        let canonical = |path: &Path| path.canonicalize().ok();
        if self.output.exists() && canonical(&self.output) == canonical(model) {
            return Err(Error::Usage("the report would overwrite the model".to_owned()));
        }
        let target = new_file(&self.output, self.force)?;
        let record = run_record(model, &bytes);
        let trained_on = trained_on(record.as_ref().ok(), &file);
        let (dataset, provenance) = load(Part::Test, &self.data, false)?;
        note_other_data(model, trained_on.as_ref(), &provenance);
        if dataset.is_empty() {
            return Err(Error::Usage("there are no test images".to_owned()));
        }
        let outputs = outputs::<B>(&file.weights, &dataset, eval::BATCH_SIZE, device)?;
        let page = page(&Report {
            model: &model.file_name().unwrap_or_default().to_string_lossy(),
            weights: &file.weights,
            layers: &layers(1),
            record: &record,
            images: dataset.images(),
            trained_on: trained_on.as_ref(),
            results: &TestResults::new(&outputs, dataset.labels(), dataset.info()),
        });
        target.write(page.as_bytes(), self.force)?;
        let mut out = Out::default();
        out.line(&format!("saved {}", self.output.display()));
        out.finish()
    }
}
