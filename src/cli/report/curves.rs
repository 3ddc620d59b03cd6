//! Loss, accuracy and learning rate, epoch by epoch, as drawings and as a table.

use maud::{Markup, html};

use crate::cli::ui::table::row;
use crate::train::{EpochRecord, RunRecord};

use super::chart::{Chart, Line};
use super::html::{cells, framed, section};

pub fn curves(record: &RunRecord) -> Markup {
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
    let rate = |epoch: &EpochRecord| record.settings.learning_rate(epoch.epoch);
    let loss = [line("training", &|e| Some(e.loss)), line("validation", &|e| e.val_loss)];
    let accuracy =
        [line("training", &|e| Some(e.accuracy)), line("validation", &|e| e.val_accuracy)];
    let rates = [line("rate", &|e| Some(rate(e)))];
    let draw = |title, lines| {
        let kept = record.kept_epoch.map(|epoch| epoch as f64);
        let unit = "epoch";
        Chart { title, unit, lines, kept }.draw()
    };
    let last = epochs.len().saturating_sub(1);
    section(
        "curves",
        "Learning curves",
        html! {
            div .charts {
                (draw("Loss", &loss))
                (draw("Accuracy", &accuracy))
                (draw("Learning rate", &rates))
                div .scrub hidden {
                    label for="epoch" { "Values at epoch" }
                    input #epoch type="range" min="0" max=(last) value=(last);
                    output for="epoch" {}
                }
            }
            p .note {
                "Training figures are means over an epoch, while the weights still change; validation figures come \
                 from the weights at its end. So the first may well look worse. The learning rate is that in the \
                 middle of the epoch."
            }
            details {
                summary { "The curves as a table" }
                (table(record, rate))
            }
        },
    )
}

fn table(record: &RunRecord, rate: impl Fn(&EpochRecord) -> f64) -> Markup {
    let columns = [
        "Epoch",
        "Seconds",
        "Loss",
        "Accuracy",
        "Validation loss",
        "Validation accuracy",
        "Learning rate",
    ];
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    let rows = record.epochs.iter().map(|epoch| {
        let is_kept = record.kept_epoch == Some(epoch.epoch);
        let figures = [Some(epoch.loss), Some(epoch.accuracy), epoch.val_loss, epoch.val_accuracy]
            .map(figure);
        let heading = format!("{}{}", epoch.epoch, if is_kept { " (kept)" } else { "" });
        let seconds = [format!("{:.1}", epoch.seconds)].into_iter();
        let row = row(&heading, seconds.chain(figures).chain([format!("{:.3e}", rate(epoch))]));
        html! { tr .kept[is_kept] { (cells(&row)) } }
    });
    framed("Figures of each epoch", "figures", &columns, html! { @for row in rows { (row) } })
}
