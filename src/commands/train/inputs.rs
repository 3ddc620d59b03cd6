//! What a training of the command begins with: its images, and how they differ from those of a run that is to be repeated.

use std::num::NonZeroUsize;

use burn::data::dataset::Dataset;

use crate::cli::TrainArgs;
use crate::commands::{data_options, note_provenance};
use crate::data::{FashionMnist, ImageDataset};
use crate::error::Error;
use crate::train::{Keep, RunRecord, Settings};
use crate::ui;

/// What the command was given and the images that it read.
pub(super) struct Inputs<'a, D> {
    pub(super) args: &'a TrainArgs,
    pub(super) device: &'a D,
    pub(super) train: ImageDataset,
    pub(super) validation: ImageDataset,
    pub(super) test: ImageDataset,
}

impl<'a, D> Inputs<'a, D> {
    /// The images, and the record of a training by `settings` on them before it is begun.
    pub(super) fn load(
        args: &'a TrainArgs,
        settings: Settings,
        device: &'a D,
        device_name: &str,
    ) -> Result<(Self, RunRecord), Error> {
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
        let digests = provenance.digests.iter();
        let record = RunRecord {
            data: digests.map(|(file, sha)| (file.name().to_owned(), sha.to_string())).collect(),
            train_samples: train.len(),
            validation_samples: validation.len(),
            ..RunRecord::new(settings, device_name)
        };
        Ok((Self { args, device, train, validation, test: ImageDataset::new(test) }, record))
    }
}

/// Says why a training as `like` tells of leaves another model as `record`, whatever its settings.
pub(super) fn compare(like: Option<&RunRecord>, record: &RunRecord) {
    let Some(like) = like else { return };
    let RunRecord { lenet, device, .. } = like;
    let reasons = [
        (like.test.is_none(), "it was not finished".to_owned()),
        (*lenet != record.lenet, format!("it was of lenet {lenet}")),
        (*device != record.device, format!("it ran on {device}")),
        (like.data != record.data, "it had another data set".to_owned()),
    ];
    for (_, reason) in reasons.iter().filter(|(differs, _)| *differs) {
        ui::note(&format!(
            "note: the training to be repeated left another model than this one will: {reason}"
        ));
    }
}
