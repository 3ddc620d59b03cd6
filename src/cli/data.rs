//! Options of `lenet data`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{DataArgs, ProgressStyle, Split, ValidationArgs, values};

const EXAMPLES: &str = "\
Examples:
  lenet data fetch     download Fashion-MNIST into the cache folder
  lenet data verify    is the data set that would be used the right one, byte for byte?
  lenet data show      what is in it: images of each class, how many there are";

const FETCH_EXAMPLES: &str = "\
Examples:
  lenet data fetch                                into the cache folder, where every command looks
  lenet data fetch --data data                    into ./data
  lenet data fetch --mirror https://example.org/fashion-mnist
  HTTPS_PROXY=http://proxy:3128 lenet data fetch";

const VERIFY_EXAMPLES: &str = "\
Examples:
  lenet data verify              the data set that `lenet train` would use
  lenet data verify --data DIR   the one in this folder
  lenet data verify --json | jq .ok";

const SHOW_EXAMPLES: &str = "\
Examples:
  lenet data show                     images of each class (on a terminal), and how many there are
  lenet data show --split test --png sheet.png
  lenet data show --json | jq .splits";

/// Download, check or look at the data set
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct DataCommand {
    /// What to do
    #[command(subcommand)]
    pub action: DataAction,
}

/// What can be done with the data set.
#[derive(Debug, Clone, Subcommand)]
#[allow(missing_docs, reason = "the help of a command, short and long, is that of its options")]
pub enum DataAction {
    Fetch(FetchArgs),
    Verify(VerifyArgs),
    Show(ShowArgs),
}

/// Download Fashion-MNIST
///
/// Each file comes from the first mirror that gives the right bytes: the SHA-256 of the content is known. What was cut
/// off or stalls is asked for again, from its start; a file is written only when it is whole and right. Files that are
/// there and right stay. HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are heeded.
#[derive(Debug, Clone, Args)]
#[command(before_help = FETCH_EXAMPLES)]
pub struct FetchArgs {
    /// Write the files to this folder [default: lenet in the cache folder, as in ~/.cache/lenet]
    #[arg(long = "data", value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Fetch from this folder of a server, not from the usual ones; several are tried in their order
    #[arg(long = "mirror", value_name = "URL", value_parser = values::url)]
    pub mirrors: Vec<String>,
    /// Replace files that are there but wrong
    #[arg(long)]
    pub force: bool,
    /// Ask again, or another mirror, when nothing has come for so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = values::seconds)]
    pub timeout: Duration,
    /// Give a mirror up when a file has taken so many seconds in all
    #[arg(long, value_name = "SECONDS", default_value = "1200", value_parser = values::seconds)]
    pub max_time: Duration,
    /// Ask a mirror again for a file so many times before it is given up
    #[arg(long, value_name = "N", default_value = "3", value_parser = values::retries)]
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
/// The digest is that of the decompressed content. Exit status 1 if a file is missing, damaged or another's.
#[derive(Debug, Clone, Args)]
#[command(before_help = VERIFY_EXAMPLES)]
pub struct VerifyArgs {
    /// Folder of the four IDX files [default: ./data, the cache folder, the system's]
    #[arg(long = "data", value_name = "DIR", env = "LENET_DATA_DIR")]
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
#[command(before_help = SHOW_EXAMPLES)]
pub struct ShowArgs {
    /// Show and count only these images [default: count all, show those to train with]
    #[arg(long, value_enum)]
    pub split: Option<Split>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub validation: ValidationArgs,
    /// Write 20 images of each class to this PNG file
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Replace the PNG file if it exists
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub data: DataArgs,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
