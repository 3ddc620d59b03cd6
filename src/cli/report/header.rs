//! The top of the report: title, warnings, table of contents, and the main results in large type.

use std::io;
use std::path::Path;

use maud::{Markup, html};

use crate::cli::ui::format::{count, duration, percent, plural};
use crate::model::PARAMETERS;
use crate::train::{EpochRecord, RunFiles, RunRecord};

use super::Report;
use super::html::Section;
use super::settings::reason_for_fewer_epochs;

/// Renders the part above the sections: title, summary, warnings and table of contents.
pub(super) fn header(
    report: &Report<'_>,
    other: Option<&Report<'_>>,
    sections: &[Section],
) -> Markup {
    let evaluation = &report.results.evaluation;
    html! {
        div .titles {
            h1 { "LeNet on " (evaluation.dataset.title()) }
            p {
                b { (report.model) } " predicts " b { (percent(evaluation.accuracy())) }
                @if let Some(other) = other {
                    ", " b { (other.model) } " " b { (percent(other.results.evaluation.accuracy())) }
                }
                " of the " (images(report)) " correctly."
            }
        }
        @for warning in [Some(report), other].into_iter().flatten().flat_map(warnings) { p .warning { strong { "Warning: " } (warning) } }
        nav .contents aria-label="Contents" { ul {
            li .scripted hidden { a href="#inside" { "Look inside" } }
            @for Section(id, heading, _) in sections { li { a href=(format!("#{id}")) { (heading) } } }
        } }
    }
}

/// Describes the images on which the model was evaluated.
fn images(report: &Report<'_>) -> String {
    let evaluation = &report.results.evaluation;
    match evaluation.samples() {
        10_000 => "10,000 test images".to_owned(),
        samples if evaluation.dataset.is_known() => {
            format!("first {}", plural(samples, "test image"))
        }
        samples => plural(samples, "test image"),
    }
}

/// Renders the main results, and how the model was trained.
pub(super) fn results(report: &Report<'_>) -> Markup {
    let data = report.results.evaluation.dataset.title();
    html! {
        p { (history(report)) " Measured on the " (images(report)) " of " (data) "." }
        (headline(report))
    }
}

/// Renders a time in UTC. The script of the page replaces it with the local time of the reader.
pub(super) fn time(rfc3339: &str) -> Markup {
    let text = rfc3339.get(..16).map(|minutes| format!("{} UTC", minutes.replace('T', " ")));
    html! { time datetime=(rfc3339) { (text.as_deref().unwrap_or(rfc3339)) } }
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
        @if let Some(started) = &record.started { ", started " (time(started)) }
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
    let assumed = (!report.is_described).then(|| {
        "the model has no record of how it was trained. Sigmoid activations, max-pooling and raw pixels (0 to 255) are assumed."
            .to_owned()
    });
    let weakness = report.results.evaluation.weakness().map(|weakness| format!("{weakness}."));
    assumed.into_iter().chain(weakness).chain(mismatch(report))
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
