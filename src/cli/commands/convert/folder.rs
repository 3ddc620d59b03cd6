//! `lenet convert MODEL DIR/`: writes the files of a Hugging Face model repository.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::card;
use crate::cli::args::ConvertArgs;
use crate::cli::error::Error;
use crate::data::{DatasetIdentity, DatasetNames, Scaling};
use crate::format::{Format, ModelFile};
use crate::io::{FileError, Target};
use crate::model::{LayerSummary, PARAMETERS, TENSORS, layers};
use crate::train::RunRecord;

/// The files in the order of writing. The model card is the last one, so if it exists, all files are complete.
pub(super) const FILES: [&str; 4] = ["model.safetensors", "model.onnx", "config.json", "README.md"];

/// Returns whether `target` is a directory, or will be one because it ends with a slash.
pub(super) fn is_directory(target: &Path) -> bool {
    target.is_dir() || target.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Writes the directory.
pub(super) fn write(
    args: &ConvertArgs,
    file: &ModelFile,
    record: Option<&RunRecord>,
    dataset: &DatasetIdentity,
) -> Result<(), Error> {
    let dir = &args.output;
    fs::create_dir_all(dir).map_err(FileError::of("cannot create the directory", dir))?;
    super::write(&dir.join(FILES[0]), Format::Safetensors, file, args.force)?;
    super::write(&dir.join(FILES[1]), Format::Onnx, file, args.force)?;
    let config = config(&layers(1), record, &dataset.names);
    let config = serde_json::to_string_pretty(&config).expect("names and numbers become JSON");
    let stem = args.input.file_stem().unwrap_or_default().to_string_lossy();
    let card = card::write(&stem, record, dataset);
    for (name, text) in [(FILES[2], config + "\n"), (FILES[3], card)] {
        Target::user_path(&dir.join(name))?.write(text.as_bytes(), args.force)?;
    }
    Ok(())
}

/// Returns `config.json`: everything that a program needs to use the weights.
fn config(layers: &[LayerSummary], record: Option<&RunRecord>, dataset: &DatasetNames) -> Value {
    let layers = layers.iter().map(|layer| {
        json!({
            "name": layer.name, "output_shape": &layer.output_shape[1..], "parameters": layer.parameters,
        })
    });
    let mut names = Map::new();
    let mut labels = Map::new();
    for (label, class) in dataset.classes.iter().enumerate() {
        names.insert(label.to_string(), json!(class));
        labels.insert(class.clone(), json!(label));
    }
    // For information only: programs must not apply this scaling, because it is folded into conv1.
    let trained_on = match record.map(|record| record.settings.recipe.scaling) {
        Some(Scaling::Standardise { mean, deviation }) => json!({ "mean": mean, "std": deviation }),
        _ => Value::Null,
    };
    json!({
        "model_type": "lenet",
        "architectures": ["LeNet"],
        "num_channels": 1,
        "image_size": 28,
        "num_labels": 10,
        "dataset": dataset.name,
        "id2label": names,
        "label2id": labels,
        "input": {
            "shape": [1, 28, 28], "pixels": "raw, 0 to 255, bright on black", "folded_into_conv1": trained_on,
        },
        "hidden_act": "sigmoid",
        "output": "ten sigmoids; the probabilities are these, clipped to [1e-7, 1 - 1e-7] and divided by their sum",
        "layers": layers.collect::<Vec<_>>(),
        "tensors": TENSORS.map(|spec| json!({ "name": spec.name, "shape": spec.shape })),
        "parameters": PARAMETERS,
        "lenet_version": env!("CARGO_PKG_VERSION"),
    })
}
