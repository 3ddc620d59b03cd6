//! `lenet schema`.

use serde_json::Value;

use crate::cli::SchemaArgs;
use crate::error::Error;
use crate::schema::SCHEMAS;
use crate::ui::Out;

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
