//! The images on which two models differ.

use maud::{Markup, html};

use crate::cli::ui::format::plural;

use super::Report;
use super::html::section;
use super::pictures::tile;

/// Maximum number of images shown that only one of the models classifies correctly.
const MAX_IMAGES: usize = 18;

/// Indices of the images that only the first model classifies correctly, and of those that only the second does.
pub fn only(models: [&Report<'_>; 2]) -> [Vec<usize>; 2] {
    let correct = |model: usize, image: usize| {
        let [label, predicted] = models[model].results.classes[image];
        label == predicted
    };
    [0, 1].map(|model| {
        let images = 0..models[0].results.classes.len();
        images.filter(|image| correct(model, *image) && !correct(1 - model, *image)).collect()
    })
}

/// Returns the indices of the images that the section shows, in order.
pub fn shown(only: &[Vec<usize>; 2]) -> impl Iterator<Item = usize> {
    only.iter().flat_map(|images| images.iter().take(MAX_IMAGES)).copied()
}

pub fn differences(models: [&Report<'_>; 2]) -> Markup {
    let only = only(models);
    section(
        "differences",
        "Where the models differ",
        html! {
            @for (model, images) in only.iter().enumerate() {
                @let (name, other) = (models[model].model, models[1 - model]);
                h3 { (name) " correct, " (other.model) " incorrect: " (plural(images.len(), "image")) }
                ol .mistakes { @for index in images.iter().take(MAX_IMAGES) {
                    @let [label, predicted] = other.results.classes[*index].map(|class| other.results.evaluation.dataset.classes[class]);
                    (tile(models[0].images, *index, &format!(": actual {label}"), html! {
                        span { "actual " b { (label) } "," }
                        span { (other.model) ": " b { (predicted) } }
                    }))
                } }
            }
        },
    )
}
