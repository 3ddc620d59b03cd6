//! Options of `lenet shapes`.

use clap::{Args, ValueEnum};

use super::{ComputeArgs, values};

const EXAMPLES: &str = "\
Examples:
  lenet shapes                                 the layers as Burn and PyTorch see them
  lenet shapes --batch-size 32 --layout nhwc   as the notebook prints them
  lenet shapes --json | jq .parameters";

/// List the layers with their output shapes, parameters and multiply-adds
///
/// The shapes are found by sending a batch through the network.
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct ShapesArgs {
    /// Images in the batch
    #[arg(long, value_name = "N", default_value = "1", value_parser = values::batch_size)]
    pub batch_size: usize,
    /// Order of the dimensions: as Burn and PyTorch have it (nchw) or as TensorFlow prints it (nhwc)
    #[arg(long, value_enum, default_value = "nchw")]
    pub layout: Layout,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub compute: ComputeArgs,
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
