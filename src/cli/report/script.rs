//! The scripts of the report and their data: the weights, and the images that the page can show.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::picture::RANGES;
use crate::data::Image;
use crate::format::to_torch;
use crate::model::TENSORS;

use super::differences::{only, shown as shown_differences};
use super::pictures::sprite;
use super::test_results::CELL_IMAGES;
use super::{Prediction, ReplayEpoch, Report};

/// All scripts of the page, wrapped in one function in strict mode.
const SCRIPT: &str = concat!(
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

/// Number of test images, the first of the file, on which the page measures the accuracy of a changed network.
const SAMPLE: usize = 200;

/// Returns the source expression of a content security policy that allows only this script.
pub fn script_source() -> String {
    let digest = Sha256::digest(SCRIPT);
    format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
}

/// Renders the data and the script, for the end of the page.
pub fn script(report: &Report<'_>, other: Option<&Report<'_>>) -> Markup {
    let (results, images) = (report.results, report.images);
    // The weights of a second model take the room of a third of the images.
    let most = if other.is_some() { CELL_IMAGES * 2 / 3 } else { CELL_IMAGES };
    let cells = results.cells.chunk_by(|a, b| (a.label, a.predicted) == (b.label, b.predicted));
    let cells: Vec<_> = cells.flat_map(|cell| cell.iter().take(most)).collect();
    let shown: Vec<&Image> = cells.iter().map(|p| &images[p.index]).collect();
    let sample: Vec<&Image> = images.iter().take(SAMPLE).collect();
    // The page shows at most four digits.
    let rounded = |probability: f64| (1e4 * probability).round() / 1e4;
    let row = |p: &Prediction| json!([p.label, p.predicted, p.index, rounded(p.probability)]);
    let data = json!({
        "model": report.model,
        "classes": results.evaluation.dataset.classes,
        "tensors": TENSORS.map(|spec| json!([spec.name, spec.shape])),
        "weights": weights(report),
        "other": other.map(|other| json!({ "model": other.model, "weights": weights(other) })),
        "differences": other.map(|other| {
            shown_differences(&only([report, other])).map(|index| json!([results.classes[index][0], index])).collect::<Value>()
        }),
        "replay": report.replay.iter().map(replay_epoch).collect::<Value>(),
        "kept": report.record.as_ref().ok().and_then(|record| record.kept_epoch),
        "cells": cells.into_iter().map(row).collect::<Value>(),
        "mistakes": results.mistakes.iter().map(|p| json!([p.label, p.index])).collect::<Value>(),
        "sprite": sprite(&shown),
        "sample": sprite(&sample),
        // A digit per test image.
        "labels": digits(results.classes.iter().map(|[label, _]| *label)),
        "predicted": digits(results.classes.iter().map(|[_, predicted]| *predicted)),
        "ranges": RANGES.map(|range| json!([range.name, range.min, range.max])),
    });
    // Escape `<`, so that no text in the data can close the script element.
    let data = data.to_string().replace('<', "\\u003c");
    html! {
        script #data type="application/json" { (PreEscaped(data)) }
        script { (PreEscaped(SCRIPT)) }
    }
}

/// Encodes the weights of a model, with all tensors in PyTorch's layout, as 32-bit floats in base64.
fn weights(report: &Report<'_>) -> String {
    let values = to_torch(report.weights).into_iter().flatten();
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// Encodes an epoch of the replay: the weights as signed bytes in PyTorch's layout, and the scale of each tensor.
fn replay_epoch(ReplayEpoch { snapshot, confusion }: &ReplayEpoch) -> Value {
    let integers = to_torch(&snapshot.integers).into_iter().flatten();
    let bytes: Vec<u8> = integers.map(|integer| integer as i8 as u8).collect();
    json!({
        "epoch": snapshot.epoch,
        "scales": snapshot.scales,
        "weights": BASE64_STANDARD.encode(bytes),
        "confusion": confusion,
    })
}

fn digits(classes: impl Iterator<Item = usize>) -> String {
    classes.map(|class| class.to_string()).collect()
}
