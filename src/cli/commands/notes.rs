//! Notes and warnings of a command, which are printed at once and kept for the JSON output.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::ui;
use crate::data::{DatasetIdentity, Provenance};
use crate::eval::Evaluation;
use crate::format::ModelFile;

/// The notes and warnings so far, without `note: ` or `warning: `.
#[derive(Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn note(&mut self, text: String) {
        ui::note(&format!("note: {text}"));
        self.0.push(text);
    }

    pub(super) fn warning(&mut self, text: String) {
        ui::note(&format!("warning: {text}"));
        self.0.push(text);
    }

    /// Adds `warnings` to a JSON document, if there are any.
    pub(super) fn add_to(&self, document: &mut Value) {
        if !self.0.is_empty() {
            document["warnings"] = json!(self.0);
        }
    }

    /// Adds a note for each change or assumption that was made while reading a model file.
    pub(super) fn of_reader(&mut self, path: &Path, file: &ModelFile) {
        for note in &file.notes {
            self.note(format!("{}: {note}", path.display()));
        }
    }

    /// Adds a note if the data set is not the default one.
    pub(super) fn provenance(&mut self, data: &Provenance) {
        if let Some(difference) = data.difference() {
            self.note(format!(
                "{}: {difference}; used because of --any-dataset",
                data.dir.display()
            ));
        }
    }

    /// Adds a note if `model` was trained on a data set other than `data`.
    pub(super) fn other_data(
        &mut self,
        model: &Path,
        trained_on: Option<&DatasetIdentity>,
        data: &Provenance,
    ) {
        let Some(trained_on) = trained_on.filter(|dataset| dataset.differs_from(data)) else {
            return;
        };
        let (model, dir, found) =
            (model.display(), data.dir.display(), data.identity().names.title());
        self.note(match trained_on.names.title() {
            name if name == found => format!("{model} was not trained on the data set in {dir}"),
            name => format!("{model} was trained on {name}, but {dir} is {found}"),
        });
    }

    /// Adds a warning if the model does not seem to have learned the images of `evaluation`.
    pub(super) fn weakness(&mut self, model: &Path, evaluation: &Evaluation, is_described: bool) {
        if let Some(weakness) = evaluation.weakness() {
            self.suspicion(model, &weakness, is_described);
        }
    }

    /// Adds a warning about a model that does not work as expected, with its probable cause.
    pub(super) fn suspicion(&mut self, model: &Path, symptom: &str, is_described: bool) {
        let cause = match is_described {
            true => "it has not learned, or it was trained on other images",
            false => "its activation, pooling or pixel scaling may differ from the assumed one",
        };
        self.warning(format!("{}: {symptom}; {cause}", model.display()));
    }
}
