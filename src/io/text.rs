//! Untrusted text, made safe to show in a message.

use std::borrow::Cow;
use std::error::Error;

/// `text` as one line: what a terminal would obey instead of showing is written out, as in `\u{1b}`.
///
/// These are the control characters, line ends included, and those that turn the direction of writing or end a line
/// without being control characters.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_interpreted) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(text, |character| character.escape_default().collect()))
}

/// Replaces each character that a terminal interprets by `escape` of it.
pub(crate) fn escaped(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut clean = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match is_interpreted(character) {
            true => clean += &escape(character),
            false => clean.push(character),
        }
    }
    clean
}

/// Returns whether a terminal interprets this character instead of showing it.
pub(crate) fn is_interpreted(character: char) -> bool {
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
}
