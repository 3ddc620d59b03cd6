//! The table of `lenet train --seeds`: a row per seed, the mean and the standard deviation, as text or as events.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{ProgressStyle, TrainArgs};
use crate::cli::compare::Summary;
use crate::cli::error::Error;
use crate::cli::ui::events;
use crate::cli::ui::format::plural;
use crate::cli::ui::table::{direction, highlighted};
use crate::cli::ui::{self, Bar, Drawing, Out, drawing_wanted};
use crate::train::{EpochRecord, RunRecord, TestRecord};

/// The result of a run.
pub(super) struct Row {
    pub record: RunRecord,
    pub test: TestRecord,
    pub path: Option<PathBuf>,
}

impl Row {
    pub(super) fn seed(&self) -> u64 {
        self.record.settings.seed
    }

    fn last(&self) -> Option<&EpochRecord> {
        self.record.epochs.last()
    }
}

/// A metric of each run. The name is the heading of the column and sets its width.
struct Column {
    name: &'static str,
    /// Digits after the decimal point.
    digits: usize,
    of: fn(&Row) -> Option<f64>,
}

const COLUMNS: [Column; 5] = [
    Column { name: "seconds", digits: 1, of: |row| Some(row.record.seconds()) },
    Column { name: "val_loss", digits: 4, of: |row| row.last()?.val_loss },
    Column { name: "val_accuracy", digits: 4, of: |row| row.last()?.val_accuracy },
    Column { name: "test_loss", digits: 4, of: |row| Some(row.test.loss) },
    Column { name: "test_accuracy", digits: 4, of: |row| Some(row.test.accuracy) },
];

/// Prints the rows on standard output, as a table or as events.
pub(super) struct Table {
    out: Out,
    json: bool,
    quiet: bool,
    in_colour: bool,
    /// The best value of each column so far.
    best: [Option<f64>; 5],
    /// The progress bar below the rows, from the first to the last row.
    pub(super) bar: Option<Bar>,
}

impl Table {
    pub(super) fn new(args: &TrainArgs) -> Self {
        let quiet = args.quiet && !args.json;
        let in_colour = args.progress == ProgressStyle::Auto && drawing_wanted() == Drawing::Colour;
        Self { out: Out::default(), json: args.json, quiet, in_colour, best: [None; 5], bar: None }
    }

    /// Ends the output and returns its first failure, if any.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.out.finish()
    }

    fn line(&mut self, text: &str) {
        if !self.quiet {
            self.out.verbatim(text);
        }
    }

    pub(super) fn start(&mut self, record: &RunRecord, output: Option<&Path>, seeds: &[u64]) {
        if self.json {
            let mut event = events::start(record, output);
            event.shift_remove("seed");
            event.insert("seeds".to_owned(), json!(seeds));
            self.out.json(&event);
            return;
        }
        let (train, validation) = (record.train_samples, record.validation_samples);
        let separator = if ui::columns() < 80 { "\n" } else { ", " };
        let text = format!(
            "Train on {train} samples, validate on {validation} samples{separator}{} per seed, {}",
            plural(record.settings.epochs, "epoch"),
            plural(seeds.len(), "seed")
        );
        text.lines().for_each(|text| self.line(text));
        self.line(&line("seed", [false; 5], |column| column.name.to_owned()));
    }

    /// Prints a row above the progress bar, if any.
    pub(super) fn row(&mut self, row: &Row) {
        match self.bar.clone() {
            Some(bar) => bar.suspend(|| self.write_row(row)),
            None => self.write_row(row),
        }
    }

    fn write_row(&mut self, row: &Row) {
        let seed = row.seed();
        for note in ui::notes(&row.record, row.path.is_some()).iter().filter(|_| !self.quiet) {
            ui::note(&format!("{note} (seed {seed})"));
        }
        if !self.json {
            let is_best = self.update_best(COLUMNS.each_ref().map(|column| (column.of)(row)));
            let is_best = is_best.map(|is_best| is_best && self.in_colour);
            let cell = |column: &Column| number(column, (column.of)(row));
            return self.line(&line(&seed.to_string(), is_best, cell));
        }
        let mut event = json!({ "event": "seed", "seed": seed });
        event.as_object_mut().into_iter().for_each(|event| event.extend(events::end(&row.record)));
        for column in &COLUMNS {
            event[column.name] = json!((column.of)(row));
        }
        if let Some(path) = &row.path {
            event["path"] = json!(path.to_string_lossy());
        }
        self.out.json(&event);
    }

    /// Returns for each column whether its value in `row` is better than those of all rows before.
    fn update_best(&mut self, row: [Option<f64>; 5]) -> [bool; 5] {
        std::array::from_fn(|index| {
            let direction = direction(COLUMNS[index].name);
            let (Some(value), Some(direction)) = (row[index], direction) else { return false };
            let is_better = self.best[index].is_none_or(|best| direction * (value - best) < 0.0);
            if is_better {
                self.best[index] = Some(value);
            }
            is_better
        })
    }

    pub(super) fn summary(&mut self, rows: &[Row]) {
        // A column has no summary if any row lacks its value.
        let values = |column: &Column| -> Option<Vec<f64>> { rows.iter().map(column.of).collect() };
        let summary = |column: &Column| Summary::of(&values(column)?);
        if !self.json {
            let mean =
                |column: &Column| number(column, summary(column).map(|summary| summary.mean));
            self.line(&line("mean", [false; 5], mean));
            let sd =
                |column: &Column| number(column, summary(column).and_then(|summary| summary.sd));
            return self.line(&line("sd", [false; 5], sd));
        }
        let mut event = json!({ "event": "summary", "runs": rows.len() });
        for column in &COLUMNS {
            event[column.name] = json!(values(column).and_then(|values| {
                let Summary { mean, sd, .. } = Summary::of(&values)?;
                let min = values.iter().copied().fold(f64::INFINITY, f64::min);
                let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                Some(json!({ "mean": mean, "sd": sd, "min": min, "max": max }))
            }));
        }
        self.out.json(&event);
    }
}

/// Formats a line of the table, without the validation loss if the window is too narrow. Highlights the cells that are the
/// best.
fn line(name: &str, is_best: [bool; 5], cell: impl Fn(&Column) -> String) -> String {
    let is_wide = ui::columns() >= 70;
    let columns = COLUMNS.iter().zip(is_best);
    let shown = columns.filter(|(column, _)| is_wide || column.name != "val_loss");
    let cells = shown.map(|(column, is_best)| {
        let cell = format!("  {:>1$}", cell(column), column.name.len());
        if is_best { highlighted(&cell) } else { cell }
    });
    format!("{name:>4}{}", cells.collect::<String>())
}

fn number(column: &Column, value: Option<f64>) -> String {
    let digits = column.digits;
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_values_are_marked() {
        let out = Out::default();
        let mut table =
            Table { out, json: false, quiet: true, in_colour: true, best: [None; 5], bar: None };
        // Seconds, validation loss and accuracy, test loss and accuracy.
        let rows = [
            ([Some(2.0), None, None, Some(0.6), Some(0.7)], [true, false, false, true, true]),
            (
                [Some(3.0), Some(0.5), Some(0.8), Some(0.6), Some(0.8)],
                [false, true, true, false, true],
            ),
            (
                [Some(2.5), Some(0.4), Some(0.7), Some(0.7), Some(0.75)],
                [false, true, false, false, false],
            ),
            (
                [Some(1.0), Some(0.45), Some(0.9), Some(0.5), Some(0.8)],
                [true, false, true, true, false],
            ),
        ];
        for (row, expected) in rows {
            assert_eq!(table.update_best(row), expected, "{row:?}");
        }
    }
}
