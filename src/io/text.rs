//! Text that came from outside, made fit for a person's eyes and terminal.

use std::borrow::Cow;
use std::error::Error;

/// `text` as one line: what a terminal would obey instead of showing is written out, as in `\u{1b}`.
///
/// These are the control characters, line ends included, and those that turn the direction of writing or end a line
/// without being control characters.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(text, |character| character.escape_default().collect()))
}

/// JSON in which no character stands that a terminal obeys. It has the same value: such a character can only stand in
/// a string, where it may be written by its number.
pub fn json(document: String) -> String {
    if !document.contains(is_obeyed) {
        return document;
    }
    // All of them are below 0x10000.
    escaped(&document, |character| format!("\\u{:04x}", u32::from(character)))
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut clean = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match is_obeyed(character) {
            true => clean += &escape(character),
            false => clean.push(character),
        }
    }
    clean
}

fn is_obeyed(character: char) -> bool {
    matches!(character,
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || character.is_control()
}

/// `text` from a file as it may stand in a message: quoted, control characters escaped, cut to 60 characters.
pub fn quoted(text: &str) -> String {
    let end = text.char_indices().nth(60).map(|(end, _)| end);
    match end {
        Some(end) => format!("{:?}..", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The message of another crate on one line of at most 200 characters: it may repeat text of a file or server.
pub fn one_line(error: &dyn Error) -> String {
    line(&error.to_string()).chars().take(200).collect()
}

/// Two hexadecimal digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// With a comma between thousands: 54,000.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let thousands = digits.as_bytes().rchunks(3).rev();
    let thousands: Vec<_> = thousands.map(String::from_utf8_lossy).collect();
    thousands.join(",")
}

/// A number of things: 1 epoch, 2 epochs.
pub fn plural(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", count(number))
}

/// `words` as they are typed in a shell.
pub fn shell<'a>(words: impl IntoIterator<Item = &'a std::ffi::OsStr>) -> String {
    let words: Vec<String> = words.into_iter().map(shell_word).collect();
    words.join(" ")
}

fn shell_word(word: &std::ffi::OsStr) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(is_obeyed) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let escaped = word.as_encoded_bytes().iter();
            let escaped: String = escaped.map(|byte| format!("\\x{byte:02x}")).collect();
            format!("$'{escaped}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let every: String = ('\0'..='\u{2100}').collect();
        let clean = line(&every);
        assert!(!clean.contains(|c: char| c.is_control() || "\u{202e}\u{2066}".contains(c)));
        assert_eq!(line("a\u{1b}]0;X\u{7}\n\u{9b}b"), r"a\u{1b}]0;X\u{7}\n\u{9b}b");
        assert!(matches!(line("größer – ✓ 1.5"), Cow::Borrowed(_)));
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        let counts = [0, 999, 1000, 54_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "54,000", "1,234,567"]);
        let epochs = [1, 2].map(|number| plural(number, "epoch"));
        assert_eq!(epochs, ["1 epoch", "2 epochs"]);
    }

    #[test]
    fn json_is_clean_and_has_the_same_value() {
        let every: String = ('\0'..='\u{2100}').collect();
        let document = json(serde_json::to_string(&every).unwrap());
        assert!(!document.contains(is_obeyed));
        assert_eq!(serde_json::from_str::<String>(&document).unwrap(), every);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_words_that_were_written() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let words = ["plain.mpk", "two words", "it's", "", "$HOME;`x`", "a\nb\u{1b}", "{seed}"];
        let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        words.push(OsStr::from_bytes(b"m\xff.mpk"));
        let typed = shell(words.iter().copied());
        assert!(!typed.contains(is_obeyed), "{typed}");
        let script = format!("printf '%s\\0' {typed}");
        let output = std::process::Command::new("bash").args(["-c", &script]).output();
        let expected: Vec<u8> = words.iter().flat_map(|w| [w.as_bytes(), b"\0"].concat()).collect();
        assert_eq!(output.unwrap().stdout, expected);
    }
}
