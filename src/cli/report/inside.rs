//! The interactive section, which runs the network in the browser: a canvas to draw on, a picture of the network that shows
//! where each value comes from, and the prediction with an explanation.
//!
//! Without scripts, the section stays hidden. The scripts draw the picture of the network.

use maud::{Markup, html};

use crate::data::datasets::Name;
use crate::data::{DatasetInfo, FASHION_MNIST, MNIST};

use super::Report;

/// The buttons that change the drawing: name in the script, and label.
const TOOLS: [(&str, &str); 3] = [("clear", "Clear"), ("invert", "Invert"), ("flip", "Flip")];
/// The buttons that shift the drawing.
const SHIFTS: [(&str, &str); 4] = [("left", "←"), ("up", "↑"), ("down", "↓"), ("right", "→")];

/// Renders the section, hidden until the script shows it.
///
/// If there is an `other` model, the section shows the predictions of both and the layers of one at a time.
pub fn inside(report: &Report<'_>, other: Option<&Report<'_>>) -> Markup {
    let dataset = &report.results.evaluation.dataset;
    html! {
        section #inside hidden {
            div .intro {
                h2 { "Look inside" }
                p {
                    (invitation(dataset)) ", or drop, paste or select a picture. Point at a value to see how it is computed; click to \
                     keep it. No data leaves this page."
                }
            }
            @if !report.replay.is_empty() { (replay(report.replay.len())) }
            div .lesson {
                (editor(dataset))
                div .answer {
                    @if let Some(other) = other { (choice([report.model, other.model])) }
                    p #prediction role="status" {}
                    p #warnings .warning role="status" hidden {}
                    (outputs(dataset, other.is_some()))
                    (why())
                }
                div .inspect {
                    div #network .network tabindex="0" role="application" aria-label="The network, layer by layer"
                        aria-describedby="network-keys" {}
                    (origin())
                }
                svg .links aria-hidden="true" {}
            }
        }
    }
}

/// Returns a sentence that invites to draw one of the classes.
fn invitation(dataset: &DatasetInfo) -> String {
    match &dataset.classes[..] {
        _ if *dataset == FASHION_MNIST => "Draw a piece of clothing".to_owned(),
        classes if *classes == *MNIST.classes => "Draw a digit".to_owned(),
        classes => format!("Draw one of these: {}", one_of(classes)),
    }
}

/// Lists names as alternatives: `a, b or c`.
fn one_of(names: &[Name]) -> String {
    match names {
        [] => String::new(),
        [only] => only.to_string(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Renders the controls that move the network through the epochs of its run.
fn replay(epochs: usize) -> Markup {
    html! {
        div .replay role="group" aria-label="Replay of the training run" {
            button #play type="button" { "Play" }
            label for="replay" { "Epoch" }
            input #replay type="range" min="0" max=(epochs - 1) value=(epochs - 1);
            output for="replay" {}
        }
    }
}

/// Renders the canvas and its tools.
fn editor(dataset: &DatasetInfo) -> Markup {
    html! {
        div .draw {
            div .stage {
                canvas #drawing width="28" height="28" tabindex="0" role="application"
                    aria-label="Drawing, 28 by 28 pixels" aria-describedby="keys" {}
                canvas #overlay width="28" height="28" aria-hidden="true" {}
            }
            div .tools role="group" aria-label="Tools" {
                @for (name, label) in TOOLS { button type="button" data-tool=(name) { (label) } }
                button type="button" data-tool="erase" aria-pressed="false" { "Erase" }
                span .shifts { @for (name, sign) in SHIFTS {
                    button type="button" data-tool=(name) aria-label=(format!("Shift {name}")) { (sign) }
                } }
            }
            div .tools .file {
                label for="picture" { "Picture: " }
                input #picture type="file" accept="image/*";
            }
            div #picks .picks role="group" aria-label="Test images to select, one per class" {}
            p #keys .note {
                "Keys: arrows move the brush, Space draws, Backspace erases."
                @if dataset.classes == FASHION_MNIST.classes { " Shoes face left in this data set." }
            }
        }
    }
}

/// Renders the buttons that select the model whose layers are shown.
fn choice(models: [&str; 2]) -> Markup {
    html! {
        fieldset .models {
            legend { "Show the layers of" }
            @for (index, name) in models.iter().enumerate() {
                label {
                    input type="radio" name="model" value=(index) checked[index == 0];
                    " " (name)
                }
            }
            p #other-answer role="status" {}
        }
    }
}

/// Renders the ten outputs: output, name, and probability as a bar. Each name is a button that selects a class.
fn outputs(dataset: &DatasetInfo, with_other: bool) -> Markup {
    html! {
        table .bars {
            caption { b { "fc3" } " output and probability of each class; select one to examine it" }
            tbody { @for class in dataset.classes.iter() { tr {
                td .output { canvas .fc3 width="1" height="1" {} }
                th scope="row" { button type="button" aria-pressed="false" { (class) } }
                td .meter { span {} @if with_other { i .other {} } }
                td { data value="" {} }
            } } }
        }
    }
}

/// Renders the controls that show why the network predicts a class.
fn why() -> Markup {
    html! {
        div .why role="group" aria-label="Why" {
            label { input #covering type="checkbox"; " Show which parts matter" }
            p #covering-text role="status" {}
            label for="push" { "Push the drawing towards " b #target {} }
            input #push type="range" min="0" max="100" value="0";
            p #pushed role="status" {}
        }
    }
}

/// Renders the panel that shows how the selected value is computed.
fn origin() -> Markup {
    html! {
        div #origin .origin {
            div .about {
                h3 {}
                button #off-value type="button" {}
                button #off-map type="button" {}
                button #all-on type="button" hidden { "Switch everything on" }
                span #off-text role="status" {}
            }
            p #selected .hidden role="status" {}
            div .formula .scroll tabindex="0" role="region" aria-label="How the selected value is computed" {}
        }
        p #network-keys .note {
            "Kernels of conv1 share one colour scale, " span #kernel-scale {} ": blue is positive, orange is negative. Maps are shown \
             after the sigmoid. Keys: arrows move, Page Down and Page Up change the map, Home and End go to the first and the last."
        }
    }
}
