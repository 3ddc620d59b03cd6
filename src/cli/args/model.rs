//! Options of the commands about trained models: `eval`, `predict`, `report`, `compare`, `convert`.

use std::path::PathBuf;

use clap::Args;

use super::{ComputeArgs, DataArgs, Split, ValidationArgs, batch_size, values};
use crate::cli::picture::Invert;

/// Measure a trained model: loss, accuracy, per-class figures, confusion matrix
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet eval model.mpk                       on the 10,000 test images
  lenet eval model.safetensors --split validation
  lenet eval model.mpk --min-accuracy 0.75   exit status 3 if it is below
  lenet eval model.mpk --json | jq .accuracy")]
pub struct EvalArgs {
    /// Model file: .mpk, .safetensors or .pt
    pub model: PathBuf,
    /// Which images to use
    #[arg(long, value_enum, default_value = "test")]
    pub split: Split,
    #[command(flatten)]
    pub validation: ValidationArgs,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value = "1000", value_parser = batch_size())]
    pub batch_size: usize,
    #[command(flatten)]
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Exit with status 3 if the accuracy is below this
    #[arg(long, value_name = "ACCURACY", value_parser = values::accuracy)]
    pub min_accuracy: Option<f64>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Say what is in pictures, or in images of the data set
///
/// A picture is brought into the form of Fashion-MNIST: its plain margins are trimmed, the rest is scaled to
/// 28 pixels on the longer side and centred. A warning says when it still does not look like the training images.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet predict model.mpk shirt.jpg             any size; a light background is inverted
  lenet predict model.mpk *.png --top 1
  lenet predict model.mpk --index 0,1,2         images of the test set
  lenet predict model.mpk shirt.jpg --json | jq '.predictions[0].class'")]
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
    pub validation: ValidationArgs,
    /// Negate the grey values, for pictures on a light background
    #[arg(long, value_enum, default_value = "auto", conflicts_with = "index")]
    pub invert: Invert,
    /// How many classes to name
    #[arg(long, value_name = "N", default_value = "3", value_parser = values::whole::<usize>(1..=10))]
    pub top: usize,
    #[command(flatten)]
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Write a page about a model: curves, confusions, mistakes, filters
///
/// It is one HTML file that needs no network. The settings and the curves come from the record that `lenet train`
/// left beside the model, as model.json beside model.mpk.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet report model.mpk                   write report.html
  lenet report model.mpk -o new.html       under another name
  lenet report model.mpk --force           replace the old report")]
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
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
}

/// Compare trainings: settings, curves, final figures, and whether a difference is more than chance
///
/// Runs that differ only in their seed form a group. Groups are compared by mean and standard deviation and by
/// Welch's t-test. Where models lie beside their records, they classify the test images, and every two models of
/// different groups are compared by McNemar's exact test: is one right more often than the other? Logs of another
/// engine whose names differ only in numbers, such as keras-1.csv and keras-2.csv, form a group too.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet compare a.json b.json                     two runs, with their models if these lie beside them
  lenet compare classic-*.json tuned-*.json       two groups of seeds
  lenet compare runs/*.json -o compare.html       a page with curves
  lenet compare model.json keras.csv              with a run of Keras, logged by its CSVLogger")]
pub struct CompareArgs {
    /// Records (.json), models with a record beside them, or logs of Keras' CSVLogger (.csv)
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// Also write a page
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the page if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Compare the records alone, even where there are models
    #[arg(long)]
    pub records_only: bool,
    #[command(flatten)]
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Write a model in another format
///
/// The endings decide: .mpk and .safetensors are read and written, .pt and .pth read, .onnx written. The written file
/// is read back, and its weights are compared bit for bit.
/// Seed, recipe, accuracy and the digests of the data, from the .json beside IN, travel along into .safetensors and
/// .onnx. A folder, one that exists or a name with a slash at its end, gets README.md (a model card with the measured
/// figures), config.json, model.safetensors and model.onnx.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet convert model.mpk model.safetensors   for PyTorch, and for Keras with a few lines of Python
  lenet convert model.mpk model.onnx          for ONNX Runtime and whatever else runs ONNX
  lenet convert model.mpk my-lenet/           a folder for Hugging Face's hub, with a model card
  lenet convert net.pt model.mpk              from torch.save(net.state_dict(), \"net.pt\")")]
pub struct ConvertArgs {
    /// Model file to read: .mpk, .safetensors or .pt
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Model file to write: .mpk, .safetensors or .onnx; or a folder
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Replace OUT, or its files in the folder, if they exist
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
