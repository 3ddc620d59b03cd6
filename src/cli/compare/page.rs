//! The HTML report of a comparison: metrics, learning curves, significance tests, and the images that only one of two
//! models classifies correctly.

use maud::{Markup, html};

use crate::cli::report::chart::{Chart, Line};
use crate::cli::report::html::{page as frame, section, table};
use crate::cli::report::pictures::tile;
use crate::cli::ui::format::plural;
use crate::data::{Image, UNKNOWN};
use crate::train::EpochRecord;

use super::Comparison;
use super::groups::{MAX_GROUPS, ModelPair};

/// Maximum number of images shown that only one model classifies correctly.
const MAX_IMAGES: usize = 18;
/// CSS class of the tables.
const CLASS: &str = "metrics compared";
/// CSS class of the lines of each group.
const COLOURS: [&str; MAX_GROUPS] = ["line0", "line1", "line2", "line3", "line4", "line5"];

/// Renders the comparison as HTML. `images` are the test images, or empty if no models were evaluated.
pub fn page(comparison: &Comparison, images: &[Image]) -> String {
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
    let sections = html! {
        (section("metrics", "Metrics", metrics(comparison)))
        (section("curves", "Learning curves", curves(comparison)))
        @if !tests.rows.is_empty() {
            (section("tests", "Statistical significance", html! {
                (table("Welch's t-tests", CLASS, &tests, None))
                p .note { "Welch’s t-test between groups of seeds. p: probability of a difference at least this large if the groups have the same mean." }
            }))
        }
        @if !classes.rows.is_empty() { (section("classes", "F1 by class", table("F1 by class and group", CLASS, &classes, None))) }
        @if let Some(first) = pairs.first() {
            (section("models", "Pairs of models", html! {
                (table("McNemar's tests", CLASS, &comparison.pair_table(&pairs), None))
                p .note { "McNemar’s exact test on the same images. p: probability of a split at least this uneven if both models are equally accurate." }
            }))
            (section("only", "Classified correctly by only one model", only(comparison, first, images)))
        }
    };
    frame(
        "LeNet: comparison of training runs",
        "'none'",
        "lenet compare",
        header,
        sections,
        html! {},
    )
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
            @if !comparison.has_few_groups() { "The lines of so many groups are not coloured. " }
            "Seconds count only the training part of each epoch. Runs without timings are missing from the charts over seconds."
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

fn only(comparison: &Comparison, pair: &ModelPair, images: &[Image]) -> Markup {
    let [a, b] = [pair.a, pair.b].map(|run| &comparison.runs[run].name);
    html! {
        @for (right, wrong, count, only) in [(a, b, pair.only_a, &pair.images_a), (b, a, pair.only_b, &pair.images_b)] {
            h3 { (right) " correct, " (wrong) " incorrect: " (plural(count, "image")) }
            ol .mistakes { @for index in only.iter().take(MAX_IMAGES).filter(|index| **index < images.len()) {
                (tile(images, *index, "", html! {}))
            } }
        }
    }
}
