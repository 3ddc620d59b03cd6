//! How sure the model is where it is right and where it is wrong: a histogram that is a table.

use maud::{Markup, html};

use super::text::{count, percent};
use super::{BINS, Bin, Figures};

/// The section.
pub fn section(figures: &Figures) -> Markup {
    let bins = &figures.confidence;
    let largest = bins.iter().map(Bin::total).max().unwrap_or(0).max(1);
    let width = |number: usize| format!("width:{:.1}%", 100.0 * number as f64 / largest as f64);
    // The largest of ten probabilities is never below a tenth: the first bins are empty, and often some more.
    let first = bins.iter().position(|bin| bin.total() > 0).unwrap_or(0);
    html! {
        section #confidence {
            h2 { "Confidence" }
            p {
                "On average the model gives its answer a probability of "
                b { (percent(figures.mean_confidence)) } "; " b { (percent(figures.evaluation.accuracy())) }
                " of the answers are right. " (judgement(figures))
            }
            div .scroll tabindex="0" role="region" aria-label="Answers by their probability" {
                table .histogram {
                    thead { tr {
                        th scope="col" { "Probability" }
                        th scope="col" .bar { span .hidden { "Both as a bar" } }
                        th scope="col" .number .right { "Right" }
                        th scope="col" .number .wrong { "Wrong" }
                        th scope="col" .number { "Share right" }
                    } }
                    tbody { @for (index, bin) in bins.iter().enumerate().skip(first) {
                        @let [from, to] = [index, index + 1].map(|edge| edge as f64 / BINS as f64);
                        tr {
                            th scope="row" { (format!("{from:.2}–{to:.2}")) }
                            td .bar {
                                span .right style=(width(bin.right)) {}
                                span .wrong style=(width(bin.wrong)) {}
                            }
                            td .number { (count(bin.right)) }
                            td .number { (count(bin.wrong)) }
                            td .number { @if bin.total() == 0 { "–" } @else {
                                (format!("{:.0}%", 100.0 * bin.right as f64 / bin.total() as f64))
                            } }
                        }
                    } }
                }
            }
            p .note {
                "The probability of an answer is its output divided by the sum of the ten outputs. Where the model \
                 is honest about its doubts, the share of right answers lies within each row’s range."
            }
        }
    }
}

fn judgement(figures: &Figures) -> &'static str {
    match figures.mean_confidence - figures.evaluation.accuracy() {
        gap if gap > 0.02 => "It is surer than it should be.",
        gap if gap < -0.02 => "It is less sure than it could be.",
        _ => "It is about as sure as it should be.",
    }
}
