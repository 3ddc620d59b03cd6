//! How sure the model is and how often it is right: a reliability diagram with its counts (Guo et al. 2017, "On
//! Calibration of Modern Neural Networks").

use maud::{Markup, html};

use crate::cli::ui::format::count;
use crate::cli::ui::table::{Table, row};

use super::TestResults;
use super::chart::{figure, level, number, step};
use super::html::{percent, section, table};
use super::test_results::{BINS, Bin};

/// Left, top, right and bottom of the area that the axes span.
const AREA: [f64; 4] = [48.0, 10.0, 380.0, 196.0];

pub fn confidence(figures: &TestResults) -> Markup {
    section(
        "confidence",
        "Confidence",
        html! {
            p {
                "On average the model gives its answer a probability of "
                b { (percent(figures.mean_confidence())) } "; " b { (percent(figures.evaluation.accuracy())) }
                " of the answers are right. " (judgement(figures)) " The expected calibration error is "
                b { (percent(figures.calibration_error())) } "."
            }
            div .charts { (diagram(figures)) (counts(figures)) }
            p .note {
                "The probability of an answer is its output divided by the sum of the ten outputs. Where the model \
                 is honest about its doubts, the bars end on the dashed line. The expected calibration error is the \
                 mean distance from it, each bar counted by its answers."
            }
        },
    )
}

/// The bins that have answers, each with its ends in percent.
fn bins(figures: &TestResults) -> impl Iterator<Item = ([usize; 2], &Bin)> {
    let ends = (0..BINS).map(|index| [index, index + 1].map(|end| 100 * end / BINS));
    ends.zip(&figures.confidence).filter(|(_, bin)| bin.total() > 0)
}

fn diagram(figures: &TestResults) -> Markup {
    let x = |percent: usize| AREA[0] + (AREA[2] - AREA[0]) * percent as f64 / 100.0;
    let y = |share: f64| AREA[3] - (AREA[3] - AREA[1]) * share;
    let shares = bins(figures).map(|([from, to], bin)| {
        let share = 100.0 * bin.share_right();
        format!("{from} to {to}%: {share:.0}% of {} right", bin.total())
    });
    let shares = shares.collect::<Vec<_>>().join("; ");
    let drawing = html! {
        @for tick in [0, 25, 50, 75, 100] { (level(AREA, y(f64::from(tick) / 100.0), &format!("{tick}%"))) }
        @for ([from, to], bin) in bins(figures) {
            @let height = AREA[3] - y(bin.share_right());
            rect .answers x=(number(x(from) + 1.5)) width=(number(x(to) - x(from) - 3.0))
                y=(number(y(bin.share_right()))) height=(number(height)) {
                title { (format!("{} of {} right", count(bin.right), count(bin.total()))) }
            }
            text .tick .step .count x=(number((x(from) + x(to)) / 2.0)) y=(AREA[3] + 15.0) { (count(bin.total())) }
        }
        line .honest x1=(x(0)) y1=(y(0.0)) x2=(x(100)) y2=(y(1.0)) {}
        @for tick in [0, 20, 40, 60, 80, 100] { (step(x(tick), AREA[3] + 33.0, &format!("{tick}%"))) }
        (step((AREA[0] + AREA[2]) / 2.0, AREA[3] + 49.0, "probability of the answer; above it, answers"))
    };
    let description = format!("Share of right answers by probability: {shares}.");
    figure("Share right by probability", &description, drawing)
}

fn counts(figures: &TestResults) -> Markup {
    // The largest of ten probabilities is never below a tenth: the first bin is empty, and often some more.
    let bins = figures.confidence.iter().enumerate().skip_while(|(_, bin)| bin.total() == 0);
    let rows = bins.map(|(index, bin)| {
        let [from, to] = [index, index + 1].map(|edge| edge as f64 / BINS as f64);
        let share = match bin.total() {
            0 => "–".to_owned(),
            _ => format!("{:.0}%", 100.0 * bin.share_right()),
        };
        row(&format!("{from:.1}–{to:.1}"), [count(bin.right), count(bin.wrong), share])
    });
    let counts = Table::new(["Probability", "Right", "Wrong", "Share right"], rows);
    table("Answers by their probability", "figures counts", &counts)
}

fn judgement(figures: &TestResults) -> &'static str {
    match figures.mean_confidence() - figures.evaluation.accuracy() {
        gap if gap > 0.02 => "It is surer than it should be.",
        gap if gap < -0.02 => "It is less sure than it could be.",
        _ => "It is about as sure as it should be.",
    }
}
