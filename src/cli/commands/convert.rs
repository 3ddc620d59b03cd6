//! `lenet convert`: a model in another format, checked after it was written.

mod card;
mod folder;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::ConvertArgs;
use crate::cli::error::Error;
use crate::cli::ui::{self, Out};
use crate::data::{CLASSES, DataFile};
use crate::format::{self, Format, FormatError, ModelFile};
use crate::io::Target;
use crate::model::Weights;
use crate::train::{RunFiles, RunRecord, sha256};

impl ConvertArgs {
    /// Converts the model.
    ///
    /// # Errors
    /// If a file cannot be read or written, is taken, or does not hold what was written.
    pub fn run(&self) -> Result<(), Error> {
        let (input, output) = (self.input.to_string_lossy(), self.output.to_string_lossy());
        let format = match folder::is_meant(&self.output) {
            true => None,
            false => Some(
                Format::from_path(&self.output)
                    .ok_or_else(|| FormatError::UnknownExtension { path: self.output.clone() })?,
            ),
        };
        let bytes = format::read_bytes(&self.input)?;
        let mut file = format::decode(&self.input, &bytes)?;
        let written = match format {
            None => folder::FILES.map(|name| self.output.join(name)).to_vec(),
            Some(_) => vec![self.output.clone()],
        };
        let is_taken = |path: &&PathBuf| path.exists() || path.is_symlink();
        if let Some(taken) = written.iter().find(is_taken)
            && !self.force
        {
            return Err(Error::exists(taken));
        }
        let record = record(&self.input, &sha256(&bytes));
        file.metadata.extend(notes(record.as_ref()));
        match format {
            None => folder::write(self, &mut file, record.as_ref())?,
            Some(format) => write(&self.output, format, &file, self.force)?,
        }
        let mut out = Out::default();
        if self.json {
            let mut document = json!({
                "schema": 1, "input": input, "output": output,
                "format": format.map_or("folder", Format::extension),
            });
            if format.is_none() {
                document["files"] = json!(folder::FILES);
            }
            out.json(&document);
            return out.finish();
        }
        out.lines(written.iter().map(|path| format!("saved {}", path.display())));
        let graph = match format {
            Some(Format::Onnx) => "; the graph around them is not run here",
            _ => "",
        };
        out.line(&format!("the weights are those of {input}, bit for bit{graph}"));
        let notes = ["recipe", "seed", "test_accuracy"].iter().filter_map(|key| {
            Some(format!("{} {}", key.replace('_', " "), file.metadata.get(*key)?))
        });
        let notes: Vec<_> = notes.collect();
        if !notes.is_empty() && format != Some(Format::Mpk) {
            out.line(&format!("noted in it: {}", notes.join(", ")));
        }
        out.finish()
    }
}

/// Writes `file`, reads it back, and compares it with what it was made of.
fn write(target: &Path, format: Format, file: &ModelFile, force: bool) -> Result<(), Error> {
    let encoded = format::encode(format, file).map_err(|fault| {
        let path = target.to_owned();
        FormatError::Content { path, fault }
    })?;
    Target::user_path(target)?.write(&encoded, force)?;
    let written = match format {
        // Its weights are not read; its bytes are those of the graph that was made of them.
        Format::Onnx if format::read_bytes(target)? == encoded => file.weights.clone(),
        Format::Onnx => return Err(Error::VerificationFailed(target.to_owned())),
        _ => format::read(target)?.weights,
    };
    match equal_bits(&written, &file.weights) {
        true => Ok(()),
        false => Err(Error::VerificationFailed(target.to_owned())),
    }
}

fn equal_bits(a: &Weights, b: &Weights) -> bool {
    let bits = |weights: &Weights| {
        let values = weights.values().iter();
        values.map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    bits(a) == bits(b)
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
            digest.is_none_or(|digest| digest == file.fashion_mnist())
        };
        DataFile::ALL.iter().all(right)
    })
}

/// The record beside `model`, whose file has the digest `sha256`, if there is one and it belongs to the model. One that
/// does not is told of and goes without.
fn record(model: &Path, sha256: &str) -> Option<RunRecord> {
    let record = RunRecord::beside(model, sha256);
    if let Err(problem) = &record
        && problem.kind() != io::ErrorKind::NotFound
    {
        let path = RunFiles::beside(model, "json");
        ui::note(&format!("note: {} does not travel along: {problem}", path.display()));
    }
    record.ok()
}
