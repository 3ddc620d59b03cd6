//! A cell of the table of runs.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use crate::cli::compare::Setting;
use crate::io::text::line;

/// A cell. It is smaller than a JSON value, because a table may have a row for each of 100,000 epochs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Unknown,
    Truth(bool),
    Number(Number),
    Text(Rc<str>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Number(number.into())
    }
}

impl From<f64> for Cell {
    /// Returns a number, or no value for NaN, which a log has for a missing value.
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Unknown, Self::Number)
    }
}

impl From<&Setting> for Cell {
    fn from(setting: &Setting) -> Self {
        let Setting::Json(text) = setting else { return setting.as_str().into() };
        match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Self::Number(number),
            Ok(Value::Bool(value)) => Self::Truth(value),
            _ => text.as_str().into(),
        }
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::Truth(value) => value.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_unit(),
            Self::Truth(value) => value.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
        }
    }
}

impl Cell {
    /// Returns the cell for CSV. A spreadsheet runs text that starts like a formula, unless it starts with an apostrophe.
    pub(super) fn csv(&self) -> String {
        match self {
            // A line break in a cell would let a run record add lines to the table.
            Self::Text(text) if text.starts_with(['=', '+', '-', '@']) => {
                format!("'{}", line(text))
            }
            Self::Text(text) => line(text).into_owned(),
            cell => cell.to_string(),
        }
    }

    /// Compares two cells in the order of a sorted column: numbers by value, then text, then unknown values. The order is
    /// reversed for numbers if `is_best_highest` is set.
    pub(super) fn compare(&self, other: &Self, is_best_highest: bool) -> Ordering {
        let order = match (self, other) {
            (Self::Number(a), Self::Number(b)) => match (a.as_u64(), b.as_u64()) {
                // A float would not distinguish all seeds.
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.as_f64().unwrap_or(f64::NAN).total_cmp(&b.as_f64().unwrap_or(f64::NAN)),
            },
            (Self::Truth(a), Self::Truth(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => return self.rank().cmp(&other.rank()),
        };
        if is_best_highest { order.reverse() } else { order }
    }

    fn rank(&self) -> usize {
        match self {
            Self::Truth(_) => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
            Self::Unknown => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_text_is_no_formula() {
        for (text, expected) in [
            ("=1+2", "'=1+2"),
            ("@A1", "'@A1"),
            ("-x.json", "'-x.json"),
            ("+x", "'+x"),
            ("a=1\n", r"a=1\n"),
        ] {
            assert_eq!(Cell::from(text).csv(), expected);
        }
        assert_eq!(Cell::from(-0.5).csv(), "-0.5");
    }

    #[test]
    fn cells_are_ordered_by_value() {
        let cells = [
            Cell::Truth(false),
            Cell::Truth(true),
            Cell::from(0.05),
            Cell::from(9_u64),
            Cell::from(10_u64),
            // These seeds are equal as floats.
            Cell::from((1_u64 << 53) + 1),
            Cell::from((1_u64 << 53) + 2),
            Cell::from("10"),
            Cell::from("9"),
            Cell::Unknown,
        ];
        for (a, first) in cells.iter().enumerate() {
            for (b, second) in cells.iter().enumerate() {
                assert_eq!(first.compare(second, false), a.cmp(&b), "{first} {second}");
            }
        }
        let reversed = Cell::from(0.7).compare(&Cell::from(0.8), true);
        assert_eq!(reversed, Ordering::Greater);
        assert_eq!(Cell::from(0.7).compare(&Cell::Unknown, true), Ordering::Less);
    }
}
