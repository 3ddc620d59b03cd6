//! The command line: what can be typed. Only declarations; each command's work is in [`crate::cli::commands`].

mod data;
mod machine;
mod model;
mod parse;
mod train;
mod typed;
mod values;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use data::{DataAction, DataCommand, FetchArgs, ShowArgs, VerifyArgs};
pub use machine::{CompletionsArgs, DoctorArgs, Layout, ManArgs, ShapesArgs};
pub use model::{CompareArgs, ConvertArgs, EvalArgs, PredictArgs, ReportArgs};
pub use train::{ProgressStyle, RecipeName, TrainArgs};
pub use typed::typed;
pub use values::Seeds;

use crate::train::MAX_BATCH_SIZE;

/// Train, evaluate and explain the LeNet network on Fashion-MNIST
#[derive(Debug, Parser)]
#[command(name = "lenet", version, arg_required_else_help = true, max_term_width = 100)]
#[command(before_help = "\
Examples:
  lenet train                       train for 5 epochs on the CPU, write model.mpk
  lenet train --backend wgpu        the same on the GPU
  lenet train --resume --epochs 20  continue where model.mpk stopped
  lenet eval model.mpk              loss, accuracy and confusion matrix on the test images
  lenet predict model.mpk shirt.jpg what is in a picture
  lenet report model.mpk            a page about the model, report.html
  lenet compare a.json b.json       two runs side by side
  lenet convert model.mpk m.onnx    the model for other programs
  lenet shapes                      the network's layers, their shapes and parameters")]
#[command(after_help = "\
Environment:
  LENET_DATA_DIR   where the data set is, like --data
  LENET_SIMD       CPU level of the kernels: scalar, avx2 or neon (default: the best there is)
  NO_COLOR         no colours and no bars

Exit status: 0 done, 1 failed, 2 wrong usage, 3 a gate such as --min-accuracy was missed,
130 or 143 stopped by a signal (nothing is lost: continue with --resume).")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Train(TrainArgs),
    Eval(EvalArgs),
    Predict(PredictArgs),
    Report(ReportArgs),
    Compare(CompareArgs),
    Shapes(ShapesArgs),
    Convert(ConvertArgs),
    Data(DataCommand),
    Doctor(DoctorArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Where the tensors live and are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// The CPU
    #[cfg(feature = "ndarray")]
    Ndarray,
    /// The GPU, through Vulkan or Metal
    #[cfg(feature = "wgpu")]
    Wgpu,
}

/// The backend where none is named: the CPU, if this build has it.
const DEFAULT_BACKEND: &str = if cfg!(feature = "ndarray") { "ndarray" } else { "wgpu" };

/// A part of the data set, as it can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// The test images
    Test,
    /// The training images held out for validation, which no weight was trained on
    Validation,
    /// The training images without those
    Train,
}

/// The name under which a value is typed and reported.
pub fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Options of every command that computes.
#[derive(Debug, Clone, Args)]
pub struct ComputeArgs {
    /// Compute on the CPU (ndarray) or on the GPU (wgpu)
    #[arg(long, value_enum, default_value = DEFAULT_BACKEND, env = "LENET_BACKEND")]
    pub backend: Backend,
    /// CPU threads [default: all cores]; the result is the same for any number
    #[arg(long, value_name = "N", value_parser = values::whole::<usize>(1..=1024), env = "LENET_THREADS")]
    pub threads: Option<usize>,
}

/// Options of every command that can use the validation images.
#[derive(Debug, Clone, Args)]
pub struct ValidationArgs {
    /// Share of the training images that are validation images, as it was in training
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = values::share, env = "LENET_VALIDATION_SPLIT")]
    pub validation_split: f64,
    /// The validation images are of all classes in proportion, as in a training with --stratified
    #[arg(long)]
    pub stratified: bool,
}

/// Options of every command that reads the data set.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder of the data set's four IDX files [default: ./data, the cache folder, the system's]
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Accept a data set of the right form that is not Fashion-MNIST
    #[arg(long)]
    pub any_dataset: bool,
    /// Use only the first N training and the first N test images (for a quick try)
    #[arg(long, value_name = "N", value_parser = values::limit)]
    pub limit: Option<NonZeroUsize>,
}

/// A number of images in a batch.
fn batch_size() -> impl Fn(&str) -> Result<usize, String> + Clone {
    values::whole(1..=MAX_BATCH_SIZE as u64)
}
