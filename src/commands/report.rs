//! `lenet report`.

use crate::cli::ReportArgs;
use crate::data::{self, Part};
use crate::error::Error;
use crate::eval::{self, outputs};
use crate::format;
use crate::ops::LeNetBackend;
use crate::report::{Figures, Report, Training, page};
use crate::train::sha256;
use crate::ui::{self, Out};

use super::{OnBackend, data_options, layers, new_file, note_provenance};

impl OnBackend for ReportArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        report::<B>(self, device)
    }
}

fn report<B: LeNetBackend>(args: &ReportArgs, device: &B::Device) -> Result<(), Error> {
    let bytes = format::read_bytes(&args.model)?;
    let weights = format::decode(&args.model, &bytes)?.weights;
    let same = |path: &std::path::Path| path.canonicalize().ok();
    if args.output.exists() && same(&args.output) == same(&args.model) {
        return Err(Error::Usage("the report would replace the model".to_owned()));
    }
    let target = new_file(&args.output, args.force)?;
    let training = Training::beside(&args.model, &sha256(&bytes));
    if let Training::Unreadable { path, problem } = &training {
        ui::note(&format!("warning: {} is left out: {problem}", path.display()));
    }
    let (dataset, provenance) =
        data::load_part(Part::Test, &data_options(&args.data, args.data.limit, false))?;
    note_provenance(&provenance);
    if dataset.images().is_empty() {
        return Err(Error::Usage("there are no test images".to_owned()));
    }
    let outputs = outputs::<B>(&weights, &dataset, eval::BATCH_SIZE, device)?;
    let name = args.model.file_name().unwrap_or_default().to_string_lossy();
    let page = page(&Report {
        model: &name,
        weights: &weights,
        layers: &layers::<B>(&weights, 1, device),
        training: &training,
        images: dataset.images(),
        official: provenance.unofficial.is_none(),
        figures: &Figures::new(&outputs, dataset.labels()),
    });
    target.write(page.as_bytes(), args.force)?;
    let mut out = Out::default();
    out.line(&format!("saved {}", args.output.display()));
    out.finish()
}
