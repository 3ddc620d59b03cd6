//! Options of `lenet doctor`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  lenet doctor                    the CPU level, the GPU, how fast they train, the data
  lenet doctor --json | jq .gpu";

/// Show what this machine computes with, how fast it trains and where the data is
///
/// Trains for about a second on each backend that is there. Exits with status 1 if the data set cannot be used. A missing GPU is no failure.
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct DoctorArgs {
    /// Folder of the data set's four IDX files [default: ./data, the cache folder, the system's]
    #[arg(long = "data", value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
