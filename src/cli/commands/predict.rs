//! `lenet predict`: classifies pictures, or images of the data set.

mod notes;
mod text;
mod why;

use std::path::Path;

use burn::data::dataset::Dataset;
use serde::Serialize;
use serde_json::json;

use crate::backend::LeNetBackend;
use crate::cli::args::{self, PredictArgs};
use crate::cli::error::Error;
use crate::cli::picture::{self, Invert, PictureError, Prepared};
use crate::cli::ui::{self, Out};
use crate::data::{CLASSES, DatasetIdentity, DatasetNames, FASHION_MNIST, Image, ImageDataset};
use crate::eval::{self, Outputs, outputs};
use crate::model::{CLIP, probabilities};

use super::{HeldOut, Model, Notes, OnBackend, data_files, load_split, reject_inputs};
use notes::{note_mirrored_shoes, note_weakness};
use text::{candidates, draw, heading};
use why::Why;

impl OnBackend for PredictArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        if self.png.is_some() && self.images.len() + self.index.len() > 1 {
            return Err(Error::Usage("--png writes one image only".to_owned()));
        }
        if let Some(png) = &self.png {
            reject_inputs(png, self.images.iter().chain([&self.model]))?;
        }
        let mut notes = Notes::default();
        let model = Model::read(&self.model, &mut notes)?;
        let weights = &model.file.weights;
        let (mut subjects, names, mut failures) = match self.index.is_empty() {
            true => {
                let trained_on = model.trained_on.as_ref().map(|dataset| dataset.names.clone());
                let names = trained_on.unwrap_or_else(|| DatasetIdentity::assumed().names);
                let (subjects, failures) = from_files(self, &names);
                (subjects, names, failures)
            }
            false => {
                let (subjects, names) = from_data(self, &model, &mut notes)?;
                (subjects, names, Vec::new())
            }
        };
        let failure = |(path, error): &(&Path, Error)| json!({ "source": path.to_string_lossy(), "error": error.to_string() });
        let errors: Vec<_> = failures.iter().map(failure).collect();
        // The last error becomes the result of the command.
        let last = failures.pop();
        failures.iter().for_each(|(_, error)| ui::error(error));
        let last = last.map_or(Ok(()), |(_, error)| Err(error));
        // The JSON document lists the errors.
        if subjects.is_empty() && !self.json {
            return last;
        }
        let images: Vec<Image> = subjects.iter().map(|subject| subject.image).collect();
        let labels = vec![0; images.len()]; // unused
        let images = ImageDataset::new(images, labels);
        let outputs = outputs::<B>(weights, &images, eval::BATCH_SIZE, device)?;
        note_weakness(&self.model, &model, &subjects, &names, &outputs, &mut notes);
        if self.index.is_empty() && has_clothes(&names) {
            note_mirrored_shoes::<B>(weights, &mut subjects, &outputs, device)?;
        }
        let predictions = subjects.into_iter().zip(&outputs);
        let mut predictions: Vec<_> = predictions
            .map(|(subject, outputs)| Prediction::new(subject, outputs, &names, self.top))
            .collect();
        if self.why {
            for (prediction, image) in predictions.iter_mut().zip(images.images()) {
                let class = (prediction.label, prediction.probability);
                prediction.why = Some(Why::new::<B>(weights, image, class, device)?);
            }
        }
        let first = predictions.first().and_then(|prediction| prediction.why.as_ref());
        if let (Some(path), Some(why)) = (&self.png, first) {
            why.write_png(&images.images()[0], path, self.force)?;
        }
        let mut out = Out::default();
        if self.json {
            let mut document = json!({ "schema": 1, "predictions": predictions });
            if !errors.is_empty() {
                document["errors"] = errors.into();
            }
            notes.add_to(&mut document);
            out.json(&document);
        } else {
            let drawing = ui::drawing_wanted();
            for (image, prediction) in images.images().iter().zip(&predictions) {
                out.line(&heading(prediction));
                out.verbatim(&candidates(prediction, &draw(drawing, image)));
                if let Some(why) = &prediction.why {
                    out.verbatim(why.text(prediction.class).trim_end());
                }
            }
        }
        out.finish()?;
        last
    }
}

/// Returns whether the classes are those of Fashion-MNIST.
fn has_clothes(names: &DatasetNames) -> bool {
    names.classes[..] == FASHION_MNIST.classes[..]
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
/// for each that does not look like the training images. Only those of Fashion-MNIST have known statistics; for another data
/// set, the warnings are about pictures in which hardly anything can be seen.
fn from_files<'a>(
    args: &'a PredictArgs,
    names: &DatasetNames,
) -> (Vec<Subject>, Vec<(&'a Path, Error)>) {
    let subject = |path: &Path| -> Result<Subject, Error> {
        let mut picture = picture::read(path)?;
        if let Some(crop) = args.crop {
            let (width, height) = picture.dimensions();
            let outside = || PictureError::Crop { path: path.to_owned(), width, height, crop };
            picture = crop.of(&picture).ok_or_else(outside)?;
        }
        let doubt = picture::doubt(&picture);
        let Prepared { image, inverted } = picture::prepare(picture, args.invert);
        let source = path.to_string_lossy().into_owned();
        if inverted && args.invert == Invert::Auto {
            ui::note(&format!(
                "note: {source}: light background, inverted (use --invert no to leave it as it is)"
            ));
        }
        let warnings = match has_clothes(names) {
            true => picture::warnings(&image),
            false => doubt.into_iter().collect(),
        };
        if !warnings.is_empty() {
            let warnings = warnings.join("; ");
            ui::note(&match has_clothes(names) {
                true => {
                    format!("warning: {source} does not look like the training images: {warnings}")
                }
                false => format!("warning: {source}: {warnings}"),
            });
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

/// Loads the images of the data set with the indices of `--index`, and the names of its classes.
fn from_data(
    args: &PredictArgs,
    model: &Model,
    notes: &mut Notes,
) -> Result<(Vec<Subject>, DatasetNames), Error> {
    let held_out = HeldOut::from_run(
        &args.validation,
        &args.data,
        args.split,
        &args.model,
        model.record(),
        notes,
    );
    let (dataset, provenance) =
        load_split(&args.data, args.split, held_out, model.trained_on.as_ref(), notes)?;
    if let Some(png) = &args.png {
        reject_inputs(png, &data_files(&provenance))?;
    }
    notes.other_data(&args.model, model.trained_on.as_ref(), &provenance);
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
    let subjects: Result<_, _> = args.index.iter().map(subject).collect();
    Ok((subjects?, (&provenance.info).into()))
}

/// The prediction for one image.
#[derive(Serialize)]
struct Prediction<'a> {
    source: String,
    label: usize,
    class: &'a str,
    probability: f64,
    /// The most probable classes, best first.
    top: Vec<Candidate<'a>>,
    /// The true class, known only for images of the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    true_label: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    true_class: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inverted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
}

#[derive(Serialize)]
struct Candidate<'a> {
    class: &'a str,
    label: usize,
    probability: f64,
}

impl<'a> Prediction<'a> {
    fn new(subject: Subject, outputs: &Outputs, names: &'a DatasetNames, top: usize) -> Self {
        let class = |label: usize| names.class(label);
        let probabilities = probabilities(outputs);
        // An output without a class is 0, unless the network was trained on another data set.
        let is_class = |label: &usize| *label < names.classes.len() || outputs[*label] > CLIP;
        let mut labels: Vec<usize> = (0..CLASSES).filter(is_class).collect();
        // Sort by the outputs, not by the clipped probabilities, so that the first class is the one that `eval` counts
        // as the prediction. The sort is stable, so ties go to the lowest index.
        labels.sort_by(|a, b| outputs[*b].total_cmp(&outputs[*a]));
        let label = labels[0];
        let candidate = |label: &usize| Candidate {
            class: class(*label),
            label: *label,
            probability: probabilities[*label],
        };
        Self {
            source: subject.source,
            label,
            class: class(label),
            probability: probabilities[label],
            top: labels.iter().take(top).map(candidate).collect(),
            true_label: subject.label,
            true_class: subject.label.map(class),
            inverted: subject.inverted,
            warnings: subject.warnings,
            why: None,
        }
    }
}
