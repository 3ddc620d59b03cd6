//! The confusion matrix as a shaded table, and the metrics of each class.

use maud::{Markup, html};

use crate::cli::ui::format::{count, percent};
use crate::eval::Evaluation;

use super::TestResults;
use super::html::scroll;

pub fn matrix(results: &TestResults) -> Markup {
    html! {
        p { (most_frequent(results)) }
        (cells(&results.evaluation))
        div #cell .cell role="status" hidden {}
        p .note {
            "One row per actual class, one column per predicted class. "
            span .scripted hidden { "Click a number to see its images. " }
            "The shade of a cell is proportional to the square root of its share of the row: "
            span .key .correct { "correct" } " " span .key .incorrect { "incorrect" } "."
        }
    }
}

fn most_frequent(results: &TestResults) -> Markup {
    let (confusions, classes) = (results.confusions(3), &results.evaluation.dataset.classes);
    html! {
        @if confusions.is_empty() {
            "Every image was classified correctly."
        } @else {
            "Most frequent mistakes: "
            @for (index, (label, predicted, number)) in confusions.iter().enumerate() {
                @if index > 0 { "; " }
                "predicted " b { (classes[*predicted]) } ", actual " b { (classes[*label]) } " (" (count(*number)) ")"
            }
            "."
        }
    }
}

fn cells(evaluation: &Evaluation) -> Markup {
    let (confusion, classes) = (evaluation.matrix(), &evaluation.dataset.classes);
    scroll(
        "Confusion matrix",
        html! {
            table .matrix {
                thead { tr {
                    td .axes { span .axis { "predicted →" } span .axis { "actual ↓" } }
                    @for class in classes.iter() { th scope="col" { span { (breakable(class)) } } }
                } }
                tbody { @for (label, row) in confusion.iter().enumerate() {
                    @let total = row.iter().sum::<usize>().max(1);
                    tr {
                        th scope="row" { (classes[label]) }
                        @for (predicted, number) in row.iter().enumerate() {
                            @let fraction = *number as f64 / total as f64;
                            td class=(if label == predicted { "correct" } else { "incorrect" })
                                style=(format!("--shade:{:.1}%", 100.0 * fraction.sqrt()))
                                title=(format!("predicted {}, actual {}: {}", classes[predicted], classes[label], percent(fraction)))
                                { (number) }
                        }
                    }
                } }
            }
        },
    )
}

/// Renders a class name that may be wrapped after its slash.
fn breakable(class: &str) -> Markup {
    html! {
        @match class.split_once('/') {
            Some((before, after)) => { (before) "/" wbr; (after) },
            None => (class),
        }
    }
}

pub fn classes(results: &TestResults) -> Markup {
    let body = html! {
        table .metrics .classes {
            thead { tr {
                @for name in ["Class", "Precision", "Recall", "F1"] { th scope="col" { (name) } }
                th scope="col" .meter { span .hidden { "F1 as a bar" } }
                th scope="col" { "Support" }
            } }
            tbody { @for class in results.evaluation.classes() { tr {
                th scope="row" { (class.name) }
                @for metric in [class.precision, class.recall, class.f1] { td { (format!("{metric:.4}")) } }
                td .meter { span style=(format!("width:{:.1}%", 100.0 * class.f1)) {} }
                td { (count(class.support)) }
            } } }
        }
    };
    html! {
        (scroll("Metrics of each class", body))
        p .note {
            "Precision: fraction of the predictions of this class that are correct. Recall: fraction of the images \
             of this class that are predicted correctly. F1: harmonic mean of precision and recall. Support: \
             number of images."
        }
    }
}
