//! Formats numbers and JSON for the user.

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
    let digits = number.to_string();
    let thousands = digits.as_bytes().rchunks(3).rev();
    let thousands: Vec<_> = thousands.map(String::from_utf8_lossy).collect();
    thousands.join(",")
}

/// Formats a number with its noun: 1 epoch, 2 epochs.
pub fn plural(number: usize, noun: &str) -> String {
    let suffix = if number == 1 { "" } else { "s" };
    format!("{} {noun}{suffix}", count(number))
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
    }

    #[test]
    fn escaped_json_keeps_its_value() {
        let every: String = ('\0'..='\u{2100}').collect();
        let document = json(serde_json::to_string(&every).unwrap());
        assert!(!document.contains(is_interpreted));
        assert_eq!(serde_json::from_str::<String>(&document).unwrap(), every);
    }
}
