//! Options of `lenet predict`.

use std::path::PathBuf;

use clap::Args;

use super::{ComputeArgs, DataArgs, Split, ValidationArgs, values};
use crate::picture::Invert;

const EXAMPLES: &str = "\
Examples:
  lenet predict model.mpk shirt.jpg             any size; a light background is inverted
  lenet predict model.mpk *.png --top 1
  lenet predict model.mpk --index 0,1,2         images of the test set
  lenet predict model.mpk shirt.jpg --json | jq '.predictions[0].class'";

/// Say what is on pictures, or on images of the data set
///
/// A picture is brought into the form of Fashion-MNIST: its plain margins are trimmed, the rest is scaled to
/// 28 pixels on the longer side and centred. A warning tells when it still does not look like the training images.
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct PredictArgs {
    /// Model file: .mpk, .safetensors or .pt
    pub model: PathBuf,
    /// Pictures: PNG, JPEG, GIF, WebP or BMP
    #[arg(value_name = "IMAGE", required_unless_present = "index", conflicts_with = "index")]
    pub images: Vec<PathBuf>,
    /// Images of the data set instead, by their numbers from 0
    #[arg(long, value_name = "I,J,..", value_delimiter = ',')]
    pub index: Vec<usize>,
    /// The part of the data set that --index counts in
    #[arg(long, value_enum, default_value = "test", conflicts_with = "images")]
    pub split: Split,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub validation: ValidationArgs,
    /// Negate the grey values, for pictures on a light background
    #[arg(long, value_enum, default_value = "auto", conflicts_with = "index")]
    pub invert: Invert,
    /// How many classes to name
    #[arg(long, value_name = "N", default_value = "3", value_parser = values::top)]
    pub top: usize,
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
