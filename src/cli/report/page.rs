//! The report of a model, section by section.

use std::io;

use maud::html;

use crate::cli::ui::format::percent;
use crate::data::{CLASSES, DatasetIdentity, Image, UNKNOWN};
use crate::model::Weights;
use crate::train::{RunRecord, Snapshot};

use super::card::about;
use super::confusion::{classes, matrix};
use super::curves::curves;
use super::differences::differences;
use super::header::{header, results};
use super::inside::inside;
use super::network::{architecture, kernels};
use super::pictures::mistakes;
use super::reliability::confidence;
use super::script::{script, script_source};
use super::settings::training;
use super::{TestResults, html};

/// The input of a report.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The name of the model file.
    pub model: &'a str,
    pub weights: &'a Weights,
    /// The run record of the model, or the error from reading it.
    pub record: &'a io::Result<RunRecord>,
    /// The test images that the model was evaluated on.
    pub images: &'a [Image],
    /// The data set that the model was trained on, if it is known.
    pub trained_on: Option<&'a DatasetIdentity>,
    /// The results of the model on `images`.
    pub results: &'a TestResults,
    /// The epochs of the run for the replay, if they were kept.
    pub replay: &'a [ReplayEpoch],
    /// Whether the activations, the pooling and the pixels of the network are confirmed, not assumed.
    pub is_described: bool,
}

/// The model after an epoch of its run.
#[derive(Debug, Clone)]
pub struct ReplayEpoch {
    /// The weights, in 8 bits each.
    pub snapshot: Snapshot,
    /// Number of test images by label and predicted class.
    pub confusion: [[usize; CLASSES]; CLASSES],
}

/// Renders the report as HTML. The page is smaller than 1 MB unless the run has thousands of epochs. If there is an `other`
/// model, both classify the same drawings.
pub fn page(report: &Report<'_>, other: Option<&Report<'_>>) -> String {
    let record = report.record.as_ref().ok();
    let dataset = report.results.evaluation.dataset;
    let with_curves = record.filter(|record| !record.epochs.is_empty());
    let sections = html! {
        (inside(report, other))
        (results(report))
        @if let Some(other) = other { (differences([report, other])) }
        @if let Some(record) = with_curves { (curves(record)) }
        (matrix(report.results))
        (classes(report.results))
        (confidence(report.results))
        (mistakes(report.results, report.images))
        (kernels(report.weights))
        @if let Some(record) = record { (training(record)) }
        (architecture())
        (about(report.trained_on.map_or(&UNKNOWN, DatasetIdentity::info)))
    };
    let script = script(report, other);
    let accuracy = percent(report.results.evaluation.accuracy());
    let names: Vec<_> =
        [Some(report), other].into_iter().flatten().map(|model| model.model).collect();
    let title = format!("LeNet on {}: {accuracy} ({})", dataset.name, names.join(", "));
    let command = format!("lenet report {}", names.join(" "));
    let contents = [
        Some(("inside", "Look inside")),
        Some(("results", "Results")),
        other.map(|_| ("differences", "Differences")),
        with_curves.map(|_| ("curves", "Learning curves")),
        Some(("confusion", "Confusion matrix")),
        Some(("classes", "Classes")),
        Some(("confidence", "Confidence")),
        Some(("mistakes", "Mistakes")),
        Some(("kernels", "Kernels")),
        record.map(|_| ("training", "Training")),
        Some(("layers", "Layers")),
        Some(("card", "About")),
    ];
    let contents: Vec<_> = contents.into_iter().flatten().collect();
    html::page(
        &title,
        &script_source(),
        &command,
        header(report, other, &contents),
        sections,
        script,
    )
}
