//! Which texts can be names of data sets and classes. Names come from directories, class lists, run records and model files.

use crate::io::text::{is_interpreted, quoted};

/// Maximum length of a name, in characters.
pub const MAX_NAME: usize = 64;

/// Returns whether `name` is short, can be printed as it is, has no invisible characters, and has no comma. Commas separate class
/// names in model files.
pub fn is_name(name: &str) -> bool {
    let length = name.chars().take(MAX_NAME + 1).count();
    let is_forbidden = |c| c == ',' || is_interpreted(c) || is_invisible(c);
    (1..=MAX_NAME).contains(&length)
        && !name.contains(is_forbidden)
        && name.trim_matches(|c: char| c.is_whitespace() || is_joiner(c)) == name
}

/// Checks that `name` can be the name of a class next to `others`.
///
/// # Errors
/// Returns what is wrong with the name.
pub fn check_class(name: &str, others: &[String]) -> Result<(), String> {
    if !is_name(name) {
        return Err(format!(
            "{} cannot be the name of a class, which has 1 to {MAX_NAME} printable characters and no comma",
            quoted(name)
        ));
    }
    match others.iter().any(|other| other == name) {
        true => Err(format!("the name {} occurs twice", quoted(name))),
        false => Ok(()),
    }
}

/// Returns whether a character has no width or is blank, although it is not a space, or sets the direction of writing. Two names
/// could look the same.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns whether a character has no width, but belongs inside words of some languages, or inside emoji.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_names_are_rejected() {
        for name in ["a", "größer", "T-shirt/top", "می‌خواهم", "❤️", "👩‍🔬", "名前"]
        {
            assert!(is_name(name), "{name:?}");
        }
        for character in ["\u{feff}", "\u{200b}", "\u{ad}", "\u{200f}", "\u{202e}", "\u{3164}"] {
            for name in [character, &format!("a{character}b"), &format!("a{character}")] {
                assert!(!is_name(name), "{name:?}");
            }
        }
        for name in ["\u{200d}", "a\u{200d}", "\u{200c}a", " ", " a", "a\u{a0}", "a,b", ""] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
