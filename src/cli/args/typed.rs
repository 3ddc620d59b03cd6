//! The command as it was typed, changed a little, to be advised: what is printed works when it is typed.

use std::ffi::{OsStr, OsString};

use crate::cli::ui::format;

/// The command of this process without `--force`, `--resume` and the option `replaced` with its value, and with `more` at
/// its end, as it is typed in a shell.
pub fn typed(replaced: Option<&str>, more: &[&OsStr]) -> String {
    changed(std::env::args_os().skip(1), replaced, more)
}

fn changed(
    words: impl IntoIterator<Item = OsString>,
    replaced: Option<&str>,
    more: &[&OsStr],
) -> String {
    let joined = replaced.map(|option| format!("{option}=").into_bytes());
    let is_joined = |word: &OsString| {
        joined.as_ref().is_some_and(|joined| word.as_encoded_bytes().starts_with(joined))
    };
    let mut words = words.into_iter();
    let mut kept = vec![OsString::from("lenet")];
    while let Some(word) = words.next() {
        if replaced.is_some_and(|option| word == option) {
            words.next();
        } else if word != "--force" && word != "--resume" && !is_joined(&word) {
            kept.push(word);
        }
    }
    format::shell(kept.iter().map(OsString::as_os_str).chain(more.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_with_their_values_and_words_are_quoted() {
        let changed = |words: &[&str], more: &[&str]| {
            let more: Vec<_> = more.iter().map(OsStr::new).collect();
            changed(words.iter().map(OsString::from), Some("--seeds"), &more)
        };
        let words = ["train", "--seeds", "1..3", "--force", "-o", "my {seed}.mpk"];
        let found = changed(&words, &["--seeds", "2,3"]);
        assert_eq!(found, "lenet train -o 'my {seed}.mpk' --seeds 2,3");
        assert_eq!(changed(&["--seeds=1", "--resume", "-q"], &[]), "lenet -q");
    }
}
