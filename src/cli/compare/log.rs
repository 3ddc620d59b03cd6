//! Logs of the Keras callback `CSVLogger`: a header, then one line per epoch. Epochs count from 0.

use std::cell::Cell;
use std::io::{self, Read};

use csv::StringRecord;

use crate::io::text::{one_line, quoted};
use crate::train::{EpochRecord, MAX_EPOCHS, MAX_LOSS, MAX_SECONDS};

/// The epochs of a log.
#[derive(Debug, Default)]
pub struct Log {
    /// The epochs in ascending order. A missing loss or accuracy is NaN, and a missing time is 0.
    pub epochs: Vec<EpochRecord>,
    /// Whether every epoch has its training time, in a column `seconds`.
    pub is_timed: bool,
    /// Whether a loss is NaN, infinite, or impossibly large for ten classes.
    pub has_diverged: bool,
}

/// Columns that a log may have, with the names under which Keras writes them. The first three are required.
const COLUMNS: [&[&str]; 6] = [
    &["epoch"],
    &["loss"],
    &["accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy"],
    &["val_loss"],
    &["val_accuracy", "val_acc", "val_categorical_accuracy", "val_sparse_categorical_accuracy"],
    &["seconds"],
];

/// Maximum length of a line of a log, in bytes. A line of many short cells needs many times the memory of its text.
const MAX_LINE: usize = 10_000;

/// Parses a log. A repeated header, as in a log to which a second run was appended, is skipped.
///
/// # Errors
/// Returns a description of the problem.
pub fn parse(text: &str) -> Result<Log, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().zip(1..);
    if let Some((long, number)) = lines.find(|(line, _)| line.len() > MAX_LINE) {
        return Err(format!("line {number}: longer than {MAX_LINE} bytes: {}", quoted(long)));
    }
    let header = text.lines().next().unwrap_or_default();
    // `CSVLogger(separator=..)` allows separators other than the comma.
    let separator = [',', ';', '\t']
        .into_iter()
        .max_by_key(|separator| (header.matches(*separator).count(), *separator == ','))
        .unwrap_or(',');
    let is_record_started = Cell::new(false);
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(MAX_LINE + "\r\n".len())
        .delimiter(separator as u8)
        .trim(csv::Trim::All)
        .from_reader(Lines { text, is_record_started: &is_record_started });
    let names = header;
    let header = reader.headers().map_err(|error| one_line(&error))?.clone();
    let columns = COLUMNS.map(|names| header.iter().position(|name| names.contains(&name)));
    if let Some(missing) = columns[..3].iter().position(Option::is_none) {
        return Err(format!(
            "missing column {:?}; expected the columns epoch, loss and accuracy (or acc), found {}",
            COLUMNS[missing][0],
            quoted(names.trim())
        ));
    }
    let mut log = Log { is_timed: true, ..Log::default() };
    let mut row = StringRecord::new();
    loop {
        is_record_started.set(false);
        if !reader.read_record(&mut row).map_err(|error| one_line(&error))? {
            break;
        }
        if row == header {
            continue;
        }
        let cells = columns.map(|column| row.get(column?));
        let line = row.position().map_or(0, csv::Position::line);
        log.push(cells).map_err(|problem| format!("line {line}: {problem}"))?;
    }
    match log.epochs.is_empty() {
        true => Err("no epochs".to_owned()),
        false => Ok(log),
    }
}

/// Reads a text one line at a time, and fails if a record does not end with its line.
///
/// A quoted cell may contain line breaks, so a quote that is not closed would join any number of lines to one record.
struct Lines<'a> {
    text: &'a str,
    /// Whether a line of the record that is being read was already returned.
    is_record_started: &'a Cell<bool>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.text.split_inclusive('\n').next().unwrap_or_default();
        // The csv crate skips empty lines, so they do not count as part of a record.
        let is_empty = line.trim_end_matches(['\r', '\n']).is_empty();
        if !is_empty && self.is_record_started.replace(true) {
            return Err(io::Error::other("a quote is not closed at the end of the line"));
        }
        let length = line.as_bytes().read(buffer)?;
        self.text = &self.text[length..];
        Ok(length)
    }
}

impl Log {
    /// Adds the epoch with these cells of [`COLUMNS`].
    fn push(&mut self, cells: [Option<&str>; 6]) -> Result<(), String> {
        let [epoch, loss, accuracy, val_loss, val_accuracy, seconds] = cells;
        let last = self.epochs.last().map_or(0, |epoch| epoch.epoch);
        let epochs = last as f64..MAX_EPOCHS as f64;
        let is_epoch = |epoch: &f64| epochs.contains(epoch) && epoch.fract() == 0.0;
        let epoch = number(epoch)?.filter(is_epoch).ok_or_else(|| {
            let found = quoted(epoch.unwrap_or_default());
            format!("expected an epoch from {last} to {}, found {found}", MAX_EPOCHS - 1)
        })?;
        let seconds = in_range(seconds, MAX_SECONDS)?;
        self.is_timed &= seconds.is_some();
        let mut valid_loss = |cell| {
            let loss = number(cell)?;
            let valid = loss.filter(|loss| (0.0..=MAX_LOSS).contains(loss));
            self.has_diverged |= loss != valid;
            Ok::<_, String>(valid)
        };
        self.epochs.push(EpochRecord {
            epoch: epoch as usize + 1,
            seconds: seconds.unwrap_or_default(),
            loss: valid_loss(loss)?.unwrap_or(f64::NAN),
            accuracy: in_range(accuracy, 1.0)?.unwrap_or(f64::NAN),
            val_loss: valid_loss(val_loss)?,
            val_accuracy: in_range(val_accuracy, 1.0)?,
        });
        Ok(())
    }
}

/// Parses a cell, which may be NaN or infinite. Returns `None` for a missing value, which Keras writes as NA.
fn number(cell: Option<&str>) -> Result<Option<f64>, String> {
    match cell {
        None | Some("" | "NA") => Ok(None),
        Some(text) => {
            let number = text.parse::<f64>();
            let number =
                number.map_err(|_| format!("expected a number, found {}", quoted(text)))?;
            // Adding zero removes the sign of negative zero, which every output would show.
            Ok(Some(number + 0.0))
        }
    }
}

/// Parses a cell with a number from 0 to `most`. Returns `None` for a missing value and for NaN.
fn in_range(cell: Option<&str>, most: f64) -> Result<Option<f64>, String> {
    let value = number(cell)?.filter(|value| !value.is_nan());
    match value {
        Some(value) if !(0.0..=most).contains(&value) => Err(format!(
            "expected a number from 0 to {most}, found {}",
            quoted(cell.unwrap_or_default())
        )),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_order_and_separator_may_vary() {
        for text in [
            "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.2,NA,0.9\n",
            "\u{feff}epoch;acc;lr;loss;val_loss\r\n0;0.5;0.9;1.2;0.9\r\n",
            "epoch,categorical_accuracy,loss,val_loss,val_acc\n0,0.5,1.2,0.9,\n",
        ] {
            let log = parse(text).unwrap();
            let EpochRecord { epoch, loss, accuracy, val_loss, val_accuracy, .. } = log.epochs[0];
            assert_eq!((epoch, loss, accuracy, val_loss), (1, 1.2, 0.5, Some(0.9)), "{text}");
            assert_eq!(
                (val_accuracy, log.is_timed, log.has_diverged),
                (None, false, false),
                "{text}"
            );
        }
        // Keras quotes lists, and the last line may have no line break.
        let quoted =
            parse("epoch,accuracy,loss,x\n\n0,0.5,1.2,\"\"\"[1, 2]\"\"\"\n1,0.5,1,2").unwrap();
        assert_eq!(quoted.epochs.len(), 2);
        let zero = parse("epoch,accuracy,loss\n0,-0.0,-0\n").unwrap().epochs[0].clone();
        assert!(zero.accuracy.is_sign_positive() && zero.loss.is_sign_positive());
        let appended =
            "epoch,accuracy,loss,seconds\n0,0.5,1.2,8\nepoch,accuracy,loss,seconds\n1,0.6,1.1,9\n";
        let timed = parse(appended).unwrap();
        assert_eq!(
            (timed.epochs[1].epoch, timed.epochs[1].seconds, timed.is_timed),
            (2, 9.0, true)
        );
    }

    #[test]
    fn invalid_logs_are_rejected() {
        for (text, expected) in [
            ("", "missing column \"epoch\""),
            ("epoch,loss\n0,1\n", "missing column \"accuracy\""),
            ("epoch,accuracy,loss\n", "no epochs"),
            ("epoch,accuracy,loss\n0,x,1\n", "line 2: expected a number, found \"x\""),
            ("epoch,accuracy,loss\n0,1\n", "2 fields"),
            ("epoch,accuracy,loss\nNA,1,1\n", "line 2: expected an epoch from 0"),
            ("epoch,accuracy,loss\n0.9,1,1\n", "line 2: expected an epoch from 0"),
            ("epoch,accuracy,loss\n3,1,1\n0,1,1\n", "line 3: expected an epoch from 4"),
            ("epoch,accuracy,loss\n0,1,\"1\n2\",3\n", "a quote is not closed"),
            ("epoch,accuracy,\"\nx\"\n0,1,1\n", "a quote is not closed"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
