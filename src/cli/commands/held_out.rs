//! The images that are held out for validation.

use std::num::NonZeroUsize;
use std::path::Path;

use super::Notes;
use crate::cli::args::{DataArgs, Split, ValidationArgs};
use crate::train::{Recipe, RunRecord, Settings};

/// Which of the training images are held out for validation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HeldOut {
    pub(super) fraction: f64,
    pub(super) stratified: bool,
    /// Number of training images in use, or `None` for all.
    pub(super) limit: Option<usize>,
}

impl HeldOut {
    /// Returns the validation images of a run with `settings`.
    fn of(settings: &Settings) -> Self {
        let Settings { validation_split: fraction, stratified, limit, .. } = *settings;
        Self { fraction, stratified, limit }
    }

    /// Returns the default validation images.
    pub(super) fn by_default() -> Self {
        Self::of(&Settings::new(Recipe::classic()))
    }

    /// Returns the validation images that the options select. Values that the options lack are taken from `default`.
    pub(super) fn new(args: &ValidationArgs, data: &DataArgs, default: Self) -> Self {
        Self {
            fraction: args.validation_split.unwrap_or(default.fraction),
            stratified: args.stratified || default.stratified,
            limit: data.limit.map(NonZeroUsize::get).or(default.limit),
        }
    }

    /// Returns the validation images of the run that trained `model`, unless the options select others. Adds a note if the
    /// images differ from those of the run, or if the run has no record.
    pub(super) fn from_run(
        args: &ValidationArgs,
        data: &DataArgs,
        split: Split,
        model: &Path,
        record: Option<&RunRecord>,
        notes: &mut Notes,
    ) -> Self {
        // The test images do not depend on the run.
        let recorded =
            record.map(|record| Self::of(&record.settings)).filter(|_| split != Split::Test);
        let selected = Self::new(args, data, recorded.unwrap_or_else(Self::by_default));
        let model = model.display();
        match recorded {
            Some(recorded) if recorded != selected => notes.note(format!(
                "{model} was trained with {}; with {}, it may have been trained on some of the held-out images",
                recorded.text(),
                selected.text()
            )),
            None if split != Split::Test && args.validation_split.is_none() && !args.stratified => {
                notes.note(format!(
                    "{model} has no run record; its validation images are assumed to be the last tenth of the training images"
                ));
            }
            _ => {}
        }
        selected
    }

    /// Describes the split by the options that select it.
    fn text(&self) -> String {
        let stratified = if self.stratified { " --stratified" } else { "" };
        let limit = self.limit.map(|limit| format!(" --limit {limit}")).unwrap_or_default();
        format!("--validation-split {}{stratified}{limit}", self.fraction)
    }
}
