//! The scripts of the report and their data: the weights, and the images that the page can show.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::picture::RANGES;
use crate::data::Image;
use crate::format::to_torch;
use crate::model::TENSORS;

use super::pictures::sprite;
use super::{Prediction, Report};

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
pub fn script(report: &Report<'_>) -> Markup {
    let (results, images) = (report.results, report.images);
    let values = to_torch(report.weights).into_iter().flatten();
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    let shown: Vec<&Image> = results.cells.iter().map(|p| &images[p.index]).collect();
    let sample: Vec<&Image> = images.iter().take(SAMPLE).collect();
    // The page shows at most four digits.
    let rounded = |probability: f64| (1e4 * probability).round() / 1e4;
    let row = |p: &Prediction| json!([p.label, p.predicted, p.index, rounded(p.probability)]);
    let data = json!({
        "model": report.model,
        "classes": results.evaluation.dataset.classes,
        "tensors": TENSORS.map(|spec| json!([spec.name, spec.shape])),
        "weights": BASE64_STANDARD.encode(bytes),
        "cells": results.cells.iter().map(row).collect::<Value>(),
        "mistakes": results.mistakes.iter().map(row).collect::<Value>(),
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

fn digits(classes: impl Iterator<Item = usize>) -> String {
    classes.map(|class| class.to_string()).collect()
}
