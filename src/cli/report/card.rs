//! What a LeNet on Fashion-MNIST is for and what not, in plain words: a section of the report, and the text of the
//! model card that `lenet convert` writes (Mitchell et al. 2019, "Model Cards for Model Reporting").

use maud::{Markup, html};

use super::html::section;

pub struct Paragraphs {
    pub heading: &'static str,
    pub text: &'static [&'static str],
}

/// The parts of the card that hold for every model that this program trains.
pub const CARD: [Paragraphs; 3] = [
    Paragraphs {
        heading: "What it is for",
        text: &[
            "Learning and teaching how a convolutional network works, comparing programs and settings, and a small \
             model for trying tools on. It is LeNet of 1998 with sigmoids, on the ten classes of Fashion-MNIST.",
        ],
    },
    Paragraphs {
        heading: "What it is not for",
        text: &[
            "Recognising clothes in a shop, in photographs from the street, or on people; decisions about anybody. \
             It was never tested for that.",
            "It knows 28x28 grey pictures of a single piece, bright on black, as the data set's makers prepared them. \
             It always names one of its ten classes, whatever it is shown, and often with a high probability.",
        ],
    },
    Paragraphs {
        heading: "What it was trained on",
        text: &[
            "Fashion-MNIST: product photographs of one German online shop from before 2017 (Xiao, Rasul, Vollgraf; \
             Zalando SE, MIT licence). What that shop did not sell, or showed otherwise, the model has not seen.",
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
