//! `lenet predict`.

mod text;

use std::path::Path;

use burn::data::dataset::Dataset;
use serde::Serialize;
use serde_json::json;

use crate::backend::LeNetBackend;
use crate::cli::args::{self, PredictArgs};
use crate::cli::error::Error;
use crate::cli::picture::{self, Invert, Prepared};
use crate::cli::ui::{self, Out};
use crate::data::{CLASSES, Image, ImageDataset};
use crate::eval::{self, Outputs, outputs};
use crate::format;
use crate::model::probabilities;

use super::{OnBackend, load_split};
use text::{candidates, draw, heading};

impl OnBackend for PredictArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let weights = format::read(&self.model)?.weights;
        let (subjects, mut failures) = match self.index.is_empty() {
            true => from_files(self),
            false => (from_data(self)?, Vec::new()),
        };
        let failure = |(path, error): &(&Path, Error)| json!({ "source": path.to_string_lossy(), "error": error.to_string() });
        let errors: Vec<_> = failures.iter().map(failure).collect();
        // The last error becomes the result of the command.
        let last = failures.pop();
        failures.iter().for_each(|(_, error)| ui::error(error));
        let last = last.map_or(Ok(()), |(_, error)| Err(error));
        if subjects.is_empty() {
            return last;
        }
        let images: Vec<Image> = subjects.iter().map(|subject| subject.image).collect();
        let labels = vec![0; images.len()]; // unused
        let images = ImageDataset::new(images, labels);
        let outputs = outputs::<B>(&weights, &images, eval::BATCH_SIZE, device)?;
        let predictions = subjects.into_iter().zip(&outputs);
        let predictions: Vec<_> = predictions
            .map(|(subject, outputs)| Prediction::new(subject, outputs, self.top))
            .collect();
        let mut out = Out::default();
        if self.json {
            let mut document = json!({ "schema": 1, "predictions": predictions });
            if !errors.is_empty() {
                document["errors"] = errors.into();
            }
            out.json(&document);
        } else {
            let drawing = ui::drawing_wanted();
            for (image, prediction) in images.images().iter().zip(&predictions) {
                out.line(&heading(prediction));
                out.verbatim(&candidates(prediction, &draw(drawing, image)));
            }
        }
        out.finish()?;
        last
    }
}

/// An image to classify.
struct Subject {
    source: String,
    image: Image,
    label: Option<usize>,
    inverted: bool,
    warnings: Vec<String>,
}

/// Reads the picture files and returns the images and the errors. Prints a note for each inverted picture and a warning
/// for each that does not look like the training images.
fn from_files(args: &PredictArgs) -> (Vec<Subject>, Vec<(&Path, Error)>) {
    let subject = |path: &Path| -> Result<Subject, Error> {
        let Prepared { image, inverted } = picture::prepare(picture::read(path)?, args.invert);
        let source = path.to_string_lossy().into_owned();
        if inverted && args.invert == Invert::Auto {
            ui::note(&format!("note: {source}: light background, inverted (--invert no keeps it)"));
        }
        let warnings = picture::warnings(&image);
        if !warnings.is_empty() {
            let warnings = warnings.join("; ");
            ui::note(&format!(
                "warning: {source} does not look like the training images: {warnings}"
            ));
        }
        Ok(Subject { source, image, label: None, inverted, warnings })
    };
    let (mut subjects, mut failures) = (Vec::new(), Vec::new());
    for path in &args.images {
        match subject(path) {
            Ok(subject) => subjects.push(subject),
            Err(error) => failures.push((path.as_path(), error)),
        }
    }
    (subjects, failures)
}

/// Loads the images of the data set with the indices of `--index`.
fn from_data(args: &PredictArgs) -> Result<Vec<Subject>, Error> {
    let dataset = load_split(&args.data, args.split, &args.validation)?;
    let split = args::name(&args.split);
    let subject = |index: &usize| match (dataset.get(*index), dataset.len()) {
        (Some(item), _) => Ok(Subject {
            source: format!("{split}:{index}"),
            image: item.pixels,
            label: Some(usize::from(item.label)),
            inverted: false,
            warnings: Vec::new(),
        }),
        (None, 0) => Err(Error::Usage(format!("there are no {split} images"))),
        (None, count) => Err(Error::Usage(format!(
            "there is no {split} image {index}: they are numbered 0 to {}",
            count - 1
        ))),
    };
    args.index.iter().map(subject).collect()
}

/// The prediction for one image.
#[derive(Serialize)]
struct Prediction {
    source: String,
    label: usize,
    class: &'static str,
    probability: f64,
    /// The most probable classes, best first.
    top: Vec<Candidate>,
    /// The true class, known only for images of the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    true_label: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    true_class: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inverted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Candidate {
    class: &'static str,
    label: usize,
    probability: f64,
}

impl Prediction {
    fn new(subject: Subject, outputs: &Outputs, top: usize) -> Self {
        let probabilities = probabilities(outputs);
        let mut labels: Vec<usize> = (0..10).collect();
        // Sort by the outputs, not by the clipped probabilities, so that the first class is the one that `eval` counts.
        // The sort is stable, so ties go to the lowest index.
        labels.sort_by(|a, b| outputs[*b].total_cmp(&outputs[*a]));
        let label = labels[0];
        let candidate = |label: &usize| Candidate {
            class: CLASSES[*label],
            label: *label,
            probability: probabilities[*label],
        };
        Self {
            source: subject.source,
            label,
            class: CLASSES[label],
            probability: probabilities[label],
            top: labels[..top].iter().map(candidate).collect(),
            true_label: subject.label,
            true_class: subject.label.map(|label| CLASSES[label]),
            inverted: subject.inverted,
            warnings: subject.warnings,
        }
    }
}
