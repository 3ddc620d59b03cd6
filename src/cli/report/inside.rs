//! The part of the page that computes: a canvas to draw on, and what each layer makes of it. Without the script it
//! is not seen. The script finds its numbers in a block of JSON: the weights, and one sprite with all images that the
//! confusion matrix can show.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::picture::RANGES;
use crate::data::{CLASSES, Image};
use crate::format::to_torch;
use crate::model::{TENSORS, Weights};

use super::pictures::sprite;
use super::{Prediction, TestResults};

/// Everything that runs in the page, as one strict function.
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

/// What allows the page's own script and no other, as a source of a content security policy.
pub fn script_source() -> String {
    let digest = Sha256::digest(SCRIPT);
    format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
}

/// The layers that are shown: name for the script, title, number of pictures.
const LAYERS: [(&str, &str, usize); 6] = [
    ("input", "Input, 28x28", 1),
    ("conv1", "conv1: six maps, 24x24", 6),
    ("conv2", "conv2: sixteen maps, 8x8", 16),
    ("fc1", "fc1: 120 cells", 1),
    ("fc2", "fc2: 84 cells", 1),
    ("fc3", "fc3: ten outputs", 1),
];

/// The section, hidden until the script shows it.
pub fn inside() -> Markup {
    html! {
        section #inside hidden {
            h2 { "Look inside" }
            p {
                "Draw a piece of clothing, drop or paste a PNG or JPEG picture here, or pick an image of this page, \
                 and see what each layer makes of it. All of it is computed in this page; nothing leaves it."
            }
            div .bench {
                div .easel {
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
                    p #keys .note .tools { "By keyboard: the arrows move the brush, space draws, backspace erases." }
                }
                div .answer {
                    p #said role="status" {}
                    p #warnings .warning hidden {}
                    table .bars {
                        caption .hidden { "Probability of each class" }
                        tbody { @for class in CLASSES { tr {
                            th scope="row" { (class) }
                            td .meter { span {} }
                            td { data value="" {} }
                        } } }
                    }
                }
            }
            div #picks .picks role="group" aria-label="Images of this page to pick from" {}
            div .layers { @for (name, title, pictures) in LAYERS {
                figure .layer data-layer=(name) {
                    figcaption { (title) }
                    div .row role="img" aria-label=(title) {
                        @for _ in 0..pictures { span { canvas width="1" height="1" {} span .range {} } }
                    }
                }
            } }
            p .note {
                "Convolutions are shown after their sigmoid and before pooling, each map stretched from its smallest \
                 value (black) to its largest (white), which stand below it. Dense cells go from 0 (black) to 1 (white)."
            }
        }
    }
}

/// The data and the script, for the end of the page.
pub fn script(weights: &Weights, figures: &TestResults, images: &[Image]) -> Markup {
    let values = to_torch(weights).into_iter().flatten();
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    let shown: Vec<&Image> = figures.cells.iter().map(|a| &images[a.index]).collect();
    // To four digits, as it is shown.
    let rounded = |probability: f64| (1e4 * probability).round() / 1e4;
    let row = |a: &Prediction| json!([a.label, a.predicted, a.index, rounded(a.probability)]);
    let data = json!({
        "classes": CLASSES,
        "tensors": TENSORS.map(|spec| json!([spec.name, spec.shape])),
        "weights": BASE64_STANDARD.encode(bytes),
        "cells": figures.cells.iter().map(row).collect::<Value>(),
        "mistakes": figures.mistakes.iter().map(row).collect::<Value>(),
        "sprite": sprite(&shown),
        "ranges": RANGES.map(|range| json!([range.name, range.least, range.most])),
    });
    // So that no text in it ends the block.
    let data = data.to_string().replace('<', "\\u003c");
    html! {
        script #data type="application/json" { (PreEscaped(data)) }
        script { (PreEscaped(SCRIPT)) }
    }
}
