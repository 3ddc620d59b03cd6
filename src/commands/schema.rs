//! `lenet schema`: the JSON Schemas of the documents. Each is a file, which a test compares with what is printed.

use serde_json::Value;

use crate::cli::SchemaArgs;
use crate::error::Error;
use crate::ui::Out;

/// Name and schema of every document.
const SCHEMAS: [(&str, &str); 12] = [
    ("record", include_str!("../schema/record.json")),
    ("train", include_str!("../schema/train.json")),
    ("eval", include_str!("../schema/eval.json")),
    ("predict", include_str!("../schema/predict.json")),
    ("compare", include_str!("../schema/compare.json")),
    ("shapes", include_str!("../schema/shapes.json")),
    ("convert", include_str!("../schema/convert.json")),
    ("fetch", include_str!("../schema/fetch.json")),
    ("verify", include_str!("../schema/verify.json")),
    ("show", include_str!("../schema/show.json")),
    ("doctor", include_str!("../schema/doctor.json")),
    ("config", include_str!("../schema/config.json")),
];

/// The names, in the order in which they are listed.
#[must_use]
pub fn names() -> [&'static str; SCHEMAS.len()] {
    SCHEMAS.map(|(name, _)| name)
}

impl SchemaArgs {
    /// Prints one, or the list.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub fn run(&self) -> Result<(), Error> {
        let mut out = Out::default();
        for (name, schema) in SCHEMAS {
            match &self.name {
                Some(asked) if asked == name => out.verbatim(schema.trim_end()),
                Some(_) => {}
                None => out.line(&format!("{name:<8}  {}", title(schema))),
            }
        }
        out.finish()
    }
}

fn title(schema: &str) -> String {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    schema["title"].as_str().unwrap_or_default().to_owned()
}
