//! Options of `lenet data`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{DataArgs, ProgressStyle, Split, ValidationArgs, values};

/// Download, check or look at the data set
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data fetch     download Fashion-MNIST into the cache folder
  lenet data verify    is the data set that would be used the right one, byte for byte?
  lenet data show      what is in it: images of each class, how many there are")]
pub struct DataCommand {
    /// What to do
    #[command(subcommand)]
    pub action: DataAction,
}

/// What can be done with the data set.
#[derive(Debug, Clone, Subcommand)]
pub enum DataAction {
    Fetch(FetchArgs),
    Verify(VerifyArgs),
    Show(ShowArgs),
}

/// Download Fashion-MNIST
///
/// Each file comes from the first mirror that sends the right bytes: the SHA-256 of the content is known. A download
/// that breaks off or stalls is tried again from the start; a file is written only when it is complete and right.
/// Files that are already there and right stay. HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are respected.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data fetch                                into the cache folder, where every command looks
  lenet data fetch --data data                    into ./data
  lenet data fetch --mirror https://example.org/fashion-mnist
  HTTPS_PROXY=http://proxy:3128 lenet data fetch")]
pub struct FetchArgs {
    /// Write the files to this folder [default: lenet in the cache folder, as in ~/.cache/lenet]
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Download from this folder of a server instead of the usual ones; several are tried in order
    #[arg(long = "mirror", value_name = "URL", value_parser = values::url)]
    pub mirrors: Vec<String>,
    /// Replace files that are there but wrong
    #[arg(long)]
    pub force: bool,
    /// Try again, or another mirror, when nothing has come for this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds)]
    pub timeout: Duration,
    /// Give up on a mirror when a file has taken this many seconds in all
    #[arg(long, value_name = "SECONDS", default_value = "1200", value_parser = values::seconds)]
    pub max_time: Duration,
    /// Try a mirror this many times more for a file before giving up on it
    #[arg(long, value_name = "N", default_value = "3", value_parser = values::integer::<u32>(0..=100))]
    pub retries: u32,
    /// Show a bar if this is a terminal (auto) or nothing (none)
    #[arg(long, value_enum, default_value = "auto", env = "LENET_PROGRESS")]
    pub progress: ProgressStyle,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Check the files against the known SHA-256 digests
///
/// The digest is that of the decompressed content. Exits with status 1 if a file is missing, damaged or of another
/// data set.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data verify              the data set that `lenet train` would use
  lenet data verify --data DIR   the one in this folder
  lenet data verify --json | jq .ok")]
pub struct VerifyArgs {
    /// Folder of the four IDX files [default: ./data, the cache folder, the system's]
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON document instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Show images of each class and count them
///
/// On a terminal it shows some images of each class; elsewhere only the table. The PNG has a row for each class, in
/// the order of the table.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data show                     images of each class (on a terminal), and how many there are
  lenet data show --split test --png sheet.png
  lenet data show --json | jq .splits")]
pub struct ShowArgs {
    /// Show and count only these images [default: count all, show those to train with]
    #[arg(long, value_enum)]
    pub split: Option<Split>,
    #[command(flatten)]
    pub validation: ValidationArgs,
    /// Write 20 images of each class to this PNG file
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Replace the PNG file if it exists
    #[arg(long, requires = "png")]
    pub force: bool,
    #[command(flatten)]
    pub data: DataArgs,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
