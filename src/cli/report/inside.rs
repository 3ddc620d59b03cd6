//! The interactive section, which runs the network in the browser: a canvas to draw on, and the outputs of each layer.
//!
//! Without scripts, the section stays hidden. The script reads its data from a JSON block: the weights, and a sprite
//! with all images that the confusion matrix can show.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::picture::RANGES;
use crate::data::{DatasetInfo, Image};
use crate::format::to_torch;
use crate::model::{TENSORS, Weights};

use super::pictures::sprite;
use super::{Prediction, TestResults};

/// All scripts of the page, wrapped in one function in strict mode.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("script/network.js"),
    include_str!("script/picture.js"),
    include_str!("script/maps.js"),
    include_str!("script/drawing.js"),
    include_str!("script/matrix.js"),
    include_str!("script/curves.js"),
    include_str!("script/main.js"),
    "})();\n"
);

/// Returns the source expression of a content security policy that allows only this script.
pub fn script_source() -> String {
    let digest = Sha256::digest(SCRIPT);
    format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
}

/// The layers shown: name in the script, title, and number of pictures.
const LAYERS: [(&str, &str, usize); 6] = [
    ("input", "Input, 28x28", 1),
    ("conv1", "conv1: 6 maps, 24x24", 6),
    ("conv2", "conv2: 16 maps, 8x8", 16),
    ("fc1", "fc1: 120 units", 1),
    ("fc2", "fc2: 84 units", 1),
    ("fc3", "fc3: 10 outputs", 1),
];

/// Renders the section, hidden until the script shows it.
pub fn inside(dataset: &DatasetInfo) -> Markup {
    html! {
        section #inside hidden {
            h2 { "Look inside" }
            p {
                "Draw an image, drop or paste a PNG or JPEG picture, or select an image on this page to see the output of \
                 each layer. The network runs in your browser, and no data leaves this page."
            }
            div .panes {
                div .editor {
                    canvas #drawing width="28" height="28" tabindex="0" role="application"
                        aria-label="Drawing, 28 by 28 pixels" aria-describedby="keys" {}
                    div .tools role="group" aria-label="Tools" {
                        button type="button" data-tool="clear" { "Clear" }
                        button type="button" data-tool="invert" { "Invert" }
                        button type="button" data-tool="erase" aria-pressed="false" { "Erase" }
                        @for (name, sign) in [("left", "←"), ("up", "↑"), ("down", "↓"), ("right", "→")] {
                            button type="button" data-tool=(name) aria-label=(format!("Shift {name}")) { (sign) }
                        }
                    }
                    p .tools {
                        label for="picture" { "Open a picture: " }
                        input #picture type="file" accept="image/png,image/jpeg";
                    }
                    p #keys .note .tools { "Keyboard: the arrow keys move the brush, Space draws, Backspace erases." }
                }
                div .result {
                    p #prediction role="status" {}
                    p #warnings .warning hidden {}
                    table .bars {
                        caption .hidden { "Probability of each class" }
                        tbody { @for class in dataset.classes { tr {
                            th scope="row" { (class) }
                            td .meter { span {} }
                            td { data value="" {} }
                        } } }
                    }
                }
            }
            div #picks .picks role="group" aria-label="Images on this page to select" {}
            div .layers { @for (name, title, pictures) in LAYERS {
                figure .layer data-layer=(name) {
                    figcaption { (title) }
                    div .row role="img" aria-label=(title) {
                        @for _ in 0..pictures { span { canvas width="1" height="1" {} span .range {} } }
                    }
                }
            } }
            p .note {
                "Convolutions are shown after the sigmoid and before pooling. Each map is scaled from its smallest \
                 value (black) to its largest (white); both are given below the map. Dense units range from 0 (black) \
                 to 1 (white)."
            }
        }
    }
}

/// Renders the data and the script, for the end of the page.
pub fn script(weights: &Weights, results: &TestResults, images: &[Image]) -> Markup {
    let values = to_torch(weights).into_iter().flatten();
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    let shown: Vec<&Image> = results.cells.iter().map(|p| &images[p.index]).collect();
    // The page shows at most four digits.
    let rounded = |probability: f64| (1e4 * probability).round() / 1e4;
    let row = |p: &Prediction| json!([p.label, p.predicted, p.index, rounded(p.probability)]);
    let data = json!({
        "classes": results.evaluation.dataset.classes,
        "tensors": TENSORS.map(|spec| json!([spec.name, spec.shape])),
        "weights": BASE64_STANDARD.encode(bytes),
        "cells": results.cells.iter().map(row).collect::<Value>(),
        "mistakes": results.mistakes.iter().map(row).collect::<Value>(),
        "sprite": sprite(&shown),
        "ranges": RANGES.map(|range| json!([range.name, range.min, range.max])),
    });
    // Escape `<`, so that no text in the data can close the script element.
    let data = data.to_string().replace('<', "\\u003c");
    html! {
        script #data type="application/json" { (PreEscaped(data)) }
        script { (PreEscaped(SCRIPT)) }
    }
}
