//! `lenet convert MODEL DIR/`: writes the files of a Hugging Face model repository.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::card;
use crate::cli::args::ConvertArgs;
use crate::cli::commands::Model;
use crate::cli::error::Error;
use crate::cli::ui::format::json as escaped;
use crate::data::{CLASSES, DatasetIdentity, DatasetNames, Scaling};
use crate::format::Format;
use crate::io::{FileSet, OutputDir, lock_directory};
use crate::model::{LayerSummary, PARAMETERS, TENSORS, layers};
use crate::train::RunRecord;

/// The files in the order of writing. The model card is the last one, so if it exists, it describes the other files.
pub(super) const FILES: [&str; 4] = ["model.safetensors", "model.onnx", "config.json", "README.md"];

/// Returns whether `target` is a directory, or will be one because it ends with a slash.
pub(super) fn is_directory(target: &Path) -> bool {
    target.is_dir() || target.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Writes the directory.
pub(super) fn write(args: &ConvertArgs, model: &Model) -> Result<(), Error> {
    let dir = &args.output;
    OutputDir::typed(dir).create()?;
    let assumed = DatasetIdentity::assumed();
    let record = model.record();
    let config = config(&layers(1), record, &model.trained_on.as_ref().unwrap_or(&assumed).names);
    let stem = args.input.file_stem().unwrap_or_default().to_string_lossy();
    let card = card::write(&stem, record, model.is_described());
    let [weights, graph, settings, readme] = FILES.map(|name| dir.join(name));
    let files = vec![
        (weights.clone(), super::encode(&weights, Format::Safetensors, &model.file)?),
        (graph.clone(), super::encode(&graph, Format::Onnx, &model.file)?),
        (settings, pretty(&config).into_bytes()),
    ];
    let descriptions = vec![(readme, card.into_bytes())];
    let set = FileSet { files, descriptions, obsolete: Vec::new() };
    Ok(set.write(&lock_directory(dir)?, args.force)?)
}

/// Returns the text of a JSON file. Characters that are not printable are escaped, except for the line breaks between values.
fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("names and numbers become JSON");
    text.lines().map(|line| escaped(line.to_owned()) + "\n").collect()
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
    let unused = match dataset.classes.len() {
        CLASSES => String::new(),
        count => format!("; outputs {count} to 9 belong to no class and are always 0"),
    };
    // For information only: programs must not apply this scaling, because it is folded into conv1.
    let trained_on = match record.map(|record| record.settings.recipe.scaling) {
        Some(Scaling::Standardise { mean, deviation }) => {
            // Use the shortest digits that identify an f32, because JSON would widen it to f64.
            let [mean, std] = [mean, deviation].map(|value| value.to_string().parse::<f64>().ok());
            json!({ "mean": mean, "std": std })
        }
        _ => Value::Null,
    };
    json!({
        "model_type": "lenet",
        "architectures": ["LeNet"],
        "num_channels": 1,
        "image_size": 28,
        "num_labels": dataset.classes.len(),
        "dataset": record.and(dataset.name.as_ref()),
        "id2label": names,
        "label2id": labels,
        "input": {
            "shape": [1, 28, 28], "pixels": "raw, 0 to 255, bright on black", "folded_into_conv1": trained_on,
        },
        "hidden_act": "sigmoid",
        "output": format!(
            "ten sigmoids; the probabilities are these, clipped to [1e-7, 1 - 1e-7] and divided by their sum{unused}"
        ),
        "layers": layers.collect::<Vec<_>>(),
        "tensors": TENSORS.map(|spec| json!({ "name": spec.name, "shape": spec.shape })),
        "parameters": PARAMETERS,
        "lenet_version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_escapes_unprintable_characters() {
        let value = json!({ "a": "ö\u{202e}\n", "b": 1 });
        let text = pretty(&value);
        assert_eq!(text, "{\n  \"a\": \"ö\\u202e\\n\",\n  \"b\": 1\n}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
