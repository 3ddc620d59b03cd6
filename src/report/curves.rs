//! Loss, accuracy and learning rate, epoch by epoch, as drawings and as a table.

use maud::{Markup, html};

use crate::train::{EpochRecord, RunRecord};

use super::chart::{Chart, Line};
use super::recipe;
use super::table::frame;

/// The section for the epochs of this run.
pub fn section(record: &RunRecord) -> Markup {
    let epochs = &record.epochs;
    let line = |name, value: &dyn Fn(&EpochRecord) -> Option<f64>| Line {
        name,
        class: name,
        labelled: true,
        points: epochs
            .iter()
            .filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?)))
            .collect(),
    };
    let rate = |epoch: &EpochRecord| recipe::learning_rate(&record.settings, epoch.epoch);
    let loss = [line("training", &|e| Some(e.loss)), line("validation", &|e| e.val_loss)];
    let accuracy =
        [line("training", &|e| Some(e.accuracy)), line("validation", &|e| e.val_accuracy)];
    let rates = [line("rate", &|e| Some(rate(e)))];
    let draw = |title, lines| {
        let kept = record.kept_epoch.map(|epoch| epoch as f64);
        let unit = "epoch";
        Chart { title, unit, lines, kept }.draw()
    };
    html! {
        section #curves {
            h2 { "Learning curves" }
            div .charts {
                (draw("Loss", &loss))
                (draw("Accuracy", &accuracy))
                (draw("Learning rate", &rates))
                div .scrub hidden {
                    label for="epoch" { "Values at epoch" }
                    input #epoch type="range" min="0" max=(epochs.len().saturating_sub(1)) value=(epochs.len().saturating_sub(1));
                    output for="epoch" {}
                }
            }
            p .note {
                "Training figures are means over an epoch, while the weights still change; validation figures come \
                 from the weights at its end. So the first may well look worse. The learning rate is that in the \
                 middle of the epoch."
            }
            (table(record, rate))
        }
    }
}

fn table(record: &RunRecord, rate: impl Fn(&EpochRecord) -> f64) -> Markup {
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    let columns = [
        "Epoch",
        "Seconds",
        "Loss",
        "Accuracy",
        "Validation loss",
        "Validation accuracy",
        "Learning rate",
    ];
    let rows = html! {
        @for epoch in &record.epochs {
            @let is_kept = record.kept_epoch == Some(epoch.epoch);
            tr .kept[is_kept] {
                th scope="row" { (epoch.epoch) @if is_kept { " (kept)" } }
                td { (format!("{:.1}", epoch.seconds)) }
                @for value in [Some(epoch.loss), Some(epoch.accuracy), epoch.val_loss, epoch.val_accuracy] {
                    td { (figure(value)) }
                }
                td { (format!("{:.3e}", rate(epoch))) }
            }
        }
    };
    html! {
        details {
            summary { "The curves as a table" }
            (frame("Figures of each epoch", "figures", &columns, rows))
        }
    }
}
