//! `classes.txt`, which names the classes of a data set that is not in [`KNOWN`](super::datasets::KNOWN).
//!
//! The file has one name per line, in the order of the labels: two to ten names of at most 64 characters, without commas. A tab and
//! the word `flip` after a name allow augmentation to flip images of the class.

use std::io::ErrorKind;
use std::path::Path;

use super::datasets::{CLASSES, DatasetInfo};
use super::error::DataError;
use super::names::check_class;
use crate::io::limits::is_exhausted;

/// Name of the file.
pub const FILE: &str = "classes.txt";

/// Maximum size of the file in bytes. Ten names of 64 characters take at most 2,620 bytes.
const MAX_BYTES: u64 = 4096;

/// The mark after the name of a class whose images may be flipped.
const FLIP: &str = "\tflip";

/// Reads the file in `dir`. Returns `None` if there is none.
///
/// # Errors
/// Returns an error if the file cannot be read, or if it is not a valid list of names.
pub fn read(dir: &Path) -> Result<Option<DatasetInfo>, DataError> {
    let path = dir.join(FILE);
    let found = match crate::io::read(&path, MAX_BYTES) {
        Ok(bytes) => parse(&bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if is_exhausted(&error) => {
            return Err(DataError::File { path, source: error.into() });
        }
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    found.map(Some).map_err(|problem| DataError::Classes { path, problem })
}

/// Returns the content of the file.
pub fn encode(info: &DatasetInfo) -> String {
    let line = |(label, name): (usize, &_)| {
        let mark = if info.may_flip(label as u8) { FLIP } else { "" };
        format!("{name}{mark}\n")
    };
    info.classes.iter().enumerate().map(line).collect()
}

/// Parses the content of the file.
fn parse(bytes: &[u8]) -> Result<DatasetInfo, String> {
    let text = str::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    // Some editors start a text with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
    let (mut classes, mut flippable) = (Vec::new(), Vec::new());
    for (label, line) in text.lines().enumerate() {
        let line = line.trim_end();
        let name = line.strip_suffix(FLIP).map_or(line, str::trim_end);
        if name.len() < line.len() {
            flippable.push(label as u8);
        }
        check_class(name, &classes).map_err(|problem| format!("line {}: {problem}", label + 1))?;
        classes.push(name.to_owned());
        if classes.len() > CLASSES {
            break;
        }
    }
    match classes.len() {
        2..=CLASSES => Ok(DatasetInfo::with_classes(&classes, &flippable)),
        0 | 1 => Err(format!("has fewer than 2 names, expected 2 to {CLASSES}, one per line")),
        _ => Err(format!("has more than {CLASSES} names, expected 2 to {CLASSES}, one per line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_round_trip() {
        let names = ["circle", "right hand", "stop flip", "größer"].map(str::to_owned);
        let info = DatasetInfo::with_classes(&names, &[0, 2]);
        let text = encode(&info);
        assert_eq!(text, "circle\tflip\nright hand\nstop flip\tflip\ngrößer\n");
        assert_eq!(parse(text.as_bytes()), Ok(info.clone()));
        // An editor on Windows adds a byte order mark and carriage returns.
        let windows =
            format!("\u{feff}{}\r\n\r\n", text.replace('\n', "\r\n").replace('\t', " \t"));
        assert_eq!(parse(windows.as_bytes()), Ok(info));
    }

    #[test]
    fn invalid_classes_are_rejected() {
        let long = "x".repeat(65);
        for (text, problem) in [
            ("", "has fewer than 2 names"),
            ("a\n", "has fewer than 2 names"),
            ("a\n\nb\n", "line 2: \"\" cannot be"),
            ("a\nb,c\n", "line 2: \"b,c\" cannot be"),
            ("a\n b\n", "line 2: \" b\" cannot be"),
            ("a\nb\tflop\n", "line 2: \"b\\tflop\" cannot be"),
            ("a\n\u{1b}[31m\n", "line 2: \"\\u{1b}[31m\" cannot be"),
            ("a\na\u{200b}\n", "line 2: \"a\\u{200b}\" cannot be"),
            ("a\na\n", "line 2: the name \"a\" occurs twice"),
            ("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n", "has more than 10 names"),
            (&format!("a\n{long}"), "line 2: \"xxx"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(problem), "{text:?}: {error}");
        }
        assert_eq!(parse(b"a\n\xff\n").unwrap_err(), "is not UTF-8 text");
    }
}
