//! The command as it was typed, changed a little, to be advised: what is printed works when it is typed.

use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::io::text;

/// The words behind the program's name.
#[derive(Debug, Clone)]
pub struct Typed(Vec<OsString>);

impl Typed {
    /// Those of this process.
    #[must_use]
    pub fn now() -> Self {
        Self(std::env::args_os().skip(1).collect())
    }

    /// Without this option, which takes no value.
    #[must_use]
    pub fn without(mut self, option: &str) -> Self {
        self.0.retain(|word| word != option);
        self
    }

    /// Without this option and its value.
    #[must_use]
    pub fn without_value(self, option: &str) -> Self {
        let joined = format!("{option}=");
        let mut words = self.0.into_iter();
        let mut kept = Vec::new();
        while let Some(word) = words.next() {
            if word == option {
                words.next();
            } else if !word.as_encoded_bytes().starts_with(joined.as_bytes()) {
                kept.push(word);
            }
        }
        Self(kept)
    }

    /// With these words at the end.
    #[must_use]
    pub fn with(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.0.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }
}

/// As it is typed in a shell.
impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.iter().map(OsString::as_os_str);
        f.write_str(&text::shell([OsStr::new("lenet")].into_iter().chain(words)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_with_their_values_and_words_are_quoted() {
        let words = ["train", "--seeds", "1..3", "--force", "-o", "my {seed}.mpk"];
        let typed = Typed(words.map(OsString::from).to_vec());
        let changed = typed.without("--force").without_value("--seeds");
        let changed = changed.with(["--seeds", "2,3"]);
        assert_eq!(changed.to_string(), "lenet train -o 'my {seed}.mpk' --seeds 2,3");
        let joined = Typed(vec!["--seeds=1".into(), "-q".into()]);
        assert_eq!(joined.without_value("--seeds").to_string(), "lenet -q");
    }
}
