//! Options of `lenet eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ComputeArgs, DataArgs, ValidationArgs, values};

const EXAMPLES: &str = "\
Examples:
  lenet eval model.mpk                       on the 10,000 test images
  lenet eval model.safetensors --split validation
  lenet eval model.mpk --min-accuracy 0.75   exit status 3 if it is below
  lenet eval model.mpk --json | jq .accuracy";

/// Measure a trained model: loss, accuracy, per-class figures, confusion matrix
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct EvalArgs {
    /// Model file: .mpk, .safetensors or .pt
    pub model: PathBuf,
    /// Which images to use
    #[arg(long, value_enum, default_value = "test")]
    pub split: Split,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub validation: ValidationArgs,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value = "1000", value_parser = values::batch_size)]
    pub batch_size: usize,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub compute: ComputeArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub data: DataArgs,
    /// Exit with status 3 if the accuracy is below this
    #[arg(long, value_name = "ACCURACY", value_parser = values::accuracy)]
    pub min_accuracy: Option<f64>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// A part of the data set, as it can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// The test images
    Test,
    /// The last training images, which no weight was trained on
    Validation,
    /// The training images without those for validation
    Train,
}

impl Split {
    /// The name that is typed and reported.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
            Self::Train => "train",
        }
    }
}
