//! Options of `lenet train`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ComputeArgs, DataArgs, Seeds, batch_size, values};
use crate::train::{Keep, MAX_EPOCHS};

/// Train the network and write it to a file
///
/// Without -o the model goes to model.mpk or, if that exists, to the first of model-2.mpk, model-3.mpk and so on that
/// does not. Beside it lie its record, a .json with the settings and the figures of every epoch, and its .state, from
/// which --resume continues. Ctrl-C finishes the batch, saves, and says how to continue. With --resume, options that
/// are not given are those of the first run.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet train                                the notebook's training: 5 epochs, model.mpk
  lenet train -o shirts.mpk --seed 7         another seed, another file
  lenet train --recipe tuned                 the same network, trained better
  lenet train --seeds 1..10                  ten runs, their mean and standard deviation
  lenet train --epochs 20 --keep best --patience 3
  lenet train --like shirts.json --seed 8    with that run's settings, from another seed
  lenet train --resume                       continue a stopped training of model.mpk
  lenet train --tensorboard runs             curves for: tensorboard --logdir runs
  lenet train --limit 320 --epochs 1         check quickly that everything works
  lenet train --json | jq .                  one JSON event a line")]
pub struct TrainArgs {
    /// Write the model to this file
    #[arg(short, long, value_name = "FILE", env = "LENET_OUTPUT")]
    pub output: Option<PathBuf>,
    /// Passes over the training images, those before --resume included [default: 5]
    #[arg(long, value_name = "N", value_parser = values::whole::<usize>(1..=MAX_EPOCHS as u64), env = "LENET_EPOCHS")]
    pub epochs: Option<usize>,
    /// Images per step [default: the recipe's; classic: 32]
    #[arg(long, value_name = "N", value_parser = batch_size(), env = "LENET_BATCH_SIZE")]
    pub batch_size: Option<usize>,
    /// Learning rate, at its peak [default: the recipe's; classic: 0.9]
    #[arg(long, value_name = "RATE", value_parser = values::learning_rate, env = "LENET_LR")]
    pub lr: Option<f64>,
    /// Momentum [default: the recipe's; classic: 0]
    #[arg(long, value_name = "SHARE", value_parser = values::share, env = "LENET_MOMENTUM")]
    pub momentum: Option<f64>,
    /// Share of the training images, the last ones, held out for validation [default: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = values::share, env = "LENET_VALIDATION_SPLIT")]
    pub validation_split: Option<f64>,
    /// Hold out images of all classes in proportion, instead of simply the last ones
    #[arg(long)]
    pub stratified: bool,
    /// Seed of the initial weights and of the order of the images [default: 42]; on another backend or CPU level, which
    /// rounds differently, the same seed gives another model
    #[arg(long, value_name = "N", value_parser = values::whole::<u64>(0..=u64::MAX), env = "LENET_SEED")]
    pub seed: Option<u64>,
    /// Train from each of these seeds, as in 1..10 or 1,2,7..9, and show mean and standard deviation; files are written
    /// only with -o, whose name must contain {seed}
    #[arg(long, value_name = "LIST", value_parser = values::seeds, conflicts_with = "tensorboard")]
    pub seeds: Option<Seeds>,
    /// How to train: the notebook's way, or a better one [default: classic]
    #[arg(long, value_enum, env = "LENET_RECIPE")]
    pub recipe: Option<RecipeName>,
    #[command(flatten)]
    pub compute: ComputeArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Keep the weights of the last epoch, or of the one with the best validation loss [default: last]
    #[arg(long, value_enum, env = "LENET_KEEP")]
    pub keep: Option<Keep>,
    /// Stop when the validation loss has not improved for N epochs
    #[arg(long, value_name = "N", value_parser = values::whole::<usize>(1..=u64::MAX), env = "LENET_PATIENCE")]
    pub patience: Option<usize>,
    /// Train with the settings of another run, from its record (.json); options that are given override them
    #[arg(long, value_name = "RECORD")]
    pub like: Option<PathBuf>,
    /// Continue the training of the output file (default: model.mpk) up to --epochs
    #[arg(long)]
    pub resume: bool,
    /// Replace the output file if it exists; with --resume, also one that is not the model of this training
    #[arg(long)]
    pub force: bool,
    /// Write event files for TensorBoard into this folder: the runs train and validation
    #[arg(long, value_name = "DIR", env = "LENET_TENSORBOARD")]
    pub tensorboard: Option<PathBuf>,
    /// Exit with status 3 if the test accuracy is below this
    #[arg(long, value_name = "ACCURACY", value_parser = values::accuracy)]
    pub min_accuracy: Option<f64>,
    /// Print one JSON event a line instead of text
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Within an epoch, show a bar if this is a terminal (auto) or nothing (none)
    #[arg(long, value_enum, default_value = "auto", env = "LENET_PROGRESS")]
    pub progress: ProgressStyle,
}

/// The recipes that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecipeName {
    /// The notebook's: plain gradient descent at 0.9, raw pixels
    Classic,
    /// The same network at 0.907, in 20 epochs at 0.919: tanh in training, Muon, a falling learning rate, images
    /// shifted a little
    Tuned,
}

/// How progress within an epoch is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// A bar on a terminal, nothing elsewhere
    Auto,
    /// Never a bar
    None,
}
