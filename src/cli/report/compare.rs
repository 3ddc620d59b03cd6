//! The page of a comparison: curves over epochs and over seconds, figures, tests, and the images that only one gets right.

use maud::{Markup, html};

use crate::cli::compare::{Comparison, ModelPair};
use crate::cli::ui::format::count;
use crate::cli::ui::table::Table;
use crate::data::Image;
use crate::train::EpochRecord;

use super::chart::{Chart, Line};
use super::html::{page, section, table};
use super::pictures::tile;

/// Images that are shown of those that only one model gets right.
const SHOWN: usize = 18;
/// Pairs of models in the table.
const PAIRS: usize = 50;
/// Classes of the style sheet for lines; further groups begin anew.
const COLOURS: [&str; 6] = ["line0", "line1", "line2", "line3", "line4", "line5"];

/// The page as HTML. `images` are the test images that the models were asked about, none if they were not.
pub fn compare_page(comparison: &Comparison, images: &[Image]) -> String {
    let pairs = comparison.model_pairs();
    let tests = comparison.test_table();
    let differences = comparison.difference_table();
    let header = html! {
        h1 { "Runs compared" }
        p { (count(comparison.runs.len())) " runs in " (count(comparison.groups.len())) " groups. Runs of a group differ in nothing but their seed." }
    };
    let sections = html! {
        (section("figures", "Figures", figures(comparison)))
        (section("curves", "Learning curves", curves(comparison)))
        @if !tests.rows.is_empty() {
            (section("tests", "Is it more than chance?", html! {
                (shown("Welch's t-tests", tests))
                p .note { "Welch’s t-test between groups of seeds. p: how likely a difference this large is if there is none." }
            }))
        }
        (section("settings", "Settings that differ", match differences.rows.is_empty() {
            true => html! { p { "None that is known." } },
            false => shown("Settings that differ", differences),
        }))
        @if let Some(first) = pairs.first() {
            (section("classes", "F1 by class", shown("F1 by class and group", comparison.class_table())))
            (section("models", "Model against model", models(comparison, &pairs)))
            (section("only", "What only one gets right", only(comparison, first, images)))
        }
    };
    page("LeNet: runs compared", "'none'", "lenet compare", header, sections, html! {})
}

fn figures(comparison: &Comparison) -> Markup {
    let groups = comparison.group_table();
    let runs = shown("Figures of each run", comparison.run_table());
    html! {
        @if groups.rows.is_empty() { (runs) } @else {
            (shown("Mean and standard deviation of each group", groups))
            details { summary { "Every run" } (runs) }
        }
        p .note { "Mean ± standard deviation over the runs of a group. Validation figures are those of the kept epoch." }
    }
}

/// A table of the comparison, its columns' names capitalised.
fn shown(label: &str, Table { mut columns, rows }: Table) -> Markup {
    columns.iter_mut().for_each(|name| *name = capital(name));
    table(label, "figures compared", &Table { columns, rows })
}

/// A figure of an epoch, with the title of its drawings.
type Curve = (&'static str, fn(&EpochRecord) -> Option<f64>);

const CURVES: [Curve; 3] = [
    ("Validation accuracy", |epoch| epoch.val_accuracy),
    ("Validation loss", |epoch| epoch.val_loss),
    ("Training loss", |epoch| Some(epoch.loss)),
];

fn curves(comparison: &Comparison) -> Markup {
    html! {
        div .charts { @for curve in CURVES { @for unit in ["epoch", "second"] { (chart(comparison, curve, unit)) } } }
        p .note { "A line for each run. Seconds are those of the epochs' training parts; a run that does not know them is left out there." }
    }
}

/// A line for each run over its epochs or seconds; nothing where no run knows the figure.
fn chart(comparison: &Comparison, (title, value): Curve, unit: &str) -> Markup {
    let mut lines = Vec::new();
    for (index, group) in comparison.groups.iter().enumerate() {
        for (place, run) in group.runs.iter().enumerate() {
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
                labelled: place == 0,
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
        (shown("McNemar's tests", comparison.pair_table(&pairs[..pairs.len().min(PAIRS)])))
        p .note {
            "McNemar’s exact test, on the same images. p: how likely a split this uneven is if both models are as good."
            @if pairs.len() > PAIRS { " The first " (PAIRS) " of " (pairs.len()) " pairs." }
        }
    }
}

fn only(comparison: &Comparison, pair: &ModelPair, images: &[Image]) -> Markup {
    html! {
        @for (side, run) in pair.runs.iter().enumerate() {
            @let name = &comparison.runs[*run].name;
            h3 { "Only " (name) ", not " (comparison.runs[pair.runs[1 - side]].name) ": " (count(pair.only[side].len())) " images" }
            ol .mistakes { @for index in pair.only[side].iter().take(SHOWN).filter(|index| **index < images.len()) {
                (tile(images, *index, "", html! {}))
            } }
        }
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
