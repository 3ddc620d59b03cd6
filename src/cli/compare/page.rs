//! The HTML report of a comparison: metrics, learning curves, significance tests, and the images that only one of two
//! models classifies correctly.

use maud::{Markup, html};

use crate::cli::report::chart::{Chart, Line};
use crate::cli::report::differences::Differences;
use crate::cli::report::html::{Page, Section, table};
use crate::cli::ui::format::plural;
use crate::data::UNKNOWN;
use crate::train::EpochRecord;

use super::Comparison;
use super::groups::{MAX_GROUPS, ModelPair};

/// CSS class of the tables.
const CLASS: &str = "metrics compared";
/// CSS class of the lines of each group.
const COLOURS: [&str; MAX_GROUPS] = ["line0", "line1", "line2", "line3", "line4", "line5"];

const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("page/sort.js"),
    include_str!("page/pictures.js"),
    "})();\n"
);

/// Renders the comparison as HTML.
pub fn page(comparison: &Comparison) -> String {
    let (pairs, more) = comparison.model_pairs();
    let tests = comparison.test_table();
    let classes = comparison.class_table();
    let dataset = comparison.measured_on().unwrap_or(&UNKNOWN);
    let header = html! {
        p .kicker { "LeNet" @if dataset.is_known() { " · " (dataset.name) } }
        h1 { "Comparison of training runs" }
        p { (plural(comparison.runs.len(), "run")) " in " (plural(comparison.groups.len(), "group")) ". Runs in a group differ only in the seed." }
        @if let Some(omitted) = comparison.omitted(more) { p { "Note: " (omitted) "." } }
    };
    let main = html! {
        (Section("metrics", "Metrics", metrics(comparison)))
        (Section("curves", "Learning curves", curves(comparison)))
        @if !tests.rows.is_empty() {
            (Section("tests", "Statistical significance", html! {
                (table("Welch's t-tests", CLASS, &tests, None))
                p .note { "Welch’s t-test between groups of seeds. p: probability of a difference at least this large if the groups have the same mean." }
            }))
        }
        @if !classes.rows.is_empty() { (Section("classes", "F1 by class", table("F1 by class and group", CLASS, &classes, None))) }
        @if let Some(first) = pairs.first() {
            (Section("models", "Pairs of models", html! {
                (table("McNemar's tests", CLASS, &comparison.pair_table(&pairs), None))
                p .note { "McNemar’s exact test on the same images. p: probability of a split at least this uneven if both models are equally accurate." }
            }))
            @if let Some(differences) = differences(comparison, first) {
                (Section("only", "Classified correctly by only one model", differences.render()))
            }
        }
    };
    let page = Page {
        title: "LeNet: comparison of training runs",
        command: "lenet compare",
        style: include_str!("page/style.css"),
        header,
        main,
        data: html! {},
        script: SCRIPT,
    };
    page.render()
}

/// Returns the predictions of a pair of models.
fn differences<'a>(comparison: &'a Comparison, pair: &ModelPair) -> Option<Differences<'a>> {
    let [a, b] = [pair.a, pair.b].map(|run| &comparison.runs[run]);
    Some(Differences {
        dataset: comparison.dataset.as_ref()?,
        names: [&a.name, &b.name],
        predicted: [&a.predictions.as_ref()?.predicted, &b.predictions.as_ref()?.predicted],
    })
}

fn metrics(comparison: &Comparison) -> Markup {
    let (groups, runs) = (
        comparison.group_table(),
        table("Metrics of each run", CLASS, &comparison.run_table(), None),
    );
    html! {
        @if groups.rows.is_empty() { (runs) } @else {
            (table("Mean and standard deviation of each group", CLASS, &groups, None))
            details { summary { "All runs" } (runs) }
        }
        p .note { "Mean ± standard deviation over the runs of a group. Validation metrics are from the kept epoch." }
    }
}

/// The title of a metric, and the function that returns the value of the metric in an epoch.
type Curve = (&'static str, fn(&EpochRecord) -> Option<f64>);

const CURVES: [Curve; 3] = [
    ("Validation accuracy", |epoch| epoch.val_accuracy),
    ("Validation loss", |epoch| epoch.val_loss),
    ("Training loss", |epoch| Some(epoch.loss).filter(|loss| !loss.is_nan())),
];

fn curves(comparison: &Comparison) -> Markup {
    html! {
        div .charts { @for curve in CURVES { @for unit in ["epoch", "second"] { (chart(comparison, curve, unit)) } } }
        p .note {
            "One line per run. "
            @if !comparison.has_few_groups() { "With this many groups, the lines are not coloured. " }
            "Seconds include only the training part of each epoch. The charts over seconds omit runs without timings."
        }
    }
}

/// Draws one line per run over epochs or seconds. Draws nothing if no run has the metric.
fn chart(comparison: &Comparison, (title, value): Curve, unit: &str) -> Markup {
    let mut lines = Vec::new();
    for (number, (run, index)) in comparison.runs.iter().zip(&comparison.group_of).enumerate() {
        let mut seconds = 0.0;
        let epochs = run.epochs.iter().filter(|_| run.is_timed || unit == "epoch");
        let points = epochs.filter_map(|epoch| {
            seconds += epoch.seconds;
            let at = if unit == "epoch" { epoch.epoch as f64 } else { seconds };
            Some((at, value(epoch)?))
        });
        let group = &comparison.groups[*index];
        let is_coloured = comparison.has_few_groups();
        lines.push(Line {
            name: &group.name,
            class: if is_coloured { COLOURS[*index] } else { "line" },
            labelled: is_coloured && group.runs[0] == number,
            points: points.collect(),
        });
    }
    let is_empty = lines.iter().all(|line| line.points.is_empty());
    let chart = Chart { title, unit, lines: &lines, kept: None };
    html! { @if !is_empty { (chart.draw()) } }
}
