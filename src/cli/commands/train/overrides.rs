//! Applies text from the command line to a run: the seed in file names, and `--set KEY=VALUE`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::cli::error::Error;
use crate::io::Origin;
use crate::train::Recipe;

/// The placeholder for the seed in `-o` and `--tensorboard`.
pub(super) const PLACEHOLDER: &str = "{seed}";

/// Returns whether the path contains the placeholder.
pub(super) fn has_placeholder(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.contains(PLACEHOLDER))
}

/// Replaces the placeholder in `path`, if any, with `seed`.
pub(super) fn with_seed(path: &Path, seed: u64) -> PathBuf {
    match path.to_str() {
        Some(path) => PathBuf::from(path.replace(PLACEHOLDER, &seed.to_string())),
        None => path.to_owned(),
    }
}

/// Returns who chose the path of a file: the user, unless the path contains the placeholder.
pub(super) fn origin(typed: Option<&Path>) -> Origin {
    match typed.is_some_and(has_placeholder) {
        true => Origin::Program,
        false => Origin::User,
    }
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
                "--set {key}: no such value; expected one of {}",
                known.join(", ")
            ))
        })? = value;
        recipe = serde_json::from_value(document)
            .map_err(|error| Error::Usage(format!("--set {key}={text}: {error}")))?;
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
