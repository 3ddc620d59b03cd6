//! The HTML report of a comparison: metrics, learning curves, significance tests, and the images that only one of two
//! models classifies correctly.

use maud::{Markup, html};

use crate::cli::report::chart::{Chart, Line};
use crate::cli::report::html::{kicker, page as frame, section, table};
use crate::cli::report::pictures::tile;
use crate::cli::ui::format::count;
use crate::cli::ui::table::Table;
use crate::data::{Image, UNKNOWN};
use crate::train::EpochRecord;

use super::{Comparison, ModelPair};

/// Maximum number of images shown that only one model classifies correctly.
const MAX_IMAGES: usize = 18;
/// Maximum number of model pairs in the table.
const MAX_PAIRS: usize = 50;
/// CSS classes of the lines. If there are more groups than classes, the classes repeat.
const COLOURS: [&str; 6] = ["line0", "line1", "line2", "line3", "line4", "line5"];

/// Renders the comparison as HTML. `images` are the test images, or empty if no models were evaluated.
pub fn page(comparison: &Comparison, images: &[Image]) -> String {
    let pairs = comparison.model_pairs();
    let tests = comparison.test_table();
    let differences = comparison.difference_table();
    let header = html! {
        h1 { "Comparison of training runs" }
        p { (count(comparison.runs.len())) " runs in " (count(comparison.groups.len())) " groups. Runs in a group differ only in the seed." }
    };
    let sections = html! {
        (section("metrics", "Metrics", metrics(comparison)))
        (section("curves", "Learning curves", curves(comparison)))
        @if !tests.rows.is_empty() {
            (section("tests", "Statistical significance", html! {
                (capitalised_table("Welch's t-tests", tests))
                p .note { "Welch’s t-test between groups of seeds. p: probability of a difference at least this large if the groups have the same mean." }
            }))
        }
        (section("settings", "Settings that differ", match differences.rows.is_empty() {
            true => html! { p { "No known setting differs." } },
            false => capitalised_table("Settings that differ", differences),
        }))
        @if let Some(first) = pairs.first() {
            (section("classes", "F1 by class", capitalised_table("F1 by class and group", comparison.class_table())))
            (section("models", "Pairs of models", models(comparison, &pairs)))
            (section("only", "Classified correctly by only one model", only(comparison, first, images)))
        }
    };
    frame(
        &kicker(comparison.measured_on().unwrap_or(&UNKNOWN)),
        "LeNet: comparison of training runs",
        "'none'",
        "lenet compare",
        header,
        sections,
        html! {},
    )
}

fn metrics(comparison: &Comparison) -> Markup {
    let groups = comparison.group_table();
    let runs = capitalised_table("Metrics of each run", comparison.run_table());
    html! {
        @if groups.rows.is_empty() { (runs) } @else {
            (capitalised_table("Mean and standard deviation of each group", groups))
            details { summary { "All runs" } (runs) }
        }
        p .note { "Mean ± standard deviation over the runs of a group. Validation metrics are from the kept epoch." }
    }
}

/// Renders a table with capitalised column names.
fn capitalised_table(label: &str, Table { mut columns, rows }: Table) -> Markup {
    columns.iter_mut().for_each(|name| *name = capitalised(name));
    table(label, "metrics compared", &Table { columns, rows })
}

/// The title of a metric, and the function that returns the value of the metric in an epoch.
type Curve = (&'static str, fn(&EpochRecord) -> Option<f64>);

const CURVES: [Curve; 3] = [
    ("Validation accuracy", |epoch| epoch.val_accuracy),
    ("Validation loss", |epoch| epoch.val_loss),
    ("Training loss", |epoch| Some(epoch.loss)),
];

fn curves(comparison: &Comparison) -> Markup {
    html! {
        div .charts { @for curve in CURVES { @for unit in ["epoch", "second"] { (chart(comparison, curve, unit)) } } }
        p .note { "One line per run. Seconds count only the training part of each epoch. Runs without timings are missing from the charts over seconds." }
    }
}

/// Draws one line per run over epochs or seconds. Draws nothing if no run has the metric.
fn chart(comparison: &Comparison, (title, value): Curve, unit: &str) -> Markup {
    let mut lines = Vec::new();
    for (index, group) in comparison.groups.iter().enumerate() {
        for (position, run) in group.runs.iter().enumerate() {
            let run = &comparison.runs[*run];
            let mut seconds = 0.0;
            let epochs = run.epochs.iter().filter(|_| run.is_timed || unit == "epoch");
            let points = epochs.filter_map(|epoch| {
                seconds += epoch.seconds;
                let at = if unit == "epoch" { epoch.epoch as f64 } else { seconds };
                Some((at, value(epoch)?))
            });
            lines.push(Line {
                name: &group.name,
                class: COLOURS[index % COLOURS.len()],
                labelled: position == 0,
                points: points.collect(),
            });
        }
    }
    let is_empty = lines.iter().all(|line| line.points.is_empty());
    let chart = Chart { title, unit, lines: &lines, kept: None };
    html! { @if !is_empty { (chart.draw()) } }
}

fn models(comparison: &Comparison, pairs: &[ModelPair]) -> Markup {
    html! {
        (capitalised_table("McNemar's tests", comparison.pair_table(&pairs[..pairs.len().min(MAX_PAIRS)])))
        p .note {
            "McNemar’s exact test on the same images. p: probability of a split at least this uneven if both models are equally accurate."
            @if pairs.len() > MAX_PAIRS { " Only the first " (MAX_PAIRS) " of " (pairs.len()) " pairs are shown." }
        }
    }
}

fn only(comparison: &Comparison, pair: &ModelPair, images: &[Image]) -> Markup {
    html! {
        @for (side, run) in pair.runs.iter().enumerate() {
            @let name = &comparison.runs[*run].name;
            h3 { (name) " correct, " (comparison.runs[pair.runs[1 - side]].name) " incorrect: " (count(pair.only[side].len())) " images" }
            ol .mistakes { @for index in pair.only[side].iter().take(MAX_IMAGES).filter(|index| **index < images.len()) {
                (tile(images, *index, "", html! {}))
            } }
        }
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
