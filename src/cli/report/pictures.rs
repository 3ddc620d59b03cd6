//! Images of the data set, and the most confident mistakes among them.

use base64::prelude::{BASE64_STANDARD, Engine};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use maud::{Markup, html};

use crate::data::{CLASSES, Image, SIDE};

use super::TestResults;
use super::html::section;

pub fn mistakes(figures: &TestResults, images: &[Image]) -> Markup {
    section(
        "mistakes",
        "Most confident mistakes",
        html! {
            @if figures.mistakes.is_empty() {
                p { "There are none: every image was recognised." }
            } @else {
                p {
                    "The wrong answers that the model is surest of: what it said, what the image truly shows, the \
                     probability of its answer, and the image’s number for " code { "lenet predict --index" } "."
                }
                ol .mistakes { @for mistake in &figures.mistakes {
                    @let [answer, truth] = [mistake.predicted, mistake.label].map(|class| CLASSES[class]);
                    (tile(images, mistake.index, &format!(": said {answer}, truly {truth}"), html! {
                        span { "said " b { (answer) } "," }
                        span { "truly " b { (truth) } }
                        span .number { (format!("{:.3}", mistake.probability)) }
                    }))
                } }
            }
        },
    )
}

/// A test image of a list with what is said of it, and its number.
pub fn tile(images: &[Image], index: usize, alt: &str, caption: Markup) -> Markup {
    html! {
        li { figure {
            img src=(sprite(&[&images[index]])) width="84" height="84" alt=(format!("Test image {index}{alt}"));
            figcaption { (caption) span .number { "no. " (index) } }
        } }
    }
}

/// `images` below each other in one grey PNG, as a `data:` address; nothing if there are none.
pub fn sprite(images: &[&Image]) -> String {
    if images.is_empty() {
        return String::new();
    }
    let pixels: Vec<u8> = images.iter().copied().flatten().copied().collect();
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    let [width, height] = [SIDE as u32, (SIDE * images.len()) as u32];
    encoder
        .write_image(&pixels, width, height, ExtendedColorType::L8)
        .expect("memory takes every image");
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_becomes_a_small_png() {
        let image = std::array::from_fn(|pixel| pixel as u8);
        let uri = sprite(&[&image]);
        assert!(uri.starts_with("data:image/png;base64,iVBORw0KGgo"));
        assert!(uri.len() < 2000);
        assert_eq!(sprite(&[]), "");
    }
}
