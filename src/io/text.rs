//! Escaping of untrusted text for messages.

use std::borrow::Cow;
use std::error::Error;

/// Escapes `text` to a single line: characters that a terminal interprets are written out, for example `\u{1b}`.
///
/// Escaped characters are the control characters, which include line breaks, the Unicode line and paragraph
/// separators, the characters that change the writing direction, the zero-width space, the byte order mark, and U+FFFE and
/// U+FFFF, which YAML rejects. Zero-width joiners are not escaped, because words and emoji need them.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_interpreted) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(text, |character| character.escape_default().collect()))
}

/// Replaces each character that a terminal interprets with the result of `escape`.
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

/// Returns whether a terminal or browser interprets this character or hides it, instead of showing it.
pub(crate) fn is_interpreted(character: char) -> bool {
    let is_invisible = matches!(character, '\u{200b}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let is_bidi_or_break = matches!(character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_invisible || is_bidi_or_break
}

/// Quotes text from a file for a message: escapes control characters and truncates to 60 characters.
pub fn quoted(text: &str) -> String {
    let start = start(text);
    format!("{start:?}{}", if start.len() < text.len() { ".." } else { "" })
}

/// Returns the first 60 characters of text from a file, to quote it in a message.
pub fn start(text: &str) -> &str {
    let end = text.char_indices().nth(60).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

/// Returns the message of an error from another crate on one line of at most 200 characters.
///
/// The message is untrusted, because it may quote a file or a server response.
pub fn one_line(error: &dyn Error) -> String {
    line(&error.to_string()).chars().take(200).collect()
}

/// Returns `url` with its user name and password replaced by dots, for messages.
///
/// A password may contain the characters that end the host of a URL, although they should be escaped. Therefore, everything
/// up to the last `@` is replaced if it may contain a user name or a password.
pub fn without_password(url: &str) -> Cow<'_, str> {
    let (scheme, rest) = match url.find("://") {
        Some(index) => url.split_at(index + 3),
        None => ("", url),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.rsplit_once('@') {
        Some((_, host)) if rest[..end].contains([':', '@']) => {
            Cow::Owned(format!("{scheme}...@{host}"))
        }
        _ => Cow::Borrowed(url),
    }
}

/// Returns `word` without the user name and the password if it contains a URL.
pub fn without_password_in(word: &str) -> Cow<'_, str> {
    if word.contains("://") { without_password(word) } else { Cow::Borrowed(word) }
}

/// Formats bytes as hexadecimal, two digits per byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_escapes_interpreted_characters() {
        let every: String = ('\0'..='\u{ffff}').collect();
        let clean = line(&every);
        let marks = "\u{61c}\u{200b}\u{200e}\u{200f}\u{202e}\u{2066}\u{feff}";
        assert!(!clean.contains(|c: char| c.is_control() || marks.contains(c)));
        assert_eq!(line("a\u{1b}]0;X\u{7}\n\u{9b}b"), r"a\u{1b}]0;X\u{7}\n\u{9b}b");
        assert!(matches!(line("größer – ✓ 1.5"), Cow::Borrowed(_)));
    }
    #[test]
    fn passwords_are_hidden() {
        for (url, shown) in [
            ("https://a.b:8/c", "https://a.b:8/c"),
            ("https://a.b/c@1/d", "https://a.b/c@1/d"),
            ("http://me:pass@a.b/c", "http://...@a.b/c"),
            ("http://token@a.b/c", "http://...@a.b/c"),
            ("http://me:p@ss@a.b?x", "http://...@a.b?x"),
            ("http://me:p/ss@a.b/c", "http://...@a.b/c"),
            ("http://me:p?s#s/@a.b/c", "http://...@a.b/c"),
            ("http://me:12/ss@a.b/c", "http://...@a.b/c"),
            ("me:pass@a.b", "...@a.b"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
