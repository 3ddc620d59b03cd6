//! Intended use, limitations and training data of a model, for the report and for the model card that `lenet convert`
//! writes (Mitchell et al. 2019, "Model Cards for Model Reporting").

use maud::{Markup, html};

use crate::data::DatasetInfo;

/// Returns the headings and paragraphs about a model that was trained on `dataset`.
pub fn sections(dataset: &DatasetInfo) -> Vec<(&'static str, Vec<String>)> {
    let classes = match dataset.is_known() {
        true => format!(", for the ten classes of {}", dataset.name),
        false => String::new(),
    };
    let mut sections = vec![
        (
            "Intended use",
            vec![format!(
                "Learning and teaching how a convolutional network works, comparing frameworks and settings, and trying \
                 out tools on a small model. The network is LeNet (1998) with sigmoid activations{classes}."
            )],
        ),
        (
            "Out of scope",
            vec![
                format!("{} The model was never tested for these uses.", dataset.out_of_scope),
                "The model expects 28x28 greyscale images of a single object, bright on black, prepared as in its \
                 training data. It predicts one of its ten classes for any image, often with a high probability."
                    .to_owned(),
            ],
        ),
    ];
    if !dataset.about.is_empty() {
        let seen = "The model has never seen any other images.";
        sections.push(("Training data", vec![format!("{} {seen}", dataset.about)]));
    }
    sections
}

/// Renders the section of the report.
pub fn about(dataset: &DatasetInfo) -> Markup {
    html! { section #card {
        h2 { "About this model" }
        @for (heading, paragraphs) in sections(dataset) {
            h3 { (heading) }
            @for paragraph in paragraphs { p { (paragraph) } }
        }
    } }
}
