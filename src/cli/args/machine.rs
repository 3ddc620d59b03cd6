//! Options of the commands that need no model: `shapes`, `doctor`, `completions`, `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::batch_size;

/// List the layers with output shapes, parameters and multiply-adds
///
/// The shapes come from an actual forward pass.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet shapes                                shapes as in Burn and PyTorch
  lenet shapes --batch-size 32 --layout nhwc  shapes as in the notebook
  lenet shapes --json | jq .parameters        print the number of parameters")]
pub struct ShapesArgs {
    /// Images per batch
    #[arg(long, value_name = "N", default_value = "1", value_parser = batch_size())]
    pub batch_size: usize,
    /// Order of the dimensions, as in Burn and PyTorch (nchw) or as in TensorFlow (nhwc)
    #[arg(long, value_enum, default_value = "nchw")]
    pub layout: Layout,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// The dimension order of an image batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// Images, channels, height, width
    Nchw,
    /// Images, height, width, channels
    Nhwc,
}

/// Show CPU and GPU support, training speed, and data set location
///
/// Trains for about one second on each available backend. Exits with status 1 if the data set cannot be used. A missing
/// GPU is not an error.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet doctor                   check this machine
  lenet doctor --json | jq .gpu  print only the GPU")]
pub struct DoctorArgs {
    /// Directory with the four IDX files of the data set
    ///
    /// The default is the first of ./data, the user's cache directory (for example ~/.cache/lenet) and
    /// /usr/share/datasets/fashion-mnist that has the files.
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    #[cfg(feature = "wgpu")]
    #[command(flatten)]
    pub gpu: super::GpuArgs,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Print a shell completion script
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet completions bash > ~/.local/share/bash-completion/completions/lenet
  lenet completions zsh > ~/.zfunc/_lenet
  lenet completions fish > ~/.config/fish/completions/lenet.fish")]
pub struct CompletionsArgs {
    /// Shell to generate the script for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print a manual page, or write all of them to a directory
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet man | man -l -                     read the manual
  lenet man train | man -l -               read the page of one command
  lenet man --dir ~/.local/share/man/man1  write all pages")]
pub struct ManArgs {
    /// Command to document, for example `train` or `data fetch` [default: lenet itself]
    #[arg(conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write all manual pages to this directory, overwriting existing ones
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
