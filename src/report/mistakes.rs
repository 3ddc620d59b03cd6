//! The most confident mistakes, as pictures.

use maud::{Markup, html};

use crate::data::{CLASSES, Image};

use super::Figures;
use super::pictures::data_uri;

/// The section; `images` are those that the figures were made from.
pub fn section(figures: &Figures, images: &[Image]) -> Markup {
    html! {
        section #mistakes {
            h2 { "Most confident mistakes" }
            @if figures.mistakes.is_empty() {
                p { "There are none: every image was recognised." }
            } @else {
                p {
                    "The wrong answers that the model is surest of: what it said, what the image truly shows, the \
                     probability of its answer, and the image’s number for " code { "lenet predict --index" } "."
                }
                ol .mistakes {
                    @for mistake in &figures.mistakes {
                        @let [answer, truth] = [mistake.predicted, mistake.label].map(|class| CLASSES[class]);
                        li { figure {
                            img src=(data_uri(&images[mistake.index])) width="84" height="84"
                                alt=(format!("Test image {}: said {answer}, truly {truth}", mistake.index));
                            figcaption {
                                span { "said " b { (answer) } "," }
                                span { "truly " b { (truth) } }
                                span .number { (format!("{:.3}", mistake.probability)) }
                                span .number { "no. " (mistake.index) }
                            }
                        } }
                    }
                }
            }
        }
    }
}
