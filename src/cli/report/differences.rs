//! The images on which two models differ.

use maud::{Markup, html};

use crate::cli::ui::format::plural;
use crate::data::ImageDataset;

use super::Report;
use super::pictures::tile;

/// Maximum number of images shown that only one of the models classifies correctly.
const MAX_IMAGES: usize = 18;

/// The predictions of two models for the images of a data set.
pub struct Differences<'a> {
    pub dataset: &'a ImageDataset,
    /// Names of the models.
    pub names: [&'a str; 2],
    /// The class that each model predicts for each image.
    pub predicted: [&'a [u8]; 2],
}

impl<'a> Differences<'a> {
    pub fn between(models: [&Report<'a>; 2]) -> Self {
        Self {
            dataset: models[0].dataset,
            names: models.map(|model| model.model),
            predicted: models.map(|model| &*model.results.predicted),
        }
    }

    /// Returns the indices of the images that are shown, in order.
    pub fn shown(&self) -> impl Iterator<Item = usize> {
        let only = only_correct(self.dataset.labels(), self.predicted);
        only.into_iter().flat_map(|images| images.into_iter().take(MAX_IMAGES))
    }

    /// Renders the first images that only one of the models classifies correctly, with the predictions of both.
    pub fn render(&self) -> Markup {
        let classes = &self.dataset.info().classes;
        let only = only_correct(self.dataset.labels(), self.predicted);
        html! {
            @for (model, images) in only.iter().enumerate() {
                h3 { (self.names[model]) " correct, " (self.names[1 - model]) " incorrect: " (plural(images.len(), "image")) }
                ol .mistakes { @for index in images.iter().take(MAX_IMAGES) {
                    @let actual = &classes[usize::from(self.dataset.labels()[*index])];
                    (tile(self.dataset.images(), *index, &format!(": actual {actual}"), html! {
                        span { "actual " b { (actual) } }
                        @for (name, predicted) in self.names.iter().zip(self.predicted) {
                            span { (name) ": " b { (classes[usize::from(predicted[*index])]) } }
                        }
                    }))
                } }
            }
        }
    }
}

/// Returns the indices of the images that only the first of two models classifies correctly, and of those that only the
/// second does.
pub fn only_correct(labels: &[u8], predicted: [&[u8]; 2]) -> [Vec<usize>; 2] {
    [[0, 1], [1, 0]].map(|[right, wrong]| {
        let is_only = |image: &usize| {
            predicted[right][*image] == labels[*image] && predicted[wrong][*image] != labels[*image]
        };
        (0..labels.len()).filter(is_only).collect()
    })
}
