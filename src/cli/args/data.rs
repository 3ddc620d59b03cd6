//! Options of `lenet data`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::picture::Invert;

use super::{DataArgs, ProgressStyle, Split, ValidationArgs, values};

/// Download, import, check or show a data set
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data fetch             download Fashion-MNIST to the cache directory
  lenet data import pics mine  make a data set of your own pictures
  lenet data verify            check the data set for `lenet train` byte by byte
  lenet data show              show images of each class and count them")]
pub struct DataCommand {
    /// Action to run
    #[command(subcommand)]
    pub action: DataAction,
}

/// Actions of `lenet data`.
#[derive(Debug, Clone, Subcommand)]
pub enum DataAction {
    Fetch(FetchArgs),
    Import(ImportArgs),
    Verify(VerifyArgs),
    Show(ShowArgs),
}

/// A data set that can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KnownDataset {
    /// Fashion-MNIST, articles of clothing
    FashionMnist,
    /// MNIST, handwritten digits
    Mnist,
}

/// Download Fashion-MNIST or MNIST
///
/// Downloads each file from the first mirror whose content matches the known SHA-256. A file is saved only if its
/// digest matches. Existing files that match are kept. HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are respected.
/// If SSL_CERT_FILE is set, the certificates in this file are trusted instead of those of the operating system.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data fetch              download to the cache directory
  lenet data fetch --data data  download to ./data
  lenet data fetch mnist        download MNIST, handwritten digits
  lenet data fetch --mirror https://example.org/fashion-mnist
  HTTPS_PROXY=http://proxy:3128 lenet data fetch")]
pub struct FetchArgs {
    /// Data set to download
    #[arg(value_enum, default_value = "fashion-mnist")]
    pub dataset: KnownDataset,
    /// Write the files to this directory [default: the cache directory, such as ~/.cache/lenet, or for MNIST mnist in it]
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Download from this base URL instead of the default mirrors; if repeated, the URLs are tried in order
    #[arg(long = "mirror", value_name = "URL", value_parser = values::url)]
    pub mirrors: Vec<String>,
    /// Overwrite existing files that fail verification
    #[arg(long)]
    pub force: bool,
    /// Move on to the next mirror when a file takes longer than this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = values::seconds)]
    pub max_time: Duration,
    /// When to show a progress bar
    #[arg(long, value_enum, default_value = "auto", env = "LENET_PROGRESS")]
    pub progress: ProgressStyle,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Make a data set of your own pictures
///
/// PICTURES has one directory per class, two to ten, each named after its class. Every picture is prepared as `lenet predict`
/// prepares it. Files that cannot be read as pictures are named and left out.
///
/// DIR gets four IDX files and classes.txt, which names the classes. Other commands use them with --data DIR. Equal pictures
/// and seeds give equal files.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data import pics mine                  hold out a fifth for the test
  lenet data import pics mine --test others    use ./others for the test
  lenet data import pics mine --png sheet.png  show the prepared pictures
  lenet data import pics mine --flip circle    let training mirror circles")]
pub struct ImportArgs {
    /// Directory with one directory of pictures per class: PNG, JPEG, GIF, WebP or BMP
    #[arg(value_name = "PICTURES")]
    pub pictures: PathBuf,
    /// Directory to write the data set to
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Use the pictures in this directory as test images, in directories of the same names
    #[arg(long, value_name = "OTHER", conflicts_with = "test_split")]
    pub test: Option<PathBuf>,
    /// Fraction of each class to use as test images; at least one picture
    #[arg(long, value_name = "FRACTION", default_value = "0.2", value_parser = values::fraction)]
    pub test_split: f64,
    /// Seed of the choice of test images and of the order of all images
    #[arg(long, value_name = "N", default_value = "42")]
    pub seed: u64,
    /// Images of this class may be flipped in training with the tuned recipe; may be repeated
    #[arg(long, value_name = "CLASS")]
    pub flip: Vec<String>,
    /// Invert the grey values, for pictures with a light background
    #[arg(long, value_enum, default_value = "auto")]
    pub invert: Invert,
    /// Write 20 training images of each class to this PNG file
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Check the files against the known SHA-256 digests
///
/// The digests apply to the decompressed content. Exits with status 1 if a file is missing, corrupt or from a
/// different data set.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data verify                  check the data set for `lenet train`
  lenet data verify --data DIR       check the data set in this directory
  lenet data verify --json | jq .ok  print only the verdict")]
pub struct VerifyArgs {
    /// Directory with the four IDX files of the data set
    ///
    /// The default is the first of ./data, the user's cache directory (for example ~/.cache/lenet) and
    /// /usr/share/datasets/fashion-mnist that has the files.
    #[arg(id = "data", long, value_name = "DIR", env = "LENET_DATA_DIR")]
    pub dir: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Show images of each class and count them
///
/// On a terminal, prints some images of each class and the counts; otherwise only the counts. The PNG file has one row
/// per class, in the order of the table.
#[derive(Debug, Clone, Args)]
#[command(before_help = "\
Examples:
  lenet data show                               show images and counts
  lenet data show --split test --png sheet.png  write test images to a file
  lenet data show --json | jq .splits           print only the counts")]
pub struct ShowArgs {
    /// Show and count only this split [default: count all splits, show the training images]
    #[arg(long, value_enum)]
    pub split: Option<Split>,
    #[command(flatten)]
    pub validation: ValidationArgs,
    /// Write 20 images of each class to this PNG file
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Overwrite an existing PNG file
    #[arg(long, requires = "png")]
    pub force: bool,
    #[command(flatten)]
    pub data: DataArgs,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}
