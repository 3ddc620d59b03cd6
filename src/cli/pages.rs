//! Options of `lenet completions` and `lenet man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  lenet completions bash > ~/.local/share/bash-completion/completions/lenet
  lenet completions zsh > ~/.zfunc/_lenet          a folder of your $fpath
  lenet completions fish > ~/.config/fish/completions/lenet.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  lenet man | man -l -          read the manual
  lenet man train | man -l -    the page of one command
  lenet man --dir ~/.local/share/man/man1";

/// Print what makes a shell complete lenet's words
#[derive(Debug, Clone, Args)]
#[command(before_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print the manual
#[derive(Debug, Clone, Args)]
#[command(before_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// The command whose page is wanted, as in `train` or `data fetch` [default: lenet itself]
    #[arg(conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write all pages to this folder, replacing those that are there
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
