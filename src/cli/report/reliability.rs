//! Calibration: a reliability diagram, which plots accuracy against confidence, and a table of counts (Guo et al. 2017,
//! "On Calibration of Modern Neural Networks").

use maud::{Markup, html};

use crate::cli::ui::format::{count, percent};
use crate::cli::ui::table::{Table, row};

use super::TestResults;
use super::chart::{figure, number, x_label, y_tick};
use super::html::table;
use super::test_results::{BINS, Bin};

/// Left, top, right and bottom of the plot area.
const AREA: [f64; 4] = [48.0, 10.0, 380.0, 196.0];

pub fn confidence(results: &TestResults) -> Markup {
    html! {
        p {
            "The mean probability of the predictions is " b { (percent(results.mean_confidence())) } ", and "
            b { (percent(results.evaluation.accuracy())) } " of them are correct. " (verdict(results))
            " The expected calibration error is "
            b { (percent(results.calibration_error())) } "."
        }
        div .charts { (diagram(results)) (counts(results)) }
        p .note {
            "The probability of a prediction is its output divided by the sum of the ten outputs. For a perfectly \
             calibrated model, the bars end on the dashed line. The expected calibration error is the mean \
             distance from this line, weighted by the number of predictions per bar."
        }
    }
}

/// Returns the non-empty bins, each with its limits in percent.
fn bins(results: &TestResults) -> impl Iterator<Item = ([usize; 2], &Bin)> {
    let ends = (0..BINS).map(|index| [index, index + 1].map(|end| 100 * end / BINS));
    ends.zip(&results.confidence).filter(|(_, bin)| bin.total() > 0)
}

fn diagram(results: &TestResults) -> Markup {
    let x = |percent: usize| AREA[0] + (AREA[2] - AREA[0]) * percent as f64 / 100.0;
    let y = |fraction: f64| AREA[3] - (AREA[3] - AREA[1]) * fraction;
    let accuracies = bins(results).map(|([from, to], bin)| {
        let accuracy = 100.0 * bin.accuracy();
        format!("{from} to {to}%: {accuracy:.0}% of {} correct", bin.total())
    });
    let accuracies = accuracies.collect::<Vec<_>>().join("; ");
    let drawing = html! {
        @for tick in [0, 25, 50, 75, 100] { (y_tick(AREA, y(f64::from(tick) / 100.0), &format!("{tick}%"))) }
        @for ([from, to], bin) in bins(results) {
            @let height = AREA[3] - y(bin.accuracy());
            rect .predictions x=(number(x(from) + 1.5)) width=(number(x(to) - x(from) - 3.0))
                y=(number(y(bin.accuracy()))) height=(number(height)) {
                title { (format!("{} of {} correct", count(bin.correct), count(bin.total()))) }
            }
            text .tick .x-label .count x=(number((x(from) + x(to)) / 2.0)) y=(AREA[3] + 15.0) { (count(bin.total())) }
        }
        line .calibrated x1=(x(0)) y1=(y(0.0)) x2=(x(100)) y2=(y(1.0)) {}
        @for tick in [0, 20, 40, 60, 80, 100] { (x_label(x(tick), AREA[3] + 33.0, &format!("{tick}%"))) }
        (x_label((AREA[0] + AREA[2]) / 2.0, AREA[3] + 49.0, "top: images per bar; bottom: probability"))
    };
    let description = format!("Accuracy by probability: {accuracies}.");
    figure("Accuracy by probability", &description, drawing)
}

fn counts(results: &TestResults) -> Markup {
    // The largest of ten probabilities is at least 0.1, so the first bin and often some more are empty.
    let bins = results.confidence.iter().enumerate().skip_while(|(_, bin)| bin.total() == 0);
    let rows = bins.map(|(index, bin)| {
        let [from, to] = [index, index + 1].map(|edge| edge as f64 / BINS as f64);
        let accuracy = match bin.total() {
            0 => "–".to_owned(),
            _ => format!("{:.0}%", 100.0 * bin.accuracy()),
        };
        row(&format!("{from:.1}–{to:.1}"), [count(bin.correct), count(bin.incorrect), accuracy])
    });
    let counts = Table::new(["Probability", "Correct", "Incorrect", "Accuracy"], rows);
    table("Predictions by probability", "metrics counts", &counts, None)
}

fn verdict(results: &TestResults) -> &'static str {
    match results.mean_confidence() - results.evaluation.accuracy() {
        gap if gap > 0.02 => "On average, the model is overconfident.",
        gap if gap < -0.02 => "On average, the model is underconfident.",
        _ => "On average, the model is well calibrated.",
    }
}
