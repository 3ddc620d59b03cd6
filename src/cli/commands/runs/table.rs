//! The table of runs, as text, CSV or JSON.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use crate::cli::compare::{Metric, Run, differences};
use crate::cli::ui::format::UNKNOWN;
use crate::cli::ui::table::{Table, direction};
use crate::io::text::line;

/// Settings that have no column, because they follow from other settings or are too long.
const HIDDEN: [&str; 3] = ["epochs", "sha256.", "recipe.name"];

/// Rows with the cells in the order of the columns.
pub(super) struct RunTable {
    columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Value>>,
}

/// A column.
struct Column {
    /// Name in CSV and JSON, and for `--sort`.
    key: String,
    /// Heading in the text table.
    name: String,
    /// Digits after the decimal point of a metric.
    digits: Option<usize>,
    /// Whether the column is a setting that differs between the runs.
    is_setting: bool,
}

impl Column {
    fn new(key: &str) -> Self {
        Self { key: key.to_owned(), name: key.replace('_', " "), digits: None, is_setting: false }
    }

    /// Returns the column of a setting. The values of the recipe are at the top level, as for `--set`.
    fn setting(name: &str) -> Self {
        Self { is_setting: true, ..Self::new(name.trim_start_matches("recipe.")) }
    }
}

impl From<Metric> for Column {
    fn from(metric: Metric) -> Self {
        let name = metric.name.to_owned();
        Self { key: metric.key.to_owned(), name, digits: Some(metric.digits), is_setting: false }
    }
}

impl RunTable {
    /// Creates a table with one row per run. `runs` contains each run with its path.
    pub(super) fn of_runs(runs: &[(String, Run)]) -> Self {
        let mut table = Self::identities(runs);
        table.columns.push(Column::new("epochs"));
        table.columns.extend(Metric::ALL.map(Column::from));
        table.columns.push(Column::new("ended"));
        for (row, (_, run)) in table.rows.iter_mut().zip(runs) {
            row.push(json!(run.epochs.len()));
            row.extend(Metric::ALL.map(|metric| json!((metric.of)(run))));
            row.push(json!(run.ended));
        }
        table
    }

    /// Creates a table with one row per epoch.
    pub(super) fn of_epochs(runs: &[(String, Run)]) -> Self {
        let mut table = Self::identities(runs);
        let columns = ["epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"];
        table.columns.extend(columns.map(Column::new));
        let rows = std::mem::take(&mut table.rows).into_iter().zip(runs);
        table.rows = rows
            .flat_map(|(row, (_, run))| {
                run.epochs.iter().map(move |epoch| {
                    let epoch = json!(epoch);
                    row.iter().cloned().chain(columns.map(|key| epoch[key].clone())).collect()
                })
            })
            .collect();
        table
    }

    /// Creates a table with the columns that identify a run: its path, seed and recipe, and the settings that differ between
    /// the runs.
    fn identities(runs: &[(String, Run)]) -> Self {
        let mut settings = differences(&runs.iter().map(|(_, run)| run).collect::<Vec<_>>());
        let is_hidden = |name: &str| HIDDEN.iter().any(|hidden| name.starts_with(hidden));
        settings.retain(|setting| !setting.is_implied && !is_hidden(&setting.setting));
        let columns = ["run", "seed", "recipe"].map(Column::new).into_iter();
        let columns = columns.chain(settings.iter().map(|found| Column::setting(&found.setting)));
        let rows = runs.iter().enumerate().map(|(number, (path, run))| {
            let first = [json!(path), json!(run.seed), json!(run.kind)].into_iter();
            let values = settings.iter().map(|setting| setting.values[number].as_deref());
            first.chain(values.map(|value| value.map_or(Value::Null, cell))).collect()
        });
        Self { columns: columns.collect(), rows: rows.collect() }
    }

    /// Sorts the rows by the column `key`: a metric with the best value first, any other column in ascending order.
    /// Runs without a value come last.
    ///
    /// # Errors
    /// Returns the names of all columns if there is no such column.
    pub(super) fn sort(&mut self, key: &str) -> Result<(), Vec<String>> {
        let Some(column) = self.columns.iter().position(|column| column.key == key) else {
            return Err(self.columns.iter().map(|column| column.key.clone()).collect());
        };
        let is_best_highest = direction(key) == Some(-1.0);
        self.rows.sort_by(|a, b| match (&a[column], &b[column]) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            (a, b) if is_best_highest => compare(b, a),
            (a, b) => compare(a, b),
        });
        Ok(())
    }

    /// Returns the table as text.
    pub(super) fn text(&self) -> Table {
        let text = |(column, value): (&Column, &Value)| match (value, column.digits) {
            (Value::Null, _) => UNKNOWN.to_owned(),
            (Value::String(text), _) => text.clone(),
            (value, Some(digits)) => format!("{:.digits$}", value.as_f64().unwrap_or(f64::NAN)),
            (value, None) => value.to_string(),
        };
        let rows = self.rows.iter().map(|row| self.columns.iter().zip(row).map(text).collect());
        let columns = self.columns.iter().map(|column| column.name.clone()).collect();
        Table { columns, rows: rows.collect() }
    }

    /// Returns the table as CSV, with an empty cell for an unknown value.
    pub(super) fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = self.columns.iter().map(|column| column.key.clone()).collect();
        let rows = self.rows.iter().map(|row| {
            let text = |value: &Value| match value {
                Value::Null => String::new(),
                // A line break in a cell would let a run record add lines to the table.
                Value::String(text) => line(text).into_owned(),
                value => value.to_string(),
            };
            row.iter().map(text).collect()
        });
        for row in std::iter::once(header).chain(rows) {
            let row: Vec<String> = row;
            writer.write_record(row).expect("a vector in memory can always grow");
        }
        let bytes = writer.into_inner().expect("a vector in memory needs no flush");
        String::from_utf8(bytes).expect("every cell is UTF-8")
    }

    /// Returns the JSON document, whose schema is `docs/schema/runs.json`.
    pub(super) fn json(&self, broken: &[String]) -> Value {
        let cells = |row: &[Value], are_settings: bool| -> Map<String, Value> {
            let cells = self.columns.iter().zip(row);
            let cells = cells.filter(|(column, _)| column.is_setting == are_settings);
            cells.map(|(column, value)| (column.key.clone(), value.clone())).collect()
        };
        let row = |row: &Vec<Value>| {
            let mut cells_and_settings = cells(row, false);
            cells_and_settings.insert("settings".to_owned(), Value::Object(cells(row, true)));
            cells_and_settings
        };
        let runs: Vec<_> = self.rows.iter().map(row).collect();
        json!({ "schema": 1, "runs": runs, "broken": broken })
    }
}

/// Returns a setting as a number if it is one, and otherwise as text.
fn cell(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(number @ (Value::Number(_) | Value::Bool(_))) => number,
        _ => json!(text),
    }
}

/// Compares two cells, numbers by value.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.to_string().cmp(&b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, rate: &str, accuracy: Option<f64>) -> (String, Run) {
        // The table shows neither equal settings nor the number of epochs, although that differs.
        let epochs = seed.to_string();
        let settings = [("recipe.learning_rate", rate), ("batch_size", "32"), ("epochs", &epochs)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let test = accuracy.map(|accuracy| (0.5, accuracy));
        let framework = "lenet";
        let run =
            Run { framework, seed: Some(seed), settings: settings.into(), test, ..Run::default() };
        (format!("{seed}.json"), run)
    }

    #[test]
    fn best_run_is_first() {
        let runs = [(1, "0.9", None), (2, "0.05", Some(0.7)), (3, "1", Some(0.8))];
        let mut table = RunTable::of_runs(&runs.map(|(seed, rate, test)| run(seed, rate, test)));
        let order = |table: &RunTable| -> Vec<_> {
            table.rows.iter().map(|row| row[1].as_u64().unwrap()).collect()
        };
        table.sort("test_accuracy").unwrap();
        assert_eq!(order(&table), [3, 2, 1]);
        table.sort("learning_rate").unwrap();
        assert_eq!(order(&table), [2, 1, 3]);
        assert!(table.sort("rate").unwrap_err().contains(&"learning_rate".to_owned()));
        assert!(table.csv().contains("\n2.json,2,,0.05,0,0.7,0.5,,,,\n"), "{}", table.csv());
    }
}
