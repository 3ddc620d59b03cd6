//! The report of a model, section by section.

use std::io;
use std::path::Path;

use maud::html;

use crate::cli::args::quoted_path;
use crate::cli::ui::format::percent;
use crate::data::{CLASSES, DatasetIdentity, ImageDataset, UNKNOWN};
use crate::model::Weights;
use crate::train::{RunRecord, Snapshot};

use super::TestResults;
use super::card::about;
use super::confusion::{classes, matrix};
use super::curves::curves;
use super::differences::Differences;
use super::header::{header, results};
use super::html::{Page, Section};
use super::inside::inside;
use super::network::{architecture, kernels};
use super::pictures::mistakes;
use super::reliability::confidence;
use super::script::{SCRIPT, data};
use super::settings::training;

/// The input of a report.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The name of the model file.
    pub model: &'a str,
    pub weights: &'a Weights,
    /// The run record of the model, or the error from reading it.
    pub record: &'a io::Result<RunRecord>,
    /// The test images that the model was evaluated on.
    pub dataset: &'a ImageDataset,
    /// The data set that the model was trained on, if it is known.
    pub trained_on: Option<&'a DatasetIdentity>,
    /// The results of the model on `dataset`.
    pub results: &'a TestResults,
    /// The epochs of the run for the replay, if they were kept.
    pub replay: &'a [ReplayEpoch],
    /// Whether the activations, the pooling and the pixel scaling of the network are known rather than assumed.
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
    let dataset = &report.results.evaluation.dataset;
    let trained_on = report.trained_on.map_or_else(|| UNKNOWN.clone(), DatasetIdentity::info);
    let with_curves = record.filter(|record| !record.epochs.is_empty());
    let differences = other.map(|other| Differences::between([report, other]));
    let found = report.results;
    let sections = [
        Some(Section("results", "Results", results(report))),
        differences.as_ref().map(|found| Section("differences", "Differences", found.render())),
        with_curves.map(|record| Section("curves", "Learning curves", curves(record))),
        Some(Section("confusion", "Confusion matrix", matrix(found))),
        Some(Section("classes", "Classes", classes(found))),
        Some(Section("confidence", "Confidence", confidence(found))),
        Some(Section("mistakes", "Mistakes", mistakes(found, report.dataset.images()))),
        Some(Section("kernels", "Kernels", kernels(report.weights))),
        record.map(|record| Section("training", "Training", training(record))),
        Some(Section("layers", "Layers", architecture())),
        Some(Section("card", "About", about(&trained_on))),
    ];
    let sections: Vec<_> = sections.into_iter().flatten().collect();
    let accuracy = percent(report.results.evaluation.accuracy());
    let names: Vec<_> =
        [Some(report), other].into_iter().flatten().map(|model| model.model).collect();
    let title = format!("LeNet on {}: {accuracy} ({})", dataset.title(), names.join(", "));
    let typed: Vec<_> = names.iter().map(|name| quoted_path(Path::new(&**name))).collect();
    let command = format!("lenet report {}", typed.join(" "));
    let page = Page {
        title: &title,
        command: &command,
        style: include_str!("lesson.css"),
        header: header(report, other, &sections),
        main: html! { (inside(report, other)) @for section in &sections { (section) } },
        data: data(report, other, differences.as_ref()),
        script: SCRIPT,
    };
    page.render()
}
