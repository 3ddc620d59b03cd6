//! Options of `lenet train`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::{ComputeArgs, DataArgs, Seeds, batch_size, values};
use crate::train::{Keep, MAX_EPOCHS};

/// Train the network and write the model to a file
///
/// Without -o, the model is written to model.mpk or, if that exists, to the first unused name among model-2.mpk,
/// model-3.mpk and so on. Two files are saved next to it: a run record (.json) with the settings and the metrics of
/// every epoch, and a checkpoint (.state) for --resume.
///
/// Ctrl-C finishes the current batch, saves a checkpoint and prints the command that continues the run. With --resume,
/// options that are not given keep their values from the first run.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet train                              train as in the notebook, 5 epochs
  lenet train -o shirts.mpk --seed 7       choose the output file and the seed
  lenet train --recipe tuned               use the more accurate recipe
  lenet train --seeds 1..10                ten runs, mean, standard deviation
  lenet train --epochs 20 --keep best      save the best of 20 epochs
  lenet train --like shirts.json --seed 8  repeat a run with another seed
  lenet train --resume                     continue the run of model.mpk
  lenet train --tensorboard runs           write TensorBoard files to runs/
  lenet train --limit 320 --epochs 1       check quickly that everything works
  lenet train --json | jq .                print events as JSON Lines")]
pub struct TrainArgs {
    /// Write the model to this file, with {seed} replaced by the seed [default: model.mpk]
    #[arg(
        help_heading = "Output and resuming",
        short,
        long,
        value_name = "FILE",
        env = "LENET_OUTPUT"
    )]
    pub output: Option<PathBuf>,
    /// Continue the run that wrote the output file, up to --epochs
    #[arg(help_heading = "Output and resuming", long)]
    pub resume: bool,
    /// Overwrite the output file if it exists
    ///
    /// With --resume, this also overwrites a model that was not saved by the run.
    #[arg(help_heading = "Output and resuming", long)]
    pub force: bool,
    /// Also keep the weights of every epoch, for the replay in the report
    ///
    /// They are saved next to the model (.snapshots), in 8 bits per weight: 45 kB per epoch.
    #[arg(help_heading = "Output and resuming", long)]
    pub snapshots: bool,
    /// Save the weights of the last epoch, or of the one with the best validation loss [default: last]
    #[arg(help_heading = "Output and resuming", long, value_enum, env = "LENET_KEEP")]
    pub keep: Option<Keep>,
    /// Use the settings of another run, from its run record (.json)
    ///
    /// Options given on the command line override the settings in the record.
    #[arg(help_heading = "Output and resuming", long, value_name = "RECORD")]
    pub like: Option<PathBuf>,
    /// Write TensorBoard event files to this directory, as two runs called train and validation
    ///
    /// As in -o, {seed} is replaced by the seed. With --seeds, each seed has its own directory, seed-N by default.
    #[arg(
        help_heading = "Output and resuming",
        long,
        value_name = "DIR",
        env = "LENET_TENSORBOARD"
    )]
    pub tensorboard: Option<PathBuf>,
    /// Total number of epochs, including those already trained when resuming [default: 5]
    #[arg(help_heading = "Optimization", long, value_name = "N", value_parser = values::integer::<usize>(1..=MAX_EPOCHS as u64), env = "LENET_EPOCHS")]
    pub epochs: Option<usize>,
    /// Training recipe [default: classic]
    #[arg(help_heading = "Optimization", long, value_enum, env = "LENET_RECIPE")]
    pub recipe: Option<RecipeName>,
    /// Peak learning rate [default: set by the recipe, 0.9 for classic]
    #[arg(help_heading = "Optimization", long, value_name = "RATE", value_parser = values::learning_rate, env = "LENET_LR")]
    pub lr: Option<f64>,
    /// Images per batch [default: set by the recipe, 32 for classic]
    #[arg(help_heading = "Optimization", long, value_name = "N", value_parser = batch_size(), env = "LENET_BATCH_SIZE")]
    pub batch_size: Option<usize>,
    /// Momentum [default: set by the recipe, 0 for classic]
    #[arg(help_heading = "Optimization", long, value_name = "FRACTION", value_parser = values::fraction, env = "LENET_MOMENTUM")]
    pub momentum: Option<f64>,
    /// Stop when the validation loss has not improved for N epochs
    #[arg(help_heading = "Optimization", long, value_name = "N", value_parser = values::integer::<usize>(1..=u64::MAX), env = "LENET_PATIENCE")]
    pub patience: Option<usize>,
    /// Change any value of the recipe, by its name in the run record, for example muon.weight_decay=0.05
    #[arg(help_heading = "Optimization", long, value_name = "KEY=VALUE", value_parser = values::assignment)]
    pub set: Vec<(String, String)>,
    /// Seed of the initial weights, the image order and the augmentation [default: 42]
    ///
    /// The same seed gives the same model, except on a backend or CPU instruction set that rounds differently.
    #[arg(help_heading = "Seeds", long, value_name = "N", value_parser = values::integer::<u64>(0..=u64::MAX), env = "LENET_SEED")]
    pub seed: Option<u64>,
    /// Train one run per seed, for example 1..10 or 1,2,7..9, and show mean and standard deviation
    ///
    /// Files are written only with -o, and the path must contain {seed}. On a terminal, a number that is the best so far is green.
    #[arg(help_heading = "Seeds", long, value_name = "LIST", value_parser = values::seeds)]
    pub seeds: Option<Seeds>,
    #[command(flatten, next_help_heading = "Device")]
    pub compute: ComputeArgs,
    #[command(flatten, next_help_heading = "Data")]
    pub data: DataArgs,
    /// Fraction of the training images held out for validation [default: 0.1]
    ///
    /// The last images of the file are held out, unless --stratified is given.
    #[arg(help_heading = "Data", long, value_name = "FRACTION", value_parser = values::fraction, env = "LENET_VALIDATION_SPLIT")]
    pub validation_split: Option<f64>,
    /// Hold out the same fraction of every class for validation
    #[arg(help_heading = "Data", long)]
    pub stratified: bool,
    /// Stop after this time, for example 55m or 1h30m, save, and exit with status 4
    #[arg(help_heading = "Running and printing", long, value_name = "TIME", value_parser = values::duration, env = "LENET_MAX_TIME")]
    pub max_time: Option<Duration>,
    /// Exit with status 3 if the test accuracy is below this value
    #[arg(help_heading = "Running and printing", long, value_name = "ACCURACY", value_parser = values::accuracy)]
    pub min_accuracy: Option<f64>,
    /// Print events as JSON Lines instead of text
    #[arg(help_heading = "Running and printing", long, conflicts_with = "quiet")]
    pub json: bool,
    /// Print only errors
    #[arg(help_heading = "Running and printing", short, long)]
    pub quiet: bool,
    /// When to show a progress bar within each epoch
    #[arg(
        help_heading = "Running and printing",
        long,
        value_enum,
        default_value = "auto",
        env = "LENET_PROGRESS"
    )]
    pub progress: ProgressStyle,
}

/// The named recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecipeName {
    /// The notebook's recipe: plain SGD with learning rate 0.9 on raw pixels
    Classic,
    /// Test accuracy 0.907 after 5 epochs, 0.920 after 20: trains with tanh, the Muon optimizer, a decaying learning
    /// rate and small random shifts
    Tuned,
}

/// When to show a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// Only on a terminal
    Auto,
    /// Never
    None,
}

impl ValueEnum for Keep {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Last, Self::Best]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Last => PossibleValue::new("last").help("The weights of the last epoch"),
            Self::Best => PossibleValue::new("best")
                .help("The weights of the epoch with the lowest validation loss"),
        })
    }
}
