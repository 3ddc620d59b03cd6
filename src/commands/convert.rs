//! `lenet convert`: a model in another format, checked after it was written.

mod card;
mod folder;

use std::collections::BTreeMap;
use std::path::Path;

use burn::data::dataset::Dataset;
use serde::Serialize;

use crate::cli::ConvertArgs;
use crate::data::{
    CLASSES, DataFile, Image, ImageDataset, LabelledImages, Options, PIXELS, Part, SIDE, load_part,
};
use crate::error::Error;
use crate::eval::{self, outputs};
use crate::format::{self, Format, FormatError, ModelFile};
use crate::io::Target;
use crate::model::Weights;
use crate::ops::LeNetBackend;
use crate::report::Training;
use crate::train::{RunRecord, sha256};
use crate::ui::{self, Out};

use super::OnBackend;

impl OnBackend for ConvertArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        convert::<B>(self, device)
    }
}

#[derive(Serialize)]
struct Document {
    schema: u32,
    input: String,
    output: String,
    format: &'static str,
    max_difference: f64,
    images: usize,
    /// What a folder holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
}

fn convert<B: LeNetBackend>(args: &ConvertArgs, device: &B::Device) -> Result<(), Error> {
    let target = &args.output;
    if folder::is_meant(target) {
        return folder::write::<B>(args, device);
    }
    let Some(format) = Format::from_path(target) else {
        let path = target.clone();
        return Err(FormatError::UnknownEnding { path }.into());
    };
    let bytes = format::read_bytes(&args.input)?;
    let mut file = format::decode(&args.input, &bytes)?;
    if (target.exists() || target.is_symlink()) && !args.force {
        return Err(Error::exists(target));
    }
    let record = record(&args.input, &sha256(&bytes));
    file.metadata.extend(notes(record.as_ref()));
    let images = images();
    let max_difference = write_checked::<B>(target, format, &file, &images, args.force, device)?;
    let document = Document {
        schema: 1,
        input: args.input.to_string_lossy().into_owned(),
        output: target.to_string_lossy().into_owned(),
        format: format.ending(),
        max_difference,
        images: images.len(),
        files: Vec::new(),
    };
    let mut out = Out::default();
    if args.json {
        out.json(&document);
    } else {
        out.lines(text(&document, format, &file.metadata));
    }
    out.finish()
}

/// Writes `file` and reads it back; the largest difference of outputs before and after on `images`.
fn write_checked<B: LeNetBackend>(
    target: &Path,
    format: Format,
    file: &ModelFile,
    images: &ImageDataset,
    force: bool,
    device: &B::Device,
) -> Result<f64, Error> {
    let encoded = format::encode(format, file).map_err(|fault| {
        let path = target.to_owned();
        FormatError::Content { path, fault }
    })?;
    Target::typed(target)?.write(&encoded, force)?;
    let written = match format {
        // Its weights are not read; its bytes are those of the graph that was made of them.
        Format::Onnx if format::read_bytes(target)? == encoded => file.weights.clone(),
        Format::Onnx => return Err(Error::Unfaithful(target.to_owned())),
        _ => format::read(target)?.weights,
    };
    if !equal_bits(&written, &file.weights) {
        return Err(Error::Unfaithful(target.to_owned()));
    }
    largest_difference::<B>(&file.weights, &written, images, device)
}

fn text(document: &Document, format: Format, notes: &BTreeMap<String, String>) -> Vec<String> {
    let Document { input, output, max_difference, images, .. } = document;
    let graph = match format {
        Format::Onnx => "; the graph around them is not run here",
        _ => "",
    };
    let mut lines = vec![
        format!("saved {output}"),
        format!("its weights are those of {input}, bit for bit{graph}"),
        format!("largest difference of outputs: {max_difference} on {images} images"),
    ];
    let told = ["recipe", "seed", "test_accuracy"].map(|key| Some((key, notes.get(key)?)));
    let told: Vec<String> = told
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{} {value}", key.replace('_', " ")))
        .collect();
    if !told.is_empty() && format != Format::Mpk {
        lines.push(format!("noted in it: {}", told.join(", ")));
    }
    lines
}

fn equal_bits(a: &Weights, b: &Weights) -> bool {
    let bits = |weights: &Weights| {
        let values = weights.tensors().iter().flatten();
        values.map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    bits(a) == bits(b)
}

/// The largest difference of any output of two models on `images`.
fn largest_difference<B: LeNetBackend>(
    before: &Weights,
    after: &Weights,
    images: &ImageDataset,
    device: &B::Device,
) -> Result<f64, Error> {
    let run = |weights| outputs::<B>(weights, images, eval::BATCH_SIZE, device);
    let (before, after) = (run(before)?, run(after)?);
    let pairs = before.as_flattened().iter().zip(after.as_flattened().iter());
    Ok(pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max))
}

/// The images that both models see: stripes of every direction and contrast, and, where a data set is found, its
/// test images. A data set that is missing or damaged is no reason not to convert.
fn images() -> ImageDataset {
    let stripes = |number: usize| -> Image {
        let (across, down) = (3 + number % 7, 5 + number / 7);
        std::array::from_fn(|pixel| {
            let wave = 31 * number + down * (pixel / SIDE) + across * (pixel % SIDE);
            wave as u8 >> (number % 8)
        })
    };
    let mut images: Vec<[u8; PIXELS]> = (0..64).map(stripes).collect();
    let options = Options { any_dataset: true, ..Options::default() };
    if let Ok((test, _)) = load_part(Part::Test, &options) {
        images.extend(test.images());
    }
    let labels = vec![0; images.len()];
    let images = LabelledImages::new(images, labels).expect("one label was made for each image");
    ImageDataset::new(images)
}

/// What is to be known of the model, to travel with it: its input and classes, and what the record of its
/// training says.
fn notes(record: Option<&RunRecord>) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    let mut note = |key: &str, value: String| notes.insert(key.to_owned(), value);
    note("input", "[N, 1, 28, 28], raw pixels, 0 to 255".to_owned());
    if is_official(record) {
        note("classes", CLASSES.join(","));
    }
    let Some(record) = record else {
        return notes;
    };
    let settings = &record.settings;
    note("lenet", record.lenet.clone());
    note("burn", record.burn.clone());
    note("device", record.device.clone());
    note("backend", settings.backend.clone());
    note("recipe", settings.recipe.name.clone());
    note("learning_rate", settings.recipe.learning_rate.to_string());
    note("momentum", settings.recipe.momentum.to_string());
    note("batch_size", settings.batch_size.to_string());
    note("seed", settings.seed.to_string());
    note("train_samples", record.train_samples.to_string());
    if let Some(epoch) = record.kept_epoch {
        note("epochs", epoch.to_string());
    }
    if let Some(test) = &record.test {
        note("test_samples", test.samples.to_string());
        note("test_loss", test.loss.to_string());
        note("test_accuracy", test.accuracy.to_string());
    }
    for (file, digest) in &record.data {
        note(&format!("sha256.{file}"), digest.clone());
    }
    notes
}

/// Whether nothing speaks against the training data being Fashion-MNIST.
fn is_official(record: Option<&RunRecord>) -> bool {
    record.is_none_or(|record| {
        let right = |file: &DataFile| {
            let digest = record.data.get(file.name());
            digest.is_none_or(|digest| *digest == file.fashion_mnist().to_string())
        };
        DataFile::ALL.iter().all(right)
    })
}

/// The record beside `model`, whose file has the digest `sha256`, if there is one and it belongs to the model. One that
/// does not is told of and goes without.
fn record(model: &Path, sha256: &str) -> Option<RunRecord> {
    match Training::beside(model, sha256) {
        Training::Known(record) => Some(*record),
        Training::Unknown { .. } => None,
        Training::Unreadable { path, problem } => {
            let path = path.display();
            ui::note(&format!("note: {path} does not travel along: {problem}"));
            None
        }
    }
}
