//! Options of the commands about the network, this machine and the program itself: `shapes`, `doctor`,
//! `completions`, `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::batch_size;

/// List the layers with their output shapes, parameters and multiply-adds
///
/// The shapes are found by sending an image through the network.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet shapes                                 the layers as Burn and PyTorch see them
  lenet shapes --batch-size 32 --layout nhwc   as the notebook prints them
  lenet shapes --json | jq .parameters")]
pub struct ShapesArgs {
    /// Images in the batch
    #[arg(long, value_name = "N", default_value = "1", value_parser = batch_size())]
    pub batch_size: usize,
    /// Order of the dimensions: as Burn and PyTorch have it (nchw) or as TensorFlow prints it (nhwc)
    #[arg(long, value_enum, default_value = "nchw")]
    pub layout: Layout,
    /// Print one JSON document instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Order of an image batch's dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// Images, channels, height, width
    Nchw,
    /// Images, height, width, channels
    Nhwc,
}

/// Show what this machine computes with, how fast it trains and where the data is
///
/// Trains for about a second on each backend that is there. Exits with status 1 if the data set cannot be used. A
/// missing GPU is not a failure.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet doctor                    the CPU level, the GPU, how fast they train, the data
  lenet doctor --json | jq .gpu")]
pub struct DoctorArgs {
    /// Folder of the data set's four IDX files [default: ./data, the cache folder, the system's]
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Print a script that completes lenet's commands and options in a shell
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet completions bash > ~/.local/share/bash-completion/completions/lenet
  lenet completions zsh > ~/.zfunc/_lenet          a folder of your $fpath
  lenet completions fish > ~/.config/fish/completions/lenet.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print the manual
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet man | man -l -          read the manual
  lenet man train | man -l -    the page of one command
  lenet man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The command whose page to print, as in `train` or `data fetch` [default: lenet itself]
    #[arg(conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write all pages to this folder, replacing those that are there
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
