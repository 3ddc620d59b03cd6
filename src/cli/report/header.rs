//! The header of the report: model name, training history, warnings, and the main results in large type.

use std::io;
use std::path::Path;

use maud::{Markup, html};

use crate::cli::ui::format::{count, duration, percent, plural};
use crate::model::PARAMETERS;
use crate::train::{EpochRecord, RunFiles, RunRecord};

use super::Report;
use super::settings::reason_for_fewer_epochs;

/// Renders the part above the sections.
pub(super) fn header(report: &Report<'_>) -> Markup {
    let samples = report.results.evaluation.samples();
    let images = match samples {
        10_000 => "10,000 test images".to_owned(),
        _ => format!("first {}", plural(samples, "test image")),
    };
    let data = report.results.evaluation.dataset.name;
    html! {
        h1 { (report.model) }
        p { (history(report)) " Measured on the " (images) " of " (data) "." }
        @for warning in warnings(report) { p .warning { strong { "Warning: " } (warning) } }
        (headline(report))
    }
}

/// Renders the main results in large type.
fn headline(report: &Report<'_>) -> Markup {
    let evaluation = &report.results.evaluation;
    let record = report.record.as_ref().ok();
    let validation =
        record.and_then(kept).and_then(|epoch| Some((epoch.epoch, epoch.val_accuracy?)));
    let is_last = |epoch| record.is_some_and(|record| record.epochs.len() == epoch);
    html! {
        dl .headline {
            div { dt { "Test accuracy" } dd { (percent(evaluation.accuracy())) } }
            div { dt { "Correct predictions" } dd {
                (count(evaluation.correct())) " " small { "of " (count(evaluation.samples())) }
            } }
            div { dt { "Test loss" } dd { (format!("{:.4}", evaluation.loss())) } }
            @if let Some((epoch, accuracy)) = validation {
                div {
                    dt { "Validation accuracy" @if !is_last(epoch) { ", epoch " (epoch) } }
                    dd { (percent(accuracy)) }
                }
            }
            div { dt { "Parameters" } dd { (count(PARAMETERS)) } }
        }
    }
}

/// Returns the epoch whose weights the model has.
fn kept(record: &RunRecord) -> Option<&EpochRecord> {
    record.epochs.iter().find(|epoch| Some(epoch.epoch) == record.kept_epoch)
}

/// Describes in a sentence or two how the model was trained.
fn history(report: &Report<'_>) -> Markup {
    let problem = match report.record {
        Ok(record) => return known_history(record),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist",
        Err(_) => "cannot be used",
    };
    html! {
        "This report has no settings and no learning curves, because the run record "
        code { (RunFiles::beside(Path::new(report.model), "json").display()) } " " (problem) "."
    }
}

fn known_history(record: &RunRecord) -> Markup {
    let settings = &record.settings;
    html! {
        "Trained for " (plural(record.epochs.len(), "epoch")) " on " (plural(record.train_samples, "image"))
        @if record.validation_samples > 0 {
            ", plus " (count(record.validation_samples)) " for validation"
        }
        ", with recipe " (settings.recipe.name) " and seed " (settings.seed) ", in " (duration(record.seconds())) " on "
        (record.device)
        @if let Some(started) = &record.started { ", started " (started) }
        "."
        @if let Some(reason) = reason_for_fewer_epochs(record) {
            " Only " (count(record.epochs.len())) " of " (plural(settings.epochs, "epoch")) " were trained: " (reason) "."
        }
        @if let Some(epoch) = record.kept_epoch && epoch != record.epochs.len() {
            " The model has the weights of epoch " (epoch) ", which has the lowest validation loss."
        }
    }
}

/// Returns warnings about the model and its run record.
fn warnings(report: &Report<'_>) -> impl Iterator<Item = String> {
    let collapsed = "the model predicts the same class for every image.".to_owned();
    let is_collapsed = report.results.evaluation.is_collapsed();
    is_collapsed.then_some(collapsed).into_iter().chain(mismatch(report))
}

/// Returns a warning if the run record does not seem to belong to this model.
fn mismatch(report: &Report<'_>) -> Option<String> {
    let (record, found) = (report.record.as_ref().ok()?, &report.results.evaluation);
    let Some(test) = &record.test else {
        return Some("the run had not finished when its record was written.".to_owned());
    };
    // Another backend rounds differently, which changes the predictions for an image or two.
    let differs = test.correct.abs_diff(found.correct()) > 2 + found.samples() / 1000;
    (test.samples == found.samples() && differs).then(|| {
        format!(
            "the run record next to the model has {} correct predictions, but the model has {} here. The record \
             may belong to another model, or the test data may have changed.",
            count(test.correct),
            count(found.correct())
        )
    })
}
