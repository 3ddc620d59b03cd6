//! The page of a comparison: curves over epochs and over seconds, figures, tests, and the images that only one gets right.

use maud::{DOCTYPE, Markup, html};

use crate::compare::{Comparison, Epoch, Figure, ModelPair};
use crate::data::Image;

use super::chart::{Chart, Line};
use super::page::head;
use super::pictures::data_uri;
use super::table::{row, table};
use super::text::{count, probability};

/// Images that are shown of those that only one model gets right.
const SHOWN: usize = 18;
/// Pairs of models in the table.
const PAIRS: usize = 50;
/// Classes of the style sheet for the tables.
const CLASS: &str = "figures compared";
/// Classes of the style sheet for lines; further groups begin anew.
const COLOURS: [&str; 6] = ["line0", "line1", "line2", "line3", "line4", "line5"];

/// The page as HTML. `images` are the test images that the models were asked about, none if they were not.
#[must_use]
pub fn compare_page(comparison: &Comparison, images: &[Image]) -> String {
    let pairs = comparison.model_pairs();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head("LeNet: runs compared", "'none'"))
            body {
                header {
                    p .kicker { "LeNet · Fashion-MNIST" }
                    h1 { "Runs compared" }
                    p { (count(comparison.runs.len())) " runs in " (count(comparison.groups.len())) " groups. Runs of a group differ in nothing but their seed." }
                }
                main {
                    (figures(comparison))
                    (curves(comparison))
                    (tests(comparison))
                    (differences(comparison))
                    @if !pairs.is_empty() {
                        (classes(comparison))
                        (models(comparison, &pairs))
                        (only(comparison, &pairs[0], images))
                    }
                }
                footer { p { "Written by lenet " (env!("CARGO_PKG_VERSION")) ": " code { "lenet compare" } } }
            }
        }
    };
    page.into_string() + "\n"
}

/// Names of columns: what the rows are, then the groups.
fn by_group(what: &str, comparison: &Comparison) -> Vec<String> {
    let groups = comparison.groups.iter();
    row(what, groups.map(|group| group.name.clone()))
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

fn figures(comparison: &Comparison) -> Markup {
    let names = || Figure::ALL.map(|figure| capital(figure.name));
    let group_rows = comparison.groups.iter().enumerate().map(|(index, group)| {
        let cells = Figure::ALL.map(|figure| {
            let summary = comparison.summary(index, figure);
            let sd = summary.and_then(|summary| summary.sd);
            let mean = number(summary.map(|summary| summary.mean), figure.digits);
            sd.map_or(mean.clone(), |sd| {
                format!("{mean} ± {}", number(Some(sd), figure.digits))
            })
        });
        row(
            &group.name,
            [group.runs.len().to_string()].into_iter().chain(cells),
        )
    });
    let run_rows = comparison.runs.iter().map(|run| {
        let seed = run.seed.map_or("–".to_owned(), |seed| seed.to_string());
        let cells = Figure::ALL.map(|figure| number(figure.of(run), figure.digits));
        row(
            &run.name,
            [seed, count(run.epochs.len())].into_iter().chain(cells),
        )
    });
    let header = |first: &str, more: &[&str]| {
        row(
            first,
            more.iter().map(|name| (*name).to_owned()).chain(names()),
        )
    };
    html! {
        section #figures {
            h2 { "Figures" }
            (table("Mean and standard deviation of each group", CLASS, &header("Group", &["Runs"]), group_rows))
            p .note { "Mean ± standard deviation over the runs of a group. Validation figures are those of the kept epoch." }
            details {
                summary { "Every run" }
                (table("Figures of each run", CLASS, &header("Run", &["Seed", "Epochs"]), run_rows))
            }
        }
    }
}

fn curves(comparison: &Comparison) -> Markup {
    let chart = |title: &str, unit: &str, value: fn(&Epoch) -> Option<f64>, by_seconds: bool| {
        let mut lines = Vec::new();
        for (index, group) in comparison.groups.iter().enumerate() {
            for (place, run) in group.runs.iter().enumerate() {
                let mut seconds = Some(0.0);
                let points = comparison.runs[*run].epochs.iter().filter_map(|epoch| {
                    seconds = seconds.and_then(|sum| Some(sum + epoch.seconds?));
                    let at = if by_seconds {
                        seconds?
                    } else {
                        epoch.epoch as f64
                    };
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
        let chart = Chart {
            title,
            unit,
            lines: &lines,
            kept: None,
        };
        html! { @if !is_empty { (chart.draw()) } }
    };
    html! {
        section #curves {
            h2 { "Learning curves" }
            div .charts {
                (chart("Validation accuracy", "epoch", |epoch| epoch.val_accuracy, false))
                (chart("Validation accuracy", "second", |epoch| epoch.val_accuracy, true))
                (chart("Validation loss", "epoch", |epoch| epoch.val_loss, false))
                (chart("Validation loss", "second", |epoch| epoch.val_loss, true))
                (chart("Training loss", "epoch", |epoch| Some(epoch.loss), false))
                (chart("Training loss", "second", |epoch| Some(epoch.loss), true))
            }
            p .note { "A line for each run. Seconds are those of the epochs' training parts; a run that does not know them is left out there." }
        }
    }
}

fn tests(comparison: &Comparison) -> Markup {
    let rows = comparison.tests().into_iter().map(|test| {
        let [a, b] = test.groups.map(|group| &comparison.groups[group].name);
        let digits = test.figure.digits;
        row(
            &format!("{}: {a} − {b}", capital(test.figure.name)),
            [
                format!("{:+.digits$}", test.difference),
                format!("{:.2}", test.test.t),
                format!("{:.1}", test.test.df),
                probability(test.test.p),
            ],
        )
    });
    let rows: Vec<_> = rows.collect();
    html! {
        @if !rows.is_empty() {
            section #tests {
                h2 { "Is it more than chance?" }
                (table("Welch's t-tests", CLASS, &["Figure", "Difference", "t", "df", "p"], rows))
                p .note { "Welch’s t-test between groups of seeds. p: how likely a difference this large is if there is none." }
            }
        }
    }
}

fn differences(comparison: &Comparison) -> Markup {
    let rows = comparison.differences().into_iter().map(|difference| {
        let values = difference.values.into_iter();
        row(
            &difference.setting,
            values.map(|value| value.unwrap_or("–".to_owned())),
        )
    });
    let rows: Vec<_> = rows.collect();
    html! {
        section #settings {
            h2 { "Settings that differ" }
            @match rows.is_empty() {
                true => p { "None that is known." },
                false => (table("Settings that differ", CLASS, &by_group("Setting", comparison), rows)),
            }
        }
    }
}

fn classes(comparison: &Comparison) -> Markup {
    let rows = comparison.class_f1().into_iter();
    let rows = rows.map(|(class, f1)| row(class, f1.into_iter().map(|f1| number(f1, 4))));
    html! {
        section #classes {
            h2 { "F1 by class" }
            (table("F1 by class and group", CLASS, &by_group("Class", comparison), rows))
        }
    }
}

fn models(comparison: &Comparison, pairs: &[ModelPair]) -> Markup {
    let rows = pairs.iter().take(PAIRS).map(|pair| {
        let [a, b] = pair.runs.map(|run| &comparison.runs[run].name);
        let counts = [
            pair.both,
            pair.only[0].len(),
            pair.only[1].len(),
            pair.neither,
        ]
        .map(count);
        row(
            &format!("{a}, {b}"),
            counts.into_iter().chain([probability(pair.p)]),
        )
    });
    let columns = [
        "Models",
        "Both right",
        "Only the first",
        "Only the second",
        "Neither",
        "p",
    ];
    html! {
        section #models {
            h2 { "Model against model" }
            (table("McNemar's tests", CLASS, &columns, rows))
            p .note {
                "McNemar’s exact test, on the same images. p: how likely a split this uneven is if both models are as good."
                @if pairs.len() > PAIRS { " The first " (PAIRS) " of " (pairs.len()) " pairs." }
            }
        }
    }
}

fn only(comparison: &Comparison, pair: &ModelPair, images: &[Image]) -> Markup {
    html! {
        section #only {
            h2 { "What only one gets right" }
            @for (side, run) in pair.runs.iter().enumerate() {
                @let name = &comparison.runs[*run].name;
                h3 { "Only " (name) ", not " (comparison.runs[pair.runs[1 - side]].name) ": " (count(pair.only[side].len())) " images" }
                ol .mistakes { @for index in pair.only[side].iter().take(SHOWN).filter(|index| **index < images.len()) {
                    li { figure {
                        img src=(data_uri(&images[*index])) width="84" height="84" alt=(format!("Test image {index}"));
                        figcaption { span .number { "no. " (index) } }
                    } }
                } }
            }
        }
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
