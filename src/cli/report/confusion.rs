//! The confusion matrix as a shaded table, and the metrics of each class.

use maud::{Markup, html};

use crate::cli::ui::format::count;
use crate::eval::Evaluation;

use super::TestResults;
use super::html::{percent, scroll, section};

pub fn matrix(results: &TestResults) -> Markup {
    section(
        "confusion",
        "Confusion matrix",
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
        },
    )
}

fn most_frequent(results: &TestResults) -> Markup {
    let (confusions, classes) = (results.confusions(3), results.evaluation.dataset.classes);
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
    let (confusion, classes) = (&evaluation.confusion, evaluation.dataset.classes);
    scroll(
        "Confusion matrix",
        html! {
            table .matrix {
                thead { tr {
                    td .axes { span .axis { "predicted →" } span .axis { "actual ↓" } }
                    @for class in classes { th scope="col" { span { (breakable(class)) } } }
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
    section(
        "classes",
        "Classes",
        html! {
            (scroll("Metrics of each class", body))
            p .note {
                "Precision: fraction of the predictions of this class that are correct. Recall: fraction of the images \
                 of this class that are predicted correctly. F1: harmonic mean of precision and recall. Support: \
                 number of images."
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::FASHION_MNIST;

    #[test]
    fn shades_are_fractions_of_row() {
        let mut evaluation = Evaluation::new(&[], &[], &FASHION_MNIST);
        evaluation.confusion[0][0] = 75;
        evaluation.confusion[0][6] = 25;
        let table = cells(&evaluation).into_string();
        assert!(table.contains(r#"<td class="correct" style="--shade:86.6%""#), "{table}");
        assert!(table.contains(
            r#"<td class="incorrect" style="--shade:50.0%" title="predicted Shirt, actual T-shirt/top: 25.00%">25</td>"#
        ));
        // Rows without images are blank, without dividing by zero.
        assert!(!table.contains("NaN"));
        assert_eq!(table.matches("<td").count(), 101);
    }
}
