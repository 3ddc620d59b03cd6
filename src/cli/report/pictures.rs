//! Images of the data set as PNG, and the most confident mistakes.

use base64::prelude::{BASE64_STANDARD, Engine};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use maud::{Markup, html};

use crate::data::{Image, SIDE};

use super::TestResults;

pub fn mistakes(results: &TestResults, images: &[Image]) -> Markup {
    let classes = &results.evaluation.dataset.classes;
    html! {
        @if results.mistakes.is_empty() {
            p { "None: every image was classified correctly." }
        } @else {
            p {
                "The incorrect predictions with the highest probabilities. Each image is shown with its predicted \
                 class, its actual class, the probability of the prediction, and its index for "
                code { "lenet predict --index" } "."
            }
            ol .mistakes { @for mistake in &results.mistakes {
                @let [predicted, actual] = [mistake.predicted, mistake.label].map(|class| &classes[class]);
                (tile(images, mistake.index, &format!(": predicted {predicted}, actual {actual}"), html! {
                    span { "predicted " b { (predicted) } "," }
                    span { "actual " b { (actual) } }
                    span .number { (format!("{:.3}", mistake.probability)) }
                }))
            } }
        }
    }
}

/// Renders a list item with a test image, a caption and the number of the image.
pub fn tile(images: &[Image], index: usize, alt: &str, caption: Markup) -> Markup {
    html! {
        li { figure {
            img src=(sprite(&[&images[index]])) width="84" height="84" alt=(format!("Test image {index}{alt}"));
            figcaption { (caption) span .number { "no. " (index) } }
        } }
    }
}

/// Encodes `images`, one below the other, as a greyscale PNG in a `data:` URL. Returns an empty string if `images` is
/// empty.
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
        .expect("writing to memory never fails");
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&png))
}
