//! Options of `lenet runs`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::values;

/// List training runs: one row per run record, with the settings that differ
///
/// Directories are searched recursively for run records (.json), which `lenet train` writes next to each model.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet runs                          list all runs in this directory
  lenet runs sweep --sort val_loss    sort by validation loss, best first
  lenet runs sweep --best 3           list the three with the best validation accuracy
  lenet runs sweep --csv > sweep.csv  write a table for a spreadsheet
  lenet runs model.mpk --per-epoch    show the metrics of every epoch")]
pub struct RunsArgs {
    /// Directories, run records (.json), models with a run record next to them, or Keras CSVLogger logs (.csv)
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Sort by this column of --csv: metrics from best to worst, other columns in ascending order
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<String>,
    /// Show only the N best runs, judged by the --sort column [default: val_accuracy]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub best: Option<NonZeroUsize>,
    /// Print one row per epoch instead of one per run
    #[arg(long)]
    pub per_epoch: bool,
    /// Print CSV instead of text
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}
