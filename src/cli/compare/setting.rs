//! The settings of a run as a flat map from their names in the run record to their values.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::cli::ui::format::fields;
use crate::train::{Recipe, Settings};

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    Text(String),
    /// A number or a truth value, as in the run record.
    Json(String),
}

impl Setting {
    /// Returns the value as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Json(text) => text,
        }
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Returns the default settings of a named recipe, or none if the name is unknown.
pub fn defaults(recipe: &str) -> BTreeMap<String, Setting> {
    let settings = Recipe::named(recipe).map(Settings::new);
    settings.as_ref().map(flat).unwrap_or_default()
}

/// Returns all settings except the seed, by name in the run record.
pub(super) fn flat(settings: &Settings) -> BTreeMap<String, Setting> {
    let mut flat = BTreeMap::new();
    flatten("", &Value::Object(fields(settings)), &mut flat);
    flat.remove("seed");
    flat
}

/// Adds the leaves of `value` except nulls to `into`, with names joined by dots. A non-empty `prefix` ends with a dot.
fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, Setting>) {
    let setting = match value {
        Value::Null => return,
        Value::Object(parts) => {
            return parts
                .iter()
                .for_each(|(part, value)| flatten(&format!("{prefix}{part}."), value, into));
        }
        Value::String(text) => Setting::Text(text.clone()),
        value => Setting::Json(value.to_string()),
    };
    into.insert(prefix.trim_end_matches('.').to_owned(), setting);
}
