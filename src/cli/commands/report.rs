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
use crate::model::layers;

use super::{Model, Notes, OnBackend, data_options, load, new_file};

impl OnBackend for ReportArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let mut notes = Notes::default();
        let model = Model::read(&self.model, &mut notes)?;
        let canonical = |path: &Path| path.canonicalize().ok();
        if self.output.exists() && canonical(&self.output) == canonical(&self.model) {
            return Err(Error::Usage("the report would overwrite the model".to_owned()));
        }
        let target = new_file(&self.output, self.force)?;
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
            layers: &layers(1),
            record: &model.record,
            images: dataset.images(),
            trained_on: model.trained_on.as_ref(),
            results: &results,
            is_described: model.is_described(),
        });
        target.write(page.as_bytes(), self.force)?;
        let mut out = Out::default();
        out.line(&format!("saved {}", self.output.display()));
        out.finish()
    }
}
