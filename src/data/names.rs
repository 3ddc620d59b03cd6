//! Which texts can be names of data sets and classes. Names come from directories, class lists, run records and model files.

use crate::io::text::quoted;

/// Maximum length of a name, in characters.
pub const MAX_NAME: usize = 64;

/// Returns whether `name` is short, and has no comma, no control character, and no character that reverses the text after it. A
/// comma separates class names in model files. Spaces and characters without a width may occur only inside the name, where words of
/// some languages and emoji need them.
pub fn is_name(name: &str) -> bool {
    let length = name.chars().take(MAX_NAME + 1).count();
    (1..=MAX_NAME).contains(&length)
        && !name.contains(is_forbidden)
        && name.trim_matches(|c: char| c.is_whitespace() || is_blank(c)) == name
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

fn is_forbidden(character: char) -> bool {
    let reverses = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character == ',' || character.is_control() || reverses
}

/// Returns whether a character has no width, or is as blank as a space.
fn is_blank(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{3164}' | '\u{feff}')
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
        for character in ["\u{feff}", "\u{200b}", "\u{ad}", "\u{200f}", "\u{3164}", "\u{200d}", " "]
        {
            assert!(is_name(&format!("a{character}b")), "{character:?}");
            for name in [character, &format!("a{character}"), &format!("{character}a")] {
                assert!(!is_name(name), "{name:?}");
            }
        }
        for name in ["a\u{202e}b", "a\u{2066}b", "a\u{1b}b", "a\nb", "a\u{a0}", "a,b", ""] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
