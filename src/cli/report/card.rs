//! Intended use, limitations and training data of a model, for the report and for the model card that `lenet convert`
//! writes (Mitchell et al. 2019, "Model Cards for Model Reporting").

use maud::{Markup, html};

use crate::data::{CLASSES, DatasetInfo, UNKNOWN};

/// Returns the headings and paragraphs about a model that was trained on `dataset`. `name` escapes the name of a class.
pub fn sections(
    dataset: &DatasetInfo,
    name: fn(&str) -> String,
) -> Vec<(&'static str, Vec<String>)> {
    let names: Vec<_> = dataset.classes.iter().map(|class| name(class)).collect();
    let count = names.len();
    let classes = match dataset.is_known() {
        true => format!(", for the ten classes of {}", dataset.name),
        false if dataset.classes == UNKNOWN.classes => String::new(),
        false => format!(", for these {count} classes: {}", names.join(", ")),
    };
    let outputs = match count {
        CLASSES => String::new(),
        _ => format!(
            " Only the first {count} of its ten outputs belong to classes; the others are always 0."
        ),
    };
    let number = if count == CLASSES { "ten".to_owned() } else { count.to_string() };
    let mut sections = vec![
        (
            "Intended use",
            vec![format!(
                "Learning and teaching how a convolutional network works, comparing frameworks and settings, and trying \
                 out tools on a small model. The network is LeNet (1998) with sigmoid activations{classes}.{outputs}"
            )],
        ),
        (
            "Out of scope",
            vec![
                format!("{} The model was never tested for these uses.", dataset.out_of_scope),
                format!(
                    "The model expects 28x28 greyscale images of a single object, bright on black, prepared as in its \
                     training data. It predicts one of its {number} classes for any image, often with a high probability."
                ),
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
    html! {
        @for (heading, paragraphs) in sections(dataset, str::to_owned) {
            h3 { (heading) }
            @for paragraph in paragraphs { p { (paragraph) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::FASHION_MNIST;

    #[test]
    fn sections_describe_classes_of_model() {
        let text = |dataset: &DatasetInfo| {
            let sections = sections(dataset, |name| format!("<{name}>"));
            sections.into_iter().flat_map(|(_, paragraphs)| paragraphs).collect::<String>()
        };
        let fashion = text(&FASHION_MNIST);
        assert!(
            fashion.contains("activations, for the ten classes of Fashion-MNIST."),
            "{fashion}"
        );
        assert!(fashion.contains("one of its ten classes for any image"), "{fashion}");
        let unknown = text(&UNKNOWN);
        assert!(unknown.contains("sigmoid activations."), "{unknown}");
        assert!(!unknown.contains("outputs belong to classes"), "{unknown}");
        let own = text(&DatasetInfo::with_classes(&["a", "b"].map(str::to_owned), &[]));
        assert!(own.contains("activations, for these 2 classes: <a>, <b>."), "{own}");
        assert!(own.contains("Only the first 2 of its ten outputs belong to classes"), "{own}");
        assert!(own.contains("one of its 2 classes for any image"), "{own}");
    }
}
