//! Options of `lenet report`.

use std::path::PathBuf;

use clap::Args;

use super::{ComputeArgs, DataArgs};

const EXAMPLES: &str = "\
Examples:
  lenet report model.mpk                   write report.html
  lenet report model.mpk -o new.html       under another name
  lenet report model.mpk --force           replace the old report";

/// Write a page about a model: curves, confusions, mistakes, kernels
///
/// One HTML file that asks nothing of any network. The settings and the curves come from the record that
/// `lenet train` left beside the model, as model.json beside model.mpk.
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct ReportArgs {
    /// Model file: .mpk, .safetensors or .pt
    pub model: PathBuf,
    /// Where to write the page
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub compute: ComputeArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub data: DataArgs,
}
