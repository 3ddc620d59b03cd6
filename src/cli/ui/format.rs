//! Formats numbers and JSON for the user.

use indicatif::HumanCount;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::io::text::{escaped, is_interpreted};

/// Escapes every character in a JSON document that a terminal interprets. The value stays the same, because such a
/// character can occur only in a string, where JSON allows `\u` escapes.
pub fn json(document: String) -> String {
    if !document.contains(is_interpreted) {
        return document;
    }
    // All these characters are below 0x10000.
    escaped(&document, |character| format!("\\u{:04x}", u32::from(character)))
}

/// Formats a number with thousands separators: 54,000.
pub fn count(number: usize) -> String {
    HumanCount(number as u64).to_string()
}

/// Formats a number with its noun: 1 epoch, 2 epochs.
pub fn plural(number: usize, noun: &str) -> String {
    let suffix = if number == 1 { "" } else { "s" };
    format!("{} {noun}{suffix}", count(number))
}

/// Text of a cell whose value is unknown.
pub const UNKNOWN: &str = "–";

/// Returns the fields of a value as JSON.
pub fn fields(value: &impl Serialize) -> Map<String, Value> {
    // Convert through text, which has the shortest digits that identify an f32. A direct conversion would widen it to
    // f64 and give more digits.
    let text = serde_json::to_string(value).expect("numbers and strings always become JSON");
    serde_json::from_str(&text).expect("the value is a struct or an object")
}

/// Formats a fraction as a percentage, for example 79.31%.
pub fn percent(fraction: f64) -> String {
    format!("{:.2}%", 100.0 * fraction)
}

/// Formats a duration, for example 4.8 s or 3 min 20 s.
pub fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round() as u64;
    format!("{} min {} s", seconds / 60, seconds % 60)
}

/// Formats a metric with `digits` decimals, or as a dash if it is unknown.
pub fn decimals(value: Option<f64>, digits: usize) -> String {
    value.map_or(UNKNOWN.to_owned(), |value| format!("{value:.digits$}"))
}

/// Formats a number with this many significant digits, in scientific notation if it is very small or large.
pub fn significant(value: f64, digits: usize) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if (1e-4..1e4).contains(&v) => {
            let digits = (digits as f64 - 1.0 - v.log10().floor()).max(0.0) as usize;
            format!("{v:.digits$}")
        }
        v => format!("{v:.*e}", digits - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators_and_nouns() {
        let counts = [0, 999, 1000, 54_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "54,000", "1,234,567"]);
        let epochs = [1, 2].map(|number| plural(number, "epoch"));
        assert_eq!(epochs, ["1 epoch", "2 epochs"]);
        assert_eq!(percent(0.793_14), "79.31%");
        assert_eq!([4.84, 200.4].map(duration), ["4.8 s", "3 min 20 s"]);
        let texts = [0.0, 0.123_45, 0.001_234, 12.345, 1e-7].map(|value| significant(value, 3));
        assert_eq!(texts, ["0", "0.123", "0.00123", "12.3", "1.00e-7"]);
    }

    #[test]
    fn escaped_json_keeps_its_value() {
        let every: String = ('\0'..='\u{2100}').collect();
        let document = json(serde_json::to_string(&every).unwrap());
        assert!(!document.contains(is_interpreted));
        assert_eq!(serde_json::from_str::<String>(&document).unwrap(), every);
    }
}
