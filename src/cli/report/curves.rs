//! Learning curves: loss, accuracy and learning rate per epoch, as charts and as a table.

use maud::{Markup, html};

use crate::cli::ui::format::decimals;
use crate::cli::ui::table::{Table, row};
use crate::train::{EpochRecord, RunRecord};

use super::chart::{Chart, Line};
use super::html::table;

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
            "Training metrics are means over an epoch, during which the weights change. Validation metrics are \
             measured with the weights at the end of the epoch, so they are often better. The learning rate is \
             taken from the middle of the epoch."
        }
        details {
            summary { "Show the curves as a table" }
            (metrics(record, rate))
        }
    }
}

fn metrics(record: &RunRecord, rate: impl Fn(&EpochRecord) -> f64) -> Markup {
    let is_kept = |epoch: &EpochRecord| record.kept_epoch == Some(epoch.epoch);
    let rows = record.epochs.iter().map(|epoch| {
        let heading = format!("{}{}", epoch.epoch, if is_kept(epoch) { " (kept)" } else { "" });
        let seconds = format!("{:.1}", epoch.seconds);
        let metrics = [Some(epoch.loss), Some(epoch.accuracy), epoch.val_loss, epoch.val_accuracy];
        let [loss, accuracy, val_loss, val_accuracy] = metrics.map(|value| decimals(value, 4));
        let rate = match rate(epoch) {
            rate if rate < 1e-3 => format!("{rate:.3e}"),
            rate => format!("{rate:.4}"),
        };
        row(&heading, [seconds, loss, accuracy, val_loss, val_accuracy, rate])
    });
    let columns = [
        "Epoch",
        "Seconds",
        "Loss",
        "Accuracy",
        "Validation loss",
        "Validation accuracy",
        "Learning rate",
    ];
    let kept = record.epochs.iter().position(is_kept);
    table("Metrics of each epoch", "metrics", &Table::new(columns, rows), kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Recipe, Settings};

    #[test]
    fn small_learning_rates_have_exponents() {
        let mut record = RunRecord::new(Settings::new(Recipe::classic()), "CPU");
        let epoch = |epoch| EpochRecord {
            epoch,
            seconds: 1.0,
            loss: 2.0,
            accuracy: 0.1,
            val_loss: None,
            val_accuracy: None,
        };
        record.epochs = (1..=2).map(epoch).collect();
        let table = metrics(&record, |epoch| [0.001, 0.000_999][epoch.epoch - 1]).into_string();
        assert!(table.contains("0.0010") && table.contains("9.990e-4"), "{table}");
    }
}
