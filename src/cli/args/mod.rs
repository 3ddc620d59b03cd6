//! Declarations of the command-line arguments. The commands are implemented in [`crate::cli::commands`].

mod data;
mod environment;
mod machine;
mod model;
mod parse;
mod rerun;
mod runs;
mod train;
mod values;

use std::num::NonZeroUsize;
use std::path::PathBuf;

#[cfg(feature = "wgpu")]
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use data::{
    DataAction, DataCommand, FetchArgs, ImportArgs, KnownDataset, ShowArgs, VerifyArgs,
};
pub use machine::{CompletionsArgs, DoctorArgs, Layout, ManArgs, ShapesArgs};
pub use model::{CompareArgs, ConvertArgs, EvalArgs, PredictArgs, ReportArgs};
pub use rerun::{quoted, quoted_path, rerun_command};
pub use runs::RunsArgs;
pub use train::{ProgressStyle, RecipeName, TrainArgs};
pub use values::Seeds;

use crate::train::MAX_BATCH_SIZE;

/// Train, evaluate and explain the LeNet network on Fashion-MNIST
#[derive(Debug, Parser)]
#[command(name = "lenet", version, arg_required_else_help = true, max_term_width = 100)]
#[command(before_help = "\
Examples:
  lenet train                        train 5 epochs on the CPU, write model.mpk
  lenet train --backend wgpu         train on the GPU
  lenet train --resume --epochs 20   continue the run of model.mpk to epoch 20
  lenet eval model.mpk               show test loss, accuracy, confusion matrix
  lenet predict model.mpk shirt.jpg  classify a picture
  lenet report model.mpk             write an HTML report to model.html
  lenet runs                         list the training runs in this directory
  lenet compare a.json b.json        compare two training runs
  lenet convert model.mpk m.onnx     convert the model to ONNX
  lenet shapes                       list the layers of the network")]
#[command(after_help = "\
Environment:
  LENET_DATA_DIR  data set directory, like --data
  LENET_GPU       GPU for --backend wgpu, like --gpu
  LENET_SIMD      CPU instruction set: scalar, avx2, avx512 or neon (default: the fastest)
  NO_COLOR        disable colours and progress bars

Exit status:
  0         success
  1         failure
  2         usage error
  3         accuracy below --min-accuracy
  4         stopped by --max-time; continue with --resume
  130, 143  stopped by Ctrl-C or SIGTERM; continue with --resume")]
pub struct Cli {
    /// Command to run
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    Train(TrainArgs),
    Eval(EvalArgs),
    Predict(PredictArgs),
    Report(ReportArgs),
    Runs(RunsArgs),
    Compare(CompareArgs),
    Shapes(ShapesArgs),
    Convert(ConvertArgs),
    Data(DataCommand),
    Doctor(DoctorArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// The device to compute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// CPU
    #[cfg(feature = "ndarray")]
    Ndarray,
    /// GPU, through Vulkan or Metal
    #[cfg(feature = "wgpu")]
    Wgpu,
}

/// The default backend: the CPU if this build includes it.
const DEFAULT_BACKEND: &str = if cfg!(feature = "ndarray") { "ndarray" } else { "wgpu" };

/// A part of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// Test images
    Test,
    /// Training images held out for validation and never trained on
    Validation,
    /// Training images without the validation images
    Train,
}

/// Returns the name of a value on the command line and in the output.
pub fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Selects a GPU.
#[cfg(feature = "wgpu")]
#[derive(Debug, Clone, Args)]
pub struct GpuArgs {
    /// Use this GPU: its number in `lenet doctor`, or a part of its name [default: the fastest]
    #[arg(id = "gpu", long = "gpu", value_name = "GPU", value_parser = NonEmptyStringValueParser::new(), env = "LENET_GPU")]
    pub choice: Option<String>,
}

/// Options of every command that runs the network.
#[derive(Debug, Clone, Args)]
pub struct ComputeArgs {
    /// Compute on the CPU (ndarray) or on the GPU (wgpu)
    #[arg(long, value_enum, default_value = DEFAULT_BACKEND, env = "LENET_BACKEND")]
    pub backend: Backend,
    #[cfg(feature = "wgpu")]
    #[command(flatten)]
    pub gpu: GpuArgs,
    /// Number of CPU threads; does not affect the results [default: all cores]
    #[arg(long, value_name = "N", value_parser = values::integer::<usize>(1..=1024), env = "LENET_THREADS")]
    pub threads: Option<usize>,
}

/// Options of every command that can use the validation images.
#[derive(Debug, Clone, Args)]
pub struct ValidationArgs {
    /// Fraction of the training images held out for validation [default: as in the model's run record, otherwise 0.1]
    #[arg(long, value_name = "FRACTION", value_parser = values::fraction, env = "LENET_VALIDATION_SPLIT")]
    pub validation_split: Option<f64>,
    /// Use the stratified validation split [default: as in the model's run record, otherwise off]
    #[arg(long)]
    pub stratified: bool,
}

/// Options of every command that reads the data set.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Directory with the four IDX files of the data set
    ///
    /// The default is the first of ./data, the user's cache directory (for example ~/.cache/lenet) and
    /// /usr/share/datasets/fashion-mnist that has the files.
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Accept a data set in the same format that is not Fashion-MNIST and has no classes.txt
    #[arg(long)]
    pub any_dataset: bool,
    /// Use only the first N training images and the first N test images, for a quick test
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub limit: Option<NonZeroUsize>,
}

/// Returns the parser of a batch size.
fn batch_size() -> impl Fn(&str) -> Result<usize, String> + Clone {
    values::integer(1..=MAX_BATCH_SIZE as u64)
}
