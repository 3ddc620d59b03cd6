//! `lenet eval`: prints the loss, accuracy, class metrics and confusion matrix of a model.

use burn::data::dataset::Dataset;
use serde_json::{Value, json};

use crate::backend::LeNetBackend;
use crate::cli::args::{EvalArgs, Split, name};
use crate::cli::error::Error;
use crate::cli::ui::{Out, columns, confusion, fit};
use crate::eval::{ClassReport, Evaluation, evaluate};

use super::{HeldOut, Model, Notes, OnBackend, check_min_accuracy, load_split};

impl OnBackend for EvalArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let mut notes = Notes::default();
        let model = Model::read(&self.model, &mut notes)?;
        let held_out = HeldOut::from_run(
            &self.validation,
            &self.data,
            self.split,
            &self.model,
            model.record(),
            &mut notes,
        );
        let (images, provenance) =
            load_split(&self.data, self.split, held_out, model.trained_on.as_ref(), &mut notes)?;
        notes.other_data(&self.model, model.trained_on.as_ref(), &provenance);
        if images.is_empty() {
            return Err(Error::Usage(format!("there are no {} images", name(&self.split))));
        }
        let weights = &model.file.weights;
        let evaluation = evaluate::<B>(weights, &images, self.batch_size, device)?;
        notes.weakness(&self.model, &evaluation, model.is_described());
        let mut document = document(&evaluation, self.split);
        notes.add_to(&mut document);
        let mut out = Out::default();
        match self.json {
            true => out.json(&document),
            false => out.verbatim(&text(&evaluation, self.split)),
        }
        out.finish()?;
        check_min_accuracy(evaluation.accuracy(), self.min_accuracy)
    }
}

/// Returns the metrics as JSON.
fn document(evaluation: &Evaluation, split: Split) -> Value {
    json!({
        "schema": 1,
        "split": name(&split),
        "samples": evaluation.samples(),
        "loss": evaluation.loss(),
        "accuracy": evaluation.accuracy(),
        "correct": evaluation.correct(),
        "confusion": evaluation.matrix(),
        "classes": evaluation.classes(),
    })
}

/// Returns the metrics as text: a line of totals, a table of classes and the confusion matrix.
fn text(evaluation: &Evaluation, split: Split) -> String {
    let parts = vec![
        (0, name(&split)),
        (0, format!("{} samples", evaluation.samples())),
        (0, format!("loss: {:.4}", evaluation.loss())),
        (0, format!("accuracy: {:.4}", evaluation.accuracy())),
        (1, format!("correct: {}", evaluation.correct())),
    ];
    let mut text = fit(parts, columns()) + "\n";
    let width = evaluation.dataset.name_width();
    text += &format!(
        "\n{:<width$} {:>9} {:>9} {:>9} {:>8}",
        "class", "precision", "recall", "f1", "support"
    );
    for ClassReport { name, precision, recall, f1, support } in evaluation.classes() {
        text += &format!("\n{name:<width$} {precision:>9.4} {recall:>9.4} {f1:>9.4} {support:>8}");
    }
    text + "\n\n" + &confusion(evaluation)
}
