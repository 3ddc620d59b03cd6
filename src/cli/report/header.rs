//! What the page opens with: the model's name, how it came about, warnings, and the figures in large type.

use std::io;
use std::path::Path;

use maud::{Markup, html};

use crate::cli::ui::format::{count, plural};
use crate::model::PARAMETERS;
use crate::train::{EpochRecord, RunFiles, RunRecord};

use super::Report;
use super::html::{duration, percent};
use super::settings::why_no_more;

/// The part above the sections.
pub(super) fn header(report: &Report<'_>) -> Markup {
    let samples = report.figures.evaluation.samples();
    let images = match samples {
        10_000 => "10,000 test images".to_owned(),
        _ => format!("first {}", plural(samples, "test image")),
    };
    let data = match report.official {
        true => "Fashion-MNIST",
        false => "a data set that is not Fashion-MNIST",
    };
    html! {
        h1 { (report.model) }
        p { (history(report)) " Measured on the " (images) " of " (data) "." }
        @for warning in warnings(report) { p .warning { strong { "Beware: " } (warning) } }
        (headline(report))
    }
}

/// The figures in large type.
fn headline(report: &Report<'_>) -> Markup {
    let evaluation = &report.figures.evaluation;
    let record = report.training.as_ref().ok();
    let validation =
        record.and_then(kept).and_then(|epoch| Some((epoch.epoch, epoch.val_accuracy?)));
    let is_last = |epoch| record.is_some_and(|record| record.epochs.len() == epoch);
    html! {
        dl .headline {
            div { dt { "Test accuracy" } dd { (percent(evaluation.accuracy())) } }
            div { dt { "Right answers" } dd {
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

/// The epoch whose weights the model has.
fn kept(record: &RunRecord) -> Option<&EpochRecord> {
    record.epochs.iter().find(|epoch| Some(epoch.epoch) == record.kept_epoch)
}

/// How the model came about, in a sentence or two.
fn history(report: &Report<'_>) -> Markup {
    let how = match report.training {
        Ok(record) => return known_history(record),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "is not there",
        Err(_) => "holds no record of its training",
    };
    html! {
        "How this model was trained is unknown: "
        code { (RunFiles::beside(Path::new(report.model), "json").display()) } " beside it " (how)
        ", so there are no settings and no curves here."
    }
}

fn known_history(record: &RunRecord) -> Markup {
    let settings = &record.settings;
    html! {
        "Trained for " (plural(record.epochs.len(), "epoch")) " on " (plural(record.train_samples, "image"))
        @if record.validation_samples > 0 {
            ", with " (count(record.validation_samples)) " more for validation"
        }
        ", by the recipe " (settings.recipe.name) " from seed " (settings.seed) ", in " (duration(record.seconds())) " on "
        (record.device)
        @if let Some(started) = &record.started { ", begun " (started) }
        "."
        @if let Some(why) = why_no_more(record) {
            " That is " (count(record.epochs.len())) " of " (plural(settings.epochs, "epoch")) ": " (why) "."
        }
        @if let Some(epoch) = record.kept_epoch && epoch != record.epochs.len() {
            " It has the weights of epoch " (epoch) ", the one with the smallest validation loss."
        }
    }
}

/// What speaks against the model, and against the record being its own.
fn warnings(report: &Report<'_>) -> impl Iterator<Item = String> {
    let collapsed = report.figures.evaluation.is_collapsed();
    let collapsed = collapsed.then(|| "it gives all images the same answer.".to_owned());
    collapsed.into_iter().chain(mismatch(report))
}

/// What speaks against the record being this model's.
fn mismatch(report: &Report<'_>) -> Option<String> {
    let (record, found) = (report.training.as_ref().ok()?, &report.figures.evaluation);
    let Some(test) = &record.test else {
        return Some("its training was not finished when its record was written.".to_owned());
    };
    // Another backend rounds differently, which changes the answers for an image or two.
    let far = test.correct.abs_diff(found.correct()) > 2 + found.samples() / 1000;
    (test.samples == found.samples() && far).then(|| {
        format!(
            "the record beside the model tells of {} right answers, here there are {}. It may be the record of \
             another model, or the test data may be others.",
            count(test.correct),
            count(found.correct())
        )
    })
}
