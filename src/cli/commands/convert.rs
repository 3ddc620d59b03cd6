//! `lenet convert`: writes a model in another format and verifies the written file.

mod card;
mod folder;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::cli::args::ConvertArgs;
use crate::cli::error::Error;
use crate::cli::ui::Out;
use crate::data::DatasetIdentity;
use crate::format::{self, Format, FormatError, ModelFile};
use crate::io::text::start;
use crate::io::{Origin, Target, exists};
use crate::model::{INPUT, Weights};

use super::{Model, Notes};

impl ConvertArgs {
    /// Converts the model and verifies the written file.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or written, exists, or fails verification.
    pub fn run(&self) -> Result<(), Error> {
        let (input, output) = (self.input.to_string_lossy(), self.output.to_string_lossy());
        let format = match folder::is_directory(&self.output) {
            true => None,
            false => Some(
                Format::from_path(&self.output)
                    .ok_or_else(|| FormatError::UnknownExtension { path: self.output.clone() })?,
            ),
        };
        let mut notes = Notes::default();
        let mut model = Model::read(&self.input, &mut notes)?;
        let written = match format {
            None => folder::FILES.map(|name| self.output.join(name)).to_vec(),
            Some(_) => vec![self.output.clone()],
        };
        if let Some(existing) = written.iter().find(|path| exists(path))
            && !self.force
        {
            return Err(Error::exists(existing));
        }
        let metadata = metadata(&model);
        model.file.metadata.extend(metadata);
        match format {
            None => folder::write(self, &model)?,
            Some(format) => {
                let bytes = encode(&self.output, format, &model.file)?;
                Target::new(&self.output, Origin::User)?.write(&bytes, self.force)?;
            }
        }
        let file = &model.file;
        let mut out = Out::default();
        if self.json {
            let mut document = json!({
                "schema": 1, "input": input, "output": output,
                "format": format.map_or("folder", Format::extension),
            });
            if format.is_none() {
                document["files"] = json!(folder::FILES);
            }
            notes.add_to(&mut document);
            out.json(&document);
            return out.finish();
        }
        out.lines(written.iter().map(|path| format!("saved {}", path.display())));
        let graph = match format {
            Some(Format::Onnx) => "; the ONNX graph itself was not executed",
            _ => "",
        };
        out.line(&format!(
            "verified: the weights are bit-identical to those read from {input}{graph}"
        ));
        let shown = ["recipe", "seed", "test_accuracy"].iter().filter_map(|key| {
            Some(format!("{} {}", key.replace('_', " "), start(file.metadata.get(*key)?)))
        });
        let shown: Vec<_> = shown.collect();
        if !shown.is_empty() && !matches!(format, Some(Format::Mpk | Format::Bpk)) {
            out.line(&format!("metadata: {}", shown.join(", ")));
        }
        out.finish()
    }
}

/// Encodes `file` for `path`, and checks that decoding the bytes returns bit-identical weights.
fn encode(path: &Path, format: Format, file: &ModelFile) -> Result<Vec<u8>, Error> {
    let encoded = format::encode(format, file).map_err(|fault| {
        let path = path.to_owned();
        FormatError::Content { path, fault }
    })?;
    // `lenet` does not read ONNX.
    if format != Format::Onnx
        && !equal_bits(&format::decode(path, &encoded)?.weights, &file.weights)
    {
        return Err(Error::VerificationFailed(path.to_owned()));
    }
    Ok(encoded)
}

fn equal_bits(a: &Weights, b: &Weights) -> bool {
    let bits = |weights: &Weights| {
        let values = weights.values().iter();
        values.map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    bits(a) == bits(b)
}

/// Returns the metadata of a model file: input, data set, and the settings and results in the run record.
fn metadata(model: &Model) -> BTreeMap<String, String> {
    let assumed = DatasetIdentity::assumed();
    let mut metadata = model.trained_on.as_ref().unwrap_or(&assumed).to_metadata();
    let mut insert = |key: &str, value: String| metadata.insert(key.to_owned(), value);
    // The converted file confirms no more than the file that it was converted from.
    insert(
        "input",
        if model.is_described() { INPUT.to_owned() } else { format!("{INPUT} (assumed)") },
    );
    let Some(record) = model.record() else {
        return metadata;
    };
    let settings = &record.settings;
    insert("lenet", record.lenet.clone());
    insert("burn", record.burn.clone());
    insert("device", record.device.clone());
    insert("backend", settings.backend.clone());
    insert("recipe", settings.recipe.name.clone());
    insert("learning_rate", settings.recipe.learning_rate.to_string());
    insert("momentum", settings.recipe.momentum.to_string());
    insert("batch_size", settings.batch_size.to_string());
    insert("seed", settings.seed.to_string());
    insert("train_samples", record.train_samples.to_string());
    if let Some(epoch) = record.kept_epoch {
        insert("epochs", epoch.to_string());
    }
    if let Some(test) = &record.test {
        insert("test_samples", test.samples.to_string());
        insert("test_loss", test.loss.to_string());
        insert("test_accuracy", test.accuracy.to_string());
    }
    metadata
}
