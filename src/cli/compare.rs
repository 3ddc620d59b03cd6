//! Options of `lenet compare`.

use std::path::PathBuf;

use clap::Args;

use super::{ComputeArgs, DataArgs};

const EXAMPLES: &str = "\
Examples:
  lenet compare a.json b.json                     two runs, with their models where these lie beside
  lenet compare classic-*.json tuned-*.json       two groups of seeds
  lenet compare runs/*.json -o compare.html       a page with curves
  lenet compare model.json keras.csv              a run of Keras' too, by its CSVLogger";

/// Compare trainings: settings, curves, final figures, and whether a difference is more than chance
///
/// Runs that differ in nothing but their seed form a group; groups are compared by mean and standard deviation and by
/// Welch's t-test. Where models lie beside their records they are asked about the test images, and every two of
/// different groups are compared by McNemar's exact test: is the one right more often than the other? Logs of another
/// engine whose names differ in nothing but numbers, as keras-1.csv and keras-2.csv, form a group too.
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct CompareArgs {
    /// Records (.json), models with a record beside them, or logs of Keras' CSVLogger (.csv)
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// Also write a page
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the page if it exists
    #[arg(long)]
    pub force: bool,
    /// Leave the models alone, even where they are there
    #[arg(long)]
    pub records_only: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub compute: ComputeArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub data: DataArgs,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
