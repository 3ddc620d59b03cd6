//! Intended use and limitations of a LeNet on Fashion-MNIST, for the report and for the model card that
//! `lenet convert` writes (Mitchell et al. 2019, "Model Cards for Model Reporting").

use maud::{Markup, html};

use super::html::section;

pub struct Paragraphs {
    pub heading: &'static str,
    pub text: &'static [&'static str],
}

/// The paragraphs that apply to every model trained by this program.
pub const CARD: [Paragraphs; 3] = [
    Paragraphs {
        heading: "Intended use",
        text: &[
            "Learning and teaching how a convolutional network works, comparing frameworks and settings, and trying \
             out tools on a small model. The network is LeNet (1998) with sigmoid activations, for the ten classes of \
             Fashion-MNIST.",
        ],
    },
    Paragraphs {
        heading: "Out of scope",
        text: &[
            "Recognising clothing in shops, street photographs or on people, and any decision about a person. The \
             model was never tested for these uses.",
            "The model expects 28x28 greyscale images of a single item, bright on black, prepared as in Fashion-MNIST. \
             It predicts one of its ten classes for any image, often with a high probability.",
        ],
    },
    Paragraphs {
        heading: "Training data",
        text: &[
            "Fashion-MNIST: product photographs of one German online shop from before 2017 (Xiao, Rasul, Vollgraf; \
             Zalando SE, MIT licence). The model has never seen items that this shop did not sell, or photographs in \
             another style.",
        ],
    },
];

pub fn about(official: bool) -> Markup {
    let parts = if official { &CARD[..] } else { &CARD[..2] };
    section(
        "card",
        "About this model",
        html! {
            @for part in parts {
                h3 { (part.heading) }
                @for paragraph in part.text { p { (paragraph) } }
            }
        },
    )
}
