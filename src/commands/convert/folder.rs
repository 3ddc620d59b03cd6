//! `lenet convert MODEL DIR/`: a model as a repository of Hugging Face's hub holds it.

use std::fs;
use std::path::Path;

use burn::data::dataset::Dataset;
use serde_json::{Map, Value, json};

use super::{Document, card, images, is_official, notes, record, write_checked};
use crate::cli::ConvertArgs;
use crate::commands::layers;
use crate::data::{CLASSES, Scaling};
use crate::error::Error;
use crate::format::{self, Format};
use crate::io::Target;
use crate::model::{LayerSummary, TENSORS};
use crate::ops::LeNetBackend;
use crate::train::{RunRecord, sha256};
use crate::ui::Out;

/// The files, the card last: where it is, the others are.
const FILES: [&str; 4] = ["model.safetensors", "model.onnx", "config.json", "README.md"];

/// Whether `target` names a folder.
pub(super) fn is_meant(target: &Path) -> bool {
    target.is_dir() || target.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Writes the folder and tells.
pub(super) fn write<B: LeNetBackend>(args: &ConvertArgs, device: &B::Device) -> Result<(), Error> {
    let dir = &args.output;
    let bytes = format::read_bytes(&args.input)?;
    let mut file = format::decode(&args.input, &bytes)?;
    let record = record(&args.input, &sha256(&bytes));
    let is_taken = |name: &&&str| dir.join(name).exists() || dir.join(name).is_symlink();
    if let Some(name) = FILES.iter().find(is_taken)
        && !args.force
    {
        return Err(Error::exists(&dir.join(name)));
    }
    fs::create_dir_all(dir).map_err(|error| Error::file("cannot make the folder", dir, error))?;

    file.metadata.extend(notes(record.as_ref()));
    // What transformers and others look for, to know whose layout the tensors have.
    file.metadata.insert("format".to_owned(), "pt".to_owned());
    let images = images();
    let mut max_difference = 0.0_f64;
    for (name, format) in [(FILES[0], Format::Safetensors), (FILES[1], Format::Onnx)] {
        let found =
            write_checked::<B>(&dir.join(name), format, &file, &images, args.force, device)?;
        max_difference = max_difference.max(found);
    }
    let layers = layers::<B>(&file.weights, 1, device);
    let config = config(&layers, record.as_ref());
    let config = serde_json::to_string_pretty(&config).expect("names and numbers become JSON");
    let stem = args.input.file_stem().unwrap_or_default().to_string_lossy();
    let card = card::write(&stem, record.as_ref(), is_official(record.as_ref()));
    for (name, text) in [(FILES[2], config + "\n"), (FILES[3], card)] {
        Target::typed(&dir.join(name))?.write(text.as_bytes(), args.force)?;
    }

    let document = Document {
        schema: 1,
        input: args.input.to_string_lossy().into_owned(),
        output: dir.to_string_lossy().into_owned(),
        format: "folder",
        max_difference,
        images: images.len(),
        files: FILES.map(str::to_owned).into(),
    };
    let mut out = Out::default();
    if args.json {
        out.json(&document);
    } else {
        for name in FILES {
            out.line(&format!("saved {}", dir.join(name).display()));
        }
        out.line(&format!("the weights are those of {}, bit for bit", document.input));
        out.line(&format!(
            "largest difference of outputs: {max_difference} on {} images",
            document.images
        ));
    }
    out.finish()
}

/// What a program has to know to use the weights.
fn config(layers: &[LayerSummary], record: Option<&RunRecord>) -> Value {
    let layers = layers.iter().map(|layer| {
        json!({
            "name": layer.name, "output_shape": &layer.output_shape[1..], "parameters": layer.parameters,
        })
    });
    let mut names = Map::new();
    let mut labels = Map::new();
    if is_official(record) {
        for (label, class) in CLASSES.iter().enumerate() {
            names.insert(label.to_string(), json!(class));
            labels.insert((*class).to_owned(), json!(label));
        }
    }
    // The scaling of the training is folded into conv1; it is told, and nobody has to do it.
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
        "id2label": names,
        "label2id": labels,
        "input": {
            "shape": [1, 28, 28], "pixels": "raw, 0 to 255, bright on black", "folded_into_conv1": trained_on,
        },
        "hidden_act": "sigmoid",
        "output": "ten sigmoids; the probabilities are these, clipped to [1e-7, 1 - 1e-7] and divided by their sum",
        "layers": layers.collect::<Vec<_>>(),
        "tensors": TENSORS.map(|spec| json!({ "name": spec.name, "shape": spec.shape })),
        "parameters": TENSORS.iter().map(|spec| spec.len()).sum::<usize>(),
        "lenet_version": env!("CARGO_PKG_VERSION"),
    })
}
