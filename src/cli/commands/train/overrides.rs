//! Applies text from the command line to a run: the seed in file names, and `--set KEY=VALUE`.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::cli::error::Error;
use crate::io::text::start;
use crate::io::{FileError, Origin, OutputDir};
use crate::train::Recipe;

/// The placeholder for the seed in `-o` and `--tensorboard`.
pub(super) const PLACEHOLDER: &str = "{seed}";

/// Returns whether the path contains the placeholder.
pub(super) fn has_placeholder(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.windows(PLACEHOLDER.len()).any(|window| window == PLACEHOLDER.as_bytes())
}

/// Replaces the placeholder in `path`, if any, with `seed`.
fn with_seed(path: &Path, seed: u64) -> PathBuf {
    match path.to_str() {
        Some(path) => PathBuf::from(path.replace(PLACEHOLDER, &seed.to_string())),
        None => with_seed_in_bytes(path, seed),
    }
}

/// Replaces the placeholder in a path that is not Unicode.
#[cfg(unix)]
fn with_seed_in_bytes(path: &Path, seed: u64) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let (mut replaced, mut rest) = (Vec::new(), path.as_os_str().as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        match rest.strip_prefix(PLACEHOLDER.as_bytes()) {
            Some(after) => {
                replaced.extend(seed.to_string().bytes());
                rest = after;
            }
            None => {
                replaced.push(*byte);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(replaced))
}

#[cfg(not(unix))]
fn with_seed_in_bytes(path: &Path, _: u64) -> PathBuf {
    path.to_owned()
}

/// Divides a path with the placeholder into the directory that the user typed and the part below it, in which the placeholder
/// becomes `seed`.
pub(super) fn directory(path: &Path, seed: u64) -> OutputDir {
    let is_typed = |part: &Component| !has_placeholder(Path::new(part));
    let typed: PathBuf = path.components().take_while(is_typed).collect();
    let below = path.strip_prefix(&typed).unwrap_or(Path::new(""));
    OutputDir::new(&typed, with_seed(below, seed))
}

/// Returns the path of the model of a run with `seed`, and who chose it: the user, unless `typed` contains the placeholder.
///
/// # Errors
/// Returns an error if a directory that contains the placeholder is a symlink.
pub(super) fn model_path(typed: &Path, seed: u64) -> Result<(PathBuf, Origin), FileError> {
    if !has_placeholder(typed) {
        return Ok((typed.to_owned(), Origin::User));
    }
    directory(typed.parent().unwrap_or(Path::new("")), seed).reject_symlinks()?;
    Ok((with_seed(typed, seed), Origin::Program))
}

/// Changes values of `recipe` by their names in the run record. A nested name is written with a dot:
/// `muon.weight_decay`.
///
/// # Errors
/// Returns a usage error if the recipe has no value of that name, or if the value has the wrong type.
pub(super) fn change(
    mut recipe: Recipe,
    assignments: &[(String, String)],
) -> Result<Recipe, Error> {
    for (key, text) in assignments {
        // A word that is not JSON is a string, as in `activation=tanh`.
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
        let mut document = serde_json::to_value(&recipe).expect("a recipe always becomes JSON");
        let known = keys(&document);
        *entry(&mut document, key).filter(|_| key != "name").ok_or_else(|| {
            Error::Usage(format!(
                "--set {}: no such value; expected one of {}",
                start(key),
                known.join(", ")
            ))
        })? = value;
        recipe = serde_json::from_value(document).map_err(|error| {
            Error::Usage(format!("--set {}={}: {error}", start(key), start(text)))
        })?;
    }
    Ok(recipe)
}

/// Returns the value named `key`, which exists in `document` or is a field of an absent object.
fn entry<'a>(document: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let Some((outer, inner)) = key.split_once('.') else { return document.get_mut(key) };
    let outer = document.get_mut(outer)?;
    if outer.is_null() {
        *outer = Value::Object(Map::new());
        return Some(&mut outer[inner]);
    }
    entry(outer, inner)
}

/// Returns the names of all values in `document` except the name of the recipe.
fn keys(document: &Value) -> Vec<String> {
    let fields = document.as_object().into_iter().flatten().filter(|(key, _)| *key != "name");
    let nested = |(key, value): (&String, &Value)| match value.as_object() {
        Some(inner) => inner.keys().map(|field| format!("{key}.{field}")).collect(),
        None => vec![key.clone()],
    };
    fields.flat_map(nested).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(recipe: Recipe, key: &str, value: &str) -> Result<Recipe, String> {
        change(recipe, &[(key.to_owned(), value.to_owned())]).map_err(|error| error.to_string())
    }

    #[test]
    fn named_values_are_changed() {
        let recipe = set(Recipe::tuned(), "muon.weight_decay", "0.05").unwrap();
        assert_eq!(recipe.muon.unwrap().weight_decay, 0.05);
        assert_eq!(Recipe { muon: Recipe::tuned().muon, ..recipe }, Recipe::tuned());
        let recipe = set(Recipe::classic(), "activation", "tanh").unwrap();
        assert_eq!(recipe.activation, Recipe::tuned().activation);
        assert_eq!(set(Recipe::classic(), "gain", "2").unwrap().gain, 2.0);
        // The classic recipe has no Muon, so the first of its values adds it.
        let recipe = set(Recipe::classic(), "muon.weight_decay", "0.1").unwrap();
        assert_eq!(recipe.muon.unwrap().weight_decay, 0.1);
        assert_eq!(set(recipe, "muon", "null").unwrap(), Recipe::classic());
    }

    #[test]
    fn unknown_name_error_lists_names() {
        for key in ["lr", "muon.rate", "learning_rate.x", "name", "", "."] {
            let error = set(Recipe::tuned(), key, "1").unwrap_err();
            assert!(error.contains("learning_rate") || error.contains("weight_decay"), "{error}");
        }
        let error = set(Recipe::classic(), "nesterov", "1").unwrap_err();
        assert!(error.starts_with("--set nesterov=1: invalid type"), "{error}");
    }
}
