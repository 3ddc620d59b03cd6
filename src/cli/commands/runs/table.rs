//! The table of runs, as text, CSV or JSON.

use std::rc::Rc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::cli::compare::{Metric, Run, differences};
use crate::cli::ui::format::{UNKNOWN, decimals};
use crate::cli::ui::table::{Table, direction};
use crate::train::EpochRecord;

use super::cell::Cell;

/// Settings that have no column, because they follow from other settings or are too long.
const HIDDEN: [&str; 3] = ["epochs", "sha256.", "recipe.name"];

/// The rows of a table with its columns.
pub(super) struct RunTable {
    columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// The cells of a row in the order of the columns. All epochs of a run share the cells that identify the run.
pub(super) struct Row {
    shared: Rc<[Cell]>,
    own: Vec<Cell>,
}

impl Row {
    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.shared.iter().chain(&self.own)
    }

    fn cell(&self, column: usize) -> &Cell {
        self.shared.get(column).unwrap_or_else(|| &self.own[column - self.shared.len()])
    }
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
        let (mut columns, identities) = identities(runs);
        columns.push(Column::new("epochs"));
        columns.extend(Metric::ALL.map(Column::from));
        columns.push(Column::new("ended"));
        let row = |(shared, (_, run)): (Rc<[Cell]>, &(String, Run))| {
            let metrics = Metric::ALL.map(|metric| Cell::from((metric.of)(run)));
            let own = [run.epochs.len().into()].into_iter().chain(metrics);
            Row { shared, own: own.chain([run.ended.into()]).collect() }
        };
        Self { columns, rows: identities.zip(runs).map(row).collect() }
    }

    /// Creates a table with one row per epoch.
    pub(super) fn of_epochs(runs: &[(String, Run)]) -> Self {
        let (mut columns, identities) = identities(runs);
        let names = ["epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"];
        columns.extend(names.map(Column::new));
        let rows = identities.zip(runs).flat_map(|(shared, (_, run))| {
            run.epochs.iter().map(move |found| {
                let EpochRecord { epoch, seconds, loss, accuracy, val_loss, val_accuracy } = found;
                let own = [*seconds, *loss, *accuracy].map(Cell::from).into_iter();
                let own = own.chain([*val_loss, *val_accuracy].map(Cell::from));
                let own = [Cell::from(*epoch)].into_iter().chain(own).collect();
                Row { shared: Rc::clone(&shared), own }
            })
        });
        Self { columns, rows: rows.collect() }
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
        self.rows.sort_by(|a, b| a.cell(column).compare(b.cell(column), is_best_highest));
        Ok(())
    }

    /// Returns the table as text.
    pub(super) fn text(&self) -> Table {
        let text = |(column, cell): (&Column, &Cell)| match (cell, column.digits) {
            (Cell::Unknown, _) => UNKNOWN.to_owned(),
            (Cell::Number(number), Some(digits)) => decimals(number.as_f64(), digits),
            (cell, _) => cell.to_string(),
        };
        let rows =
            self.rows.iter().map(|row| self.columns.iter().zip(row.cells()).map(text).collect());
        let columns = self.columns.iter().map(|column| column.name.clone()).collect();
        Table { columns, rows: rows.collect() }
    }

    /// Returns the lines of the table as CSV, with an empty cell for an unknown value.
    pub(super) fn csv(&self) -> impl Iterator<Item = String> {
        let header = csv_line(self.columns.iter().map(|column| column.key.clone()));
        let row = |row: &Row| csv_line(row.cells().map(Cell::csv));
        std::iter::once(header).chain(self.rows.iter().map(row))
    }

    /// Returns the JSON document, whose schema is `docs/schema/runs.json`.
    pub(super) fn json<'a>(&'a self, broken: &'a [String]) -> Document<'a> {
        Document { schema: 1, runs: Rows(self), broken }
    }
}

/// Returns the columns that identify a run, and the cells of each run: its path, seed and recipe, and the settings that differ
/// between the runs.
fn identities(runs: &[(String, Run)]) -> (Vec<Column>, impl Iterator<Item = Rc<[Cell]>>) {
    let mut settings = differences(&runs.iter().map(|(_, run)| run).collect::<Vec<_>>());
    let is_hidden = |name: &str| HIDDEN.iter().any(|hidden| name.starts_with(hidden));
    settings.retain(|setting| !setting.is_implied && !is_hidden(&setting.setting));
    let columns = ["run", "seed", "recipe"].map(Column::new).into_iter();
    let columns = columns.chain(settings.iter().map(|found| Column::setting(&found.setting)));
    let columns = columns.collect();
    let cells = runs.iter().enumerate().map(move |(number, (path, run))| {
        let first = [path.as_str().into(), run.seed.into(), run.kind.as_str().into()].into_iter();
        let values = settings.iter().map(|setting| setting.values[number].as_ref().into());
        first.chain(values).collect()
    });
    (columns, cells)
}

/// Returns a line of CSV, without the line break.
fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut writer = csv::WriterBuilder::new().buffer_capacity(256).from_writer(Vec::new());
    writer.write_record(cells.map(String::into_bytes)).expect("a vector in memory can always grow");
    let bytes = writer.into_inner().expect("a vector in memory needs no flush");
    String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned()
}

/// The JSON document. It is written row by row, because a second copy of the rows could be large.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: u32,
    runs: Rows<'a>,
    broken: &'a [String],
}

/// The rows of a table as JSON objects.
struct Rows<'a>(&'a RunTable);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.rows.iter().map(|row| Object {
            columns: &self.0.columns,
            row,
            are_settings: false,
        }))
    }
}

/// The cells of a row that are not settings, followed by the object of the settings; or only the settings.
struct Object<'a> {
    columns: &'a [Column],
    row: &'a Row,
    are_settings: bool,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (column, cell) in self.columns.iter().zip(self.row.cells()) {
            if column.is_setting == self.are_settings {
                object.serialize_entry(&column.key, cell)?;
            }
        }
        if !self.are_settings {
            object.serialize_entry("settings", &Self { are_settings: true, ..*self })?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::compare::Setting;

    fn run(seed: u64, rate: &str, accuracy: Option<f64>) -> (String, Run) {
        // The table shows neither equal settings nor the number of epochs, although that differs.
        let epochs = seed.to_string();
        let settings = [("recipe.learning_rate", rate), ("batch_size", "32"), ("epochs", &epochs)];
        let json = |value: &str| Setting::Json(value.to_owned());
        let settings = settings.map(|(name, value)| (name.to_owned(), json(value)));
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
            table.rows.iter().map(|row| row.cell(1).to_string()).collect()
        };
        table.sort("test_accuracy").unwrap();
        assert_eq!(order(&table), ["3", "2", "1"]);
        table.sort("learning_rate").unwrap();
        assert_eq!(order(&table), ["2", "1", "3"]);
        assert!(table.sort("rate").unwrap_err().contains(&"learning_rate".to_owned()));
        let lines: Vec<_> = table.csv().collect();
        assert_eq!(lines[1], "2.json,2,,0.05,0,0.7,0.5,,,,");
    }

    #[test]
    fn text_settings_stay_text() {
        let runs = ["1e5", "0.20"].map(|backend| {
            let (path, mut run) = run(1, "0.9", None);
            let backend = Setting::Text(backend.to_owned());
            run.settings.insert("backend".to_owned(), backend);
            (path, run)
        });
        let table = RunTable::of_runs(&runs);
        let json = serde_json::to_string(&table.json(&[])).unwrap();
        assert!(json.contains(r#""settings":{"backend":"1e5"}"#), "{json}");
        assert!(json.contains(r#""settings":{"backend":"0.20"}"#), "{json}");
        assert!(table.csv().any(|line| line.contains(",0.20,")));
    }

    #[test]
    fn epochs_share_cells_of_their_run() {
        let (path, run) = run(1, "0.9", None);
        let epoch = |epoch| EpochRecord {
            epoch,
            seconds: 2.0,
            loss: f64::NAN,
            accuracy: 0.5,
            val_loss: None,
            val_accuracy: None,
        };
        let table = RunTable::of_epochs(&[(path, Run { epochs: vec![epoch(1), epoch(2)], ..run })]);
        assert!(Rc::ptr_eq(&table.rows[0].shared, &table.rows[1].shared));
        let lines: Vec<_> = table.csv().collect();
        assert_eq!(lines[2], "1.json,1,,2,2.0,,0.5,,");
        let json = serde_json::to_string(&table.json(&[])).unwrap();
        let expected = r#"{"schema":1,"runs":[{"run":"1.json","seed":1,"recipe":"","epoch":1,"seconds":2.0,"loss":null,"#;
        assert!(json.starts_with(expected), "{json}");
        assert!(json.ends_with(r#""val_accuracy":null,"settings":{}}],"broken":[]}"#), "{json}");
    }
}
