//! The confusion matrix as a table with shades, and the figures of each class.

use maud::{Markup, html};

use crate::cli::ui::format::count;
use crate::data::CLASSES;

use super::TestResults;
use super::html::{percent, scroll, section};

pub fn matrix(figures: &TestResults) -> Markup {
    section(
        "confusion",
        "Confusion matrix",
        html! {
            p { (commonest(figures)) }
            (cells(&figures.evaluation.confusion))
            div #cell .cell role="status" hidden {}
            p .note {
                "A row for each true class, a column for each that the model said. "
                span .scripted hidden { "A number opens its images. " }
                "The shade grows with the square root of the share of its row: "
                span .key .right { "right" } " " span .key .wrong { "wrong" } "."
            }
        },
    )
}

fn commonest(figures: &TestResults) -> Markup {
    let confusions = figures.confusions(3);
    html! {
        @if confusions.is_empty() {
            "Every image was recognised."
        } @else {
            "Most often mistaken: "
            @for (index, (label, predicted, number)) in confusions.iter().enumerate() {
                @if index > 0 { "; " }
                "said " b { (CLASSES[*predicted]) } ", truly " b { (CLASSES[*label]) } " (" (count(*number)) ")"
            }
            "."
        }
    }
}

fn cells(confusion: &[[usize; 10]; 10]) -> Markup {
    scroll(
        "Confusion matrix",
        html! {
            table .matrix {
                thead { tr {
                    td .axes { span .axis { "said →" } span .axis { "truly ↓" } }
                    @for class in CLASSES { th scope="col" { span { (breakable(class)) } } }
                } }
                tbody { @for (label, row) in confusion.iter().enumerate() {
                    @let total = row.iter().sum::<usize>().max(1);
                    tr {
                        th scope="row" { (CLASSES[label]) }
                        @for (predicted, number) in row.iter().enumerate() {
                            @let share = *number as f64 / total as f64;
                            td class=(if label == predicted { "right" } else { "wrong" })
                                style=(format!("--shade:{:.1}%", 100.0 * share.sqrt()))
                                title=(format!("said {}, truly {}: {}", CLASSES[predicted], CLASSES[label], percent(share)))
                                { (number) }
                        }
                    }
                } }
            }
        },
    )
}

/// A class that may be broken at its stroke.
fn breakable(class: &str) -> Markup {
    html! {
        @match class.split_once('/') {
            Some((before, after)) => { (before) "/" wbr; (after) },
            None => (class),
        }
    }
}

pub fn classes(figures: &TestResults) -> Markup {
    let body = html! {
        table .figures .classes {
            thead { tr {
                @for name in ["Class", "Precision", "Recall", "F1"] { th scope="col" { (name) } }
                th scope="col" .meter { span .hidden { "F1 as a bar" } }
                th scope="col" { "Support" }
            } }
            tbody { @for class in figures.evaluation.classes() { tr {
                th scope="row" { (class.name) }
                @for share in [class.precision, class.recall, class.f1] { td { (format!("{share:.4}")) } }
                td .meter { span style=(format!("width:{:.1}%", 100.0 * class.f1)) {} }
                td { (count(class.support)) }
            } } }
        }
    };
    section(
        "classes",
        "Classes",
        html! {
            (scroll("Figures of each class", body))
            p .note {
                "Precision: the share of answers with this class that are right. Recall: the share of this class’ \
                 images that are found. F1: their harmonic mean. Support: number of images."
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_are_shares_of_a_row_and_an_empty_row_has_none() {
        let mut confusion = [[0; 10]; 10];
        confusion[0][0] = 75;
        confusion[0][6] = 25;
        let table = cells(&confusion).into_string();
        assert!(table.contains(r#"<td class="right" style="--shade:86.6%""#), "{table}");
        assert!(table.contains(
            r#"<td class="wrong" style="--shade:50.0%" title="said Shirt, truly T-shirt/top: 25.00%">25</td>"#
        ));
        assert!(!table.contains("NaN"));
        assert_eq!(table.matches("<td").count(), 101);
    }
}
