//! The scripts of the report and their data: the weights, and the images that the page can show.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use crate::cli::picture::RANGES;
use crate::cli::ui::format::json as escaped;
use crate::data::{FASHION_MNIST, Image};
use crate::eval::rounded;
use crate::format::to_torch;
use crate::io::text::line;
use crate::model::{TENSORS, TensorSpec, Weights};

use super::differences::Differences;
use super::pictures::sprite;
use super::test_results::CELL_IMAGES;
use super::{Prediction, ReplayEpoch, Report};

/// All scripts of the page, wrapped in one function in strict mode.
pub const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("script/network.js"),
    include_str!("script/slices.js"),
    include_str!("script/picture.js"),
    include_str!("script/files.js"),
    include_str!("script/maps.js"),
    include_str!("script/layers.js"),
    include_str!("script/selection.js"),
    include_str!("script/links.js"),
    include_str!("script/origin.js"),
    include_str!("script/why.js"),
    include_str!("script/off.js"),
    include_str!("script/drawing.js"),
    include_str!("script/matrix.js"),
    include_str!("script/curves.js"),
    include_str!("script/replay.js"),
    include_str!("script/main.js"),
    "})();\n"
);

/// Number of test images, from the start of the file, on which the page measures the accuracy of a changed network.
const SAMPLE: usize = 200;

/// Renders the data of the script.
pub fn data(
    report: &Report<'_>,
    other: Option<&Report<'_>>,
    differences: Option<&Differences<'_>>,
) -> Markup {
    let (results, images, labels) =
        (report.results, report.dataset.images(), report.dataset.labels());
    let dataset = &results.evaluation.dataset;
    let classes = dataset.classes.len();
    // The weights of a second model take as much space as a third of the images.
    let most = if other.is_some() { CELL_IMAGES * 2 / 3 } else { CELL_IMAGES };
    let cells = results.cells.chunk_by(|a, b| (a.label, a.predicted) == (b.label, b.predicted));
    let cells: Vec<_> = cells.flat_map(|cell| cell.iter().take(most)).collect();
    let shown: Vec<&Image> = cells.iter().map(|p| &images[p.index]).collect();
    let sample: Vec<&Image> = images.iter().take(SAMPLE).collect();
    // The ranges are those of Fashion-MNIST.
    let ranges = RANGES.iter().filter(|_| dataset.classes == FASHION_MNIST.classes);
    // The page shows at most four digits.
    let row = |p: &Prediction| json!([p.label, p.predicted, p.index, rounded(p.probability)]);
    let data = json!({
        // The script shows the names as they are.
        "model": line(report.model),
        "classes": dataset.classes,
        "tensors": TENSORS.map(|spec| json!([spec.name, shape(&spec, classes)])),
        "weights": weights(report, classes),
        "other": other.map(|other| json!({ "model": line(other.model), "weights": weights(other, classes) })),
        "differences": differences.map(|differences| {
            differences.shown().map(|index| json!([labels[index], index])).collect::<Value>()
        }),
        "replay": report.replay.iter().map(|epoch| replay_epoch(epoch, classes)).collect::<Value>(),
        "kept": report.record.as_ref().ok().and_then(|record| record.kept_epoch),
        "cells": cells.into_iter().map(row).collect::<Value>(),
        "mistakes": results.mistakes.iter().map(|p| json!([p.label, p.index])).collect::<Value>(),
        "sprite": sprite(&shown),
        "sample": sprite(&sample),
        // One digit per test image.
        "labels": digits(labels),
        "predicted": digits(&results.predicted),
        "ranges": ranges.map(|range| json!([range.name, range.min, range.max])).collect::<Value>(),
    });
    // Escape `<`, so that no text in the data can close the script element.
    let data = escaped(data.to_string()).replace('<', "\\u003c");
    html! { script #data type="application/json" { (PreEscaped(data)) } }
}

/// Returns the shape of a tensor, without the outputs of the last layer that belong to no class.
fn shape(spec: &TensorSpec, classes: usize) -> Vec<usize> {
    let mut shape = spec.shape.to_vec();
    if spec.name.starts_with("fc3") {
        shape[0] = classes;
    }
    shape
}

/// Returns the values of all tensors in PyTorch's layout, in which the outputs of a layer are its rows, without the outputs of
/// the last layer that belong to no class.
fn values(weights: &Weights, classes: usize) -> impl Iterator<Item = f32> {
    let tensors = TENSORS.iter().zip(to_torch(weights));
    tensors.flat_map(move |(spec, values)| {
        let count = shape(spec, classes).iter().product();
        values.into_iter().take(count)
    })
}

/// Encodes the weights of a model as 32-bit floats in base64.
fn weights(report: &Report<'_>, classes: usize) -> String {
    let values = values(report.weights, classes);
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// Encodes an epoch of the replay: the weights as signed bytes, and the scale of each tensor.
fn replay_epoch(ReplayEpoch { snapshot, confusion }: &ReplayEpoch, classes: usize) -> Value {
    let integers = values(&snapshot.integers, classes);
    let confusion: Value = confusion[..classes].iter().map(|row| json!(row[..classes])).collect();
    let bytes: Vec<u8> = integers.map(|integer| integer as i8 as u8).collect();
    json!({
        "epoch": snapshot.epoch,
        "scales": snapshot.scales,
        "weights": BASE64_STANDARD.encode(bytes),
        "confusion": confusion,
    })
}

fn digits(classes: &[u8]) -> String {
    classes.iter().map(u8::to_string).collect()
}
