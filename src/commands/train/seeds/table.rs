//! The table of `lenet train --seeds`: a row a seed, their mean and deviation; as text or as events.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::TrainArgs;
use crate::error::Error;
use crate::io::text::plural;
use crate::train::RunRecord;
use crate::ui::{self, Bar, Event, Out};

/// One run's figures, as its event has them.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub seed: u64,
    #[serde(flatten)]
    pub end: Map<String, Value>,
    #[serde(skip)]
    pub notes: Vec<String>,
    /// Of training, over all epochs.
    pub seconds: f64,
    pub val_loss: Option<f64>,
    pub val_accuracy: Option<f64>,
    pub test_loss: f64,
    pub test_accuracy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}

/// Mean and sample standard deviation (n - 1; none for a single run), least and greatest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Figures {
    pub mean: f64,
    sd: Option<f64>,
    min: f64,
    max: f64,
}

pub(super) fn figures(rows: &[Row], of: impl Fn(&Row) -> f64) -> Figures {
    let n = rows.len() as f64;
    let values = || rows.iter().map(&of);
    let mean = values().sum::<f64>() / n;
    let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
    Figures {
        mean,
        sd: (rows.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
        min: values().fold(f64::INFINITY, f64::min),
        max: values().fold(f64::NEG_INFINITY, f64::max),
    }
}

/// The rows on standard output, as a table or as events.
pub(super) struct Table {
    out: Out,
    json: bool,
    quiet: bool,
}

impl Table {
    pub(super) fn new(args: &TrainArgs) -> Self {
        Self { out: Out::default(), json: args.json, quiet: args.quiet && !args.json }
    }

    /// Nothing more will come.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.out.finish()
    }

    fn line(&mut self, text: &str) {
        if !self.quiet {
            self.out.line(text);
        }
    }

    pub(super) fn start(&mut self, record: &RunRecord, output: Option<&Path>, seeds: &[u64]) {
        if self.json {
            let mut event = record.start_event(output);
            event.shift_remove("seed");
            event.insert("seeds".to_owned(), json!(seeds));
            self.out.json(&event);
            return;
        }
        let (train, validation) = (record.train_samples, record.validation_samples);
        let separator = if ui::columns() < 80 { "\n" } else { ", " };
        let text = format!(
            "Train on {train} samples, validate on {validation} samples{separator}{}, from {}",
            plural(record.settings.epochs, "epoch"),
            plural(seeds.len(), "seed")
        );
        text.lines().for_each(|text| self.line(text));
        let names = ["val_loss", "val_accuracy", "test_loss", "test_accuracy"];
        self.line(&line("seed", "seconds", names.map(str::to_owned)));
    }

    /// Writes a row, above the bar if there is one.
    pub(super) fn row(&mut self, row: &Row, bar: Option<&Bar>) {
        match bar {
            Some(bar) => bar.suspend(|| self.write_row(row)),
            None => self.write_row(row),
        }
    }

    fn write_row(&mut self, row: &Row) {
        for note in row.notes.iter().filter(|_| !self.quiet) {
            ui::note(&format!("{note} (seed {})", row.seed));
        }
        if self.json {
            self.out.json(&Event { event: "seed", value: row });
            return;
        }
        let seed = row.seed.to_string();
        let values = [row.val_loss, row.val_accuracy, Some(row.test_loss), Some(row.test_accuracy)];
        self.line(&figures_line(&seed, Some(row.seconds), values));
    }

    pub(super) fn summary(&mut self, rows: &[Row]) {
        let validated = rows.iter().all(|row| row.val_accuracy.is_some());
        let of = |value: fn(&Row) -> Option<f64>| {
            validated.then(|| figures(rows, |row| value(row).unwrap_or_default()))
        };
        let [val_loss, val_accuracy] = [of(|row| row.val_loss), of(|row| row.val_accuracy)];
        let seconds = figures(rows, |row| row.seconds);
        let test_loss = figures(rows, |row| row.test_loss);
        let test_accuracy = figures(rows, |row| row.test_accuracy);
        if self.json {
            self.out.json(&json!({
                "event": "summary", "runs": rows.len(), "seconds": seconds,
                "val_loss": val_loss, "val_accuracy": val_accuracy,
                "test_loss": test_loss, "test_accuracy": test_accuracy,
            }));
            return;
        }
        let all = [val_loss, val_accuracy, Some(test_loss), Some(test_accuracy)];
        let means = all.map(|figures| figures.map(|f| f.mean));
        self.line(&figures_line("mean", Some(seconds.mean), means));
        let deviations = all.map(|figures| figures.and_then(|f| f.sd));
        self.line(&figures_line("sd", seconds.sd, deviations));
    }
}

/// One line of the table, without the validation loss where the window is too narrow for it.
fn line(name: &str, seconds: &str, [a, b, c, d]: [String; 4]) -> String {
    let a = match ui::columns() < 70 {
        true => String::new(),
        false => format!("{a:>8}  "),
    };
    format!("{name:>4}  {seconds:>7}  {a}{b:>12}  {c:>9}  {d:>13}")
}

fn figures_line(name: &str, seconds: Option<f64>, values: [Option<f64>; 4]) -> String {
    let number = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    };
    let values = values.map(|value| number(value, 4));
    line(name, &number(seconds, 1), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(test_accuracy: f64) -> Row {
        Row {
            seed: 1,
            end: Map::new(),
            notes: Vec::new(),
            seconds: 1.0,
            val_loss: None,
            val_accuracy: None,
            test_loss: 0.5,
            test_accuracy,
            path: None,
        }
    }

    #[test]
    fn the_deviation_is_the_samples_and_a_single_run_has_none() {
        let found = figures(&[row(0.7), row(0.8), row(0.9)], |row| row.test_accuracy);
        assert!((found.mean - 0.8).abs() < 1e-12);
        assert!((found.sd.unwrap() - 0.1).abs() < 1e-12);
        assert_eq!((found.min, found.max), (0.7, 0.9));
        assert_eq!(figures(&[row(0.7)], |row| row.test_accuracy).sd, None);
    }
}
