//! What a training of the command begins with: its images, and how they differ from those of a run that is to be repeated.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use burn::data::dataset::Dataset;

use crate::cli::TrainArgs;
use crate::commands::{data_options, note_provenance};
use crate::data::{FashionMnist, ImageDataset, Provenance};
use crate::error::Error;
use crate::train::{Keep, RunRecord, Settings};
use crate::ui;

/// What the command was given and the images that it read.
pub(super) struct Inputs<'a, D> {
    pub(super) args: &'a TrainArgs,
    pub(super) device: &'a D,
    pub(super) device_name: &'a str,
    provenance: Provenance,
    pub(super) train: ImageDataset,
    pub(super) validation: ImageDataset,
    pub(super) test: ImageDataset,
}

impl<'a, D> Inputs<'a, D> {
    pub(super) fn load(
        args: &'a TrainArgs,
        settings: &Settings,
        device: &'a D,
        device_name: &'a str,
    ) -> Result<Self, Error> {
        let limit = settings.limit.and_then(NonZeroUsize::new);
        let FashionMnist { train, test, provenance } =
            FashionMnist::load(&data_options(&args.data, limit, settings.stratified))?;
        note_provenance(&provenance);
        let (train, validation) = ImageDataset::new(train).split(settings.validation_split)?;
        if validation.is_empty() && (settings.keep == Keep::Best || settings.patience.is_some()) {
            let wrong =
                "--keep best and --patience go by the validation images, and there are none";
            return Err(Error::Usage(wrong.to_owned()));
        }
        Ok(Self {
            args,
            device,
            device_name,
            provenance,
            train,
            validation,
            test: ImageDataset::new(test),
        })
    }

    /// Says why a training as `record` tells of would leave another model here, whatever its settings.
    pub(super) fn compare(&self, record: Option<&RunRecord>) {
        let Some(record) = record else { return };
        let (version, device) = (&record.lenet, &record.device);
        let reasons = [
            (record.test.is_none(), "it was not finished".to_owned()),
            (version != env!("CARGO_PKG_VERSION"), format!("it was of lenet {version}")),
            (device != self.device_name, format!("it ran on {device}")),
            (record.data != self.digests(), "it had another data set".to_owned()),
        ];
        for (_, reason) in reasons.iter().filter(|(differs, _)| *differs) {
            ui::note(&format!(
                "note: the training to be repeated left another model than this one will: {reason}"
            ));
        }
    }

    /// SHA-256 of each data file, by its name.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        let digests = self.provenance.digests.iter();
        digests.map(|(file, digest)| (file.name().to_owned(), digest.to_string())).collect()
    }
}
