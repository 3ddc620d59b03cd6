//! The command line: what can be typed. Only declarations; each command's work is in [`crate::commands`].

mod compare;
mod convert;
mod data;
mod doctor;
mod eval;
mod pages;
mod predict;
mod report;
mod schema;
mod shapes;
mod train;
mod typed;
mod values;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::io::text::line;

pub use compare::CompareArgs;
pub use convert::ConvertArgs;
pub use data::{DataAction, DataCommand, FetchArgs, ShowArgs, VerifyArgs};
pub use doctor::DoctorArgs;
pub use eval::{EvalArgs, Split};
pub use pages::{CompletionsArgs, ManArgs};
pub use predict::PredictArgs;
pub use report::ReportArgs;
pub use schema::SchemaArgs;
pub use shapes::{Layout, ShapesArgs};
pub use train::{ProgressStyle, RecipeName, TrainArgs};
pub use typed::Typed;
pub use values::Seeds;

const EXAMPLES: &str = "\
Examples:
  lenet train                       train for 5 epochs on the CPU, write model.mpk
  lenet train --backend wgpu        the same on the GPU
  lenet train --resume --epochs 20  go on from where model.mpk stopped
  lenet eval model.mpk              loss, accuracy and confusion matrix on the test images
  lenet predict model.mpk shirt.jpg what is on a picture
  lenet report model.mpk            a page about the model, report.html
  lenet compare a.json b.json       two runs side by side
  lenet convert model.mpk m.onnx    the model for other programs
  lenet shapes                      the network's layers, their shapes and parameters";

const ENVIRONMENT: &str = "\
Environment:
  LENET_DATA_DIR   where the data set lies, as --data
  LENET_SIMD       CPU level of the kernels: scalar, avx2 or neon (default: the best there is)
  NO_COLOR         no colours and no bars

Exit status: 0 done, 1 failed, 2 wrong usage, 3 a gate such as --min-accuracy was missed,
130 or 143 stopped by a signal (nothing is lost: go on with --resume).";

/// Train, evaluate and explain the LeNet network on Fashion-MNIST
#[derive(Debug, Parser)]
#[command(name = "lenet", version, before_help = EXAMPLES, after_help = ENVIRONMENT)]
#[command(arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What was typed. Prints help and wrong usage itself, and exits with 0 or 2.
    #[must_use]
    pub fn from_command_line() -> Self {
        let parse = |words: Vec<OsString>| {
            let mut command = Self::command().mut_subcommands(with_negative_numbers);
            let matches = command.try_get_matches_from_mut(words)?;
            refuse_idle(&mut command, &matches)?;
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
        };
        let words: Vec<OsString> = std::env::args_os().collect();
        parse(words.clone()).unwrap_or_else(|error| {
            // The message repeats words, which may be names of files. With words made fit for a terminal it is the
            // same message; but for one about words that are not Unicode, which does not repeat them.
            let fit = |word: &OsString| line(&word.to_string_lossy()).into_owned();
            let fit: Vec<_> = words.iter().map(fit).collect();
            let error = parse(fit.iter().map(OsString::from).collect()).err().unwrap_or(error);
            blame(error, &fit).exit()
        })
    }
}

/// `--epochs -1` is a wrong number, no unknown option.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| match arg.get_action().takes_values() && !arg.is_positional() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    })
}

/// Refuses what says which training images are for validation where none of them is asked for, if it was typed: a
/// variable may be meant for other commands.
fn refuse_idle(command: &mut clap::Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((_, matches)) = matches.subcommand() else {
        return Ok(());
    };
    if !matches!(matches.try_get_one("split"), Ok(Some(Split::Test))) {
        return Ok(());
    }
    for option in ["stratified", "validation_split"] {
        if matches.value_source(option) == Some(ValueSource::CommandLine) {
            let option = option.replace('_', "-");
            let wrong = format!("--{option} is about --split train and --split validation");
            return Err(command.error(ErrorKind::ArgumentConflict, wrong));
        }
    }
    Ok(())
}

/// The error, about the variable where the value that is wrong came from one.
fn blame(mut error: clap::Error, words: &[String]) -> clap::Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let name = option.split(' ').next().unwrap_or_default().to_owned();
    let is_typed = words.iter().any(|w| w.split('=').next() == Some(&name));
    let is_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    let variable = variable(&Cli::command(), &name).filter(|v| std::env::var_os(v).is_some());
    if let Some(variable) = variable
        && is_value
        && !is_typed
    {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// The variable that gives this option, as in `--epochs`, its value.
fn variable(command: &clap::Command, option: &str) -> Option<String> {
    let is_it = |arg: &&clap::Arg| arg.get_long().is_some_and(|l| option == format!("--{l}"));
    let own = command.get_arguments().find(is_it);
    own.and_then(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()))
        .or_else(|| command.get_subcommands().find_map(|c| variable(c, option)))
}

/// The commands.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help of a command, short and long, is that of its options")]
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
    Schema(SchemaArgs),
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

impl Backend {
    /// The name that is typed and reported.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "ndarray")]
            Self::Ndarray => "ndarray",
            #[cfg(feature = "wgpu")]
            Self::Wgpu => "wgpu",
        }
    }
}

/// Options of every command that computes.
#[derive(Debug, Clone, Args)]
pub struct ComputeArgs {
    /// Compute on the CPU (ndarray) or on the GPU (wgpu)
    #[arg(long, value_enum, default_value = DEFAULT_BACKEND, env = "LENET_BACKEND")]
    pub backend: Backend,
    /// CPU threads [default: all cores]; the result is the same for any number
    #[arg(long, value_name = "N", value_parser = values::threads, env = "LENET_THREADS")]
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
    #[arg(long = "data", value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Accept a data set of the right form that is not Fashion-MNIST
    #[arg(long)]
    pub any_dataset: bool,
    /// Use only the first N training and the first N test images (for a quick try)
    #[arg(long, value_name = "N", value_parser = values::limit)]
    pub limit: Option<NonZeroUsize>,
}
