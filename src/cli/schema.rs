//! Options of `lenet schema`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::commands::schema;

const EXAMPLES: &str = "\
Examples:
  lenet schema                   the names
  lenet schema record            of the .json beside a model
  lenet schema eval > eval.schema.json";

/// Print the JSON Schema of what --json prints, and of a record
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct SchemaArgs {
    /// Whose [default: a list of them]
    #[arg(value_parser = PossibleValuesParser::new(schema::names()))]
    pub name: Option<String>,
}
