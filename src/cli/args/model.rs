//! Options of the commands that read trained models: `eval`, `predict`, `report`, `compare`, `convert`.

use std::path::PathBuf;

use clap::Args;

use super::{ComputeArgs, DataArgs, Split, ValidationArgs, batch_size, values};
use crate::cli::picture::{Crop, Invert};

/// Evaluate a model: loss, accuracy, class metrics, confusion matrix
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet eval model.mpk                             use the 10,000 test images
  lenet eval model.safetensors --split validation  use the validation images
  lenet eval model.mpk --min-accuracy 0.75         exit with status 3 if below
  lenet eval model.mpk --json | jq .accuracy       print only the accuracy")]
pub struct EvalArgs {
    /// Model file: .mpk, .bpk, .safetensors or .pt
    pub model: PathBuf,
    /// Images to evaluate on
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
    /// Exit with status 3 if the accuracy is below this value
    #[arg(long, value_name = "ACCURACY", value_parser = values::accuracy)]
    pub min_accuracy: Option<f64>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Classify image files, or images from the data set
///
/// Pictures are converted to the form of the Fashion-MNIST images: plain margins are trimmed, and the rest is scaled to
/// 28 pixels on the longer side and centred. A warning is printed if the result still looks unlike the training images.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet predict model.mpk shirt.jpg       classify a picture of any size
  lenet predict model.mpk *.png --top 1   show only the most likely class
  lenet predict model.mpk - < shirt.jpg   classify a picture from standard input
  lenet predict model.mpk --index 0,1,2   classify images of the test set
  lenet predict model.mpk boot.png --why  show which parts of the image matter
  lenet predict model.mpk shirt.jpg --json | jq '.predictions[0].class'")]
pub struct PredictArgs {
    /// Model file: .mpk, .bpk, .safetensors or .pt
    pub model: PathBuf,
    /// Picture files: PNG, JPEG, GIF, WebP or BMP; - for standard input
    #[arg(value_name = "IMAGE", required_unless_present = "index", conflicts_with = "index")]
    pub images: Vec<PathBuf>,
    /// Classify images of the data set instead, by zero-based index
    #[arg(long, value_name = "I,J,..", value_delimiter = ',')]
    pub index: Vec<usize>,
    /// Part of the data set that --index refers to
    #[arg(long, value_enum, default_value = "test", conflicts_with = "images")]
    pub split: Split,
    #[command(flatten)]
    pub validation: ValidationArgs,
    /// Use only this part of each picture, in pixels from the top left corner
    #[arg(long, value_name = "X,Y,W,H", value_parser = values::crop, conflicts_with = "index")]
    pub crop: Option<Crop>,
    /// Invert the grey values, for pictures with a light background
    #[arg(long, value_enum, default_value = "auto", conflicts_with = "index")]
    pub invert: Invert,
    /// Number of classes to show
    #[arg(long, value_name = "N", default_value = "3", value_parser = values::integer::<usize>(1..=10))]
    pub top: usize,
    /// Show how much the probability of the predicted class falls if a part of the image is covered
    #[arg(long)]
    pub why: bool,
    /// Write the image, coloured by the result of --why, to this PNG file
    #[arg(long, value_name = "FILE", requires = "why")]
    pub png: Option<PathBuf>,
    /// Overwrite the PNG file if it exists
    #[arg(long, requires = "png")]
    pub force: bool,
    #[command(flatten)]
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Write an HTML report: the network at work, learning curves, confusion matrix, mistakes
///
/// The report is a single HTML file that loads nothing from the network. The settings and the learning curves come from
/// the run record that `lenet train` wrote next to the model, for example model.json for model.mpk.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet report model.mpk              write model.html, or replace it with a new report
  lenet report model.mpk --open       also open it in the browser
  lenet report a.mpk b.mpk            compare two models in a-b.html
  lenet report model.mpk -o new.html  choose the file name")]
pub struct ReportArgs {
    /// Model file: .mpk, .bpk, .safetensors or .pt. If there are two, the report compares them
    #[arg(value_name = "MODEL", required = true)]
    pub models: Vec<PathBuf>,
    /// Write the report to this file [default: next to the model, for example model.html for model.mpk]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file even if it is not a report
    #[arg(long)]
    pub force: bool,
    /// Open the report in the browser
    #[arg(long)]
    pub open: bool,
    #[command(flatten)]
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
}

/// Compare training runs, with tests of statistical significance
///
/// Runs that differ only in the seed form a group. Groups are compared by mean, standard deviation and Welch's t-test.
///
/// If the models are stored next to their run records, they are also evaluated on the test images. Each pair of models
/// from different groups is then compared with McNemar's exact test, which shows whether one of them
/// is correct more often.
///
/// Logs from other frameworks form a group if their file names differ only in numbers, such as keras-1.csv and keras-2.csv.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet compare a.json b.json                two runs, with their models if any
  lenet compare classic-*.json tuned-*.json  two groups of seeds
  lenet compare runs/*.json -o compare.html  also write an HTML report
  lenet compare model.json keras.csv         a Keras run logged by CSVLogger")]
pub struct CompareArgs {
    /// Run records (.json), models with a run record next to them, or Keras CSVLogger logs (.csv or .log)
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// Also write an HTML report to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the report if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Compare only the run records, even if the models are available
    #[arg(long)]
    pub records_only: bool,
    #[command(flatten)]
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Convert a model to another format
///
/// The file extension determines the format: .mpk, .bpk and .safetensors can be read and written, .pt and .pth only read,
/// .onnx only written. The written file is read back, and its weights are compared bit for bit.
///
/// The seed, recipe, accuracy and data set digests from the run record next to IN are copied into the metadata of
/// .safetensors and .onnx files.
///
/// If OUT is an existing directory or ends with a slash, four files are written to it: README.md (a model card with the
/// measured metrics), config.json, model.safetensors and model.onnx.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet convert model.mpk model.safetensors  for PyTorch, Keras and others
  lenet convert model.mpk model.onnx         for ONNX Runtime and others
  lenet convert model.mpk my-lenet/          a directory for Hugging Face
  lenet convert net.pt model.mpk             from a PyTorch state_dict")]
pub struct ConvertArgs {
    /// Model file to read: .mpk, .bpk, .safetensors or .pt
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Model file to write: .mpk, .bpk, .safetensors or .onnx; or a directory
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}
