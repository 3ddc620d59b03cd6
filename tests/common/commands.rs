//! One command line of every command, for tests that run all of them.

use clap::CommandFactory;
use lenet::cli::args::Cli;

/// The commands by name, each with arguments that are valid in a directory with the models `m.mpk` and `n.mpk`, the picture
/// `p.png` and a small data set. Each can run again on its own output.
pub const COMMANDS: [(&str, &str); 16] = [
    ("train", "train --any-dataset --epochs 1 --limit 64 --force -q -o t.mpk"),
    ("eval", "eval --any-dataset m.mpk"),
    ("predict", "predict m.mpk p.png"),
    ("report", "report --any-dataset m.mpk --force -o r.html"),
    ("compare", "compare --any-dataset m.mpk n.mpk --force -o c.html"),
    ("runs", "runs"),
    ("shapes", "shapes"),
    ("convert", "convert m.mpk c.safetensors --force"),
    ("convert", "convert m.mpk hub/ --force"),
    // No server listens at this address.
    ("data fetch", "data fetch --data fetched --mirror http://127.0.0.1:9"),
    ("data verify", "data verify"),
    ("data show", "data show --any-dataset --png s.png --force"),
    ("doctor", "doctor"),
    ("completions", "completions bash"),
    ("man", "man train"),
    ("man", "man --dir man"),
];

/// Panics if [`COMMANDS`] lacks a command of the program.
pub fn assert_commands_are_complete() {
    fn leaves(command: &clap::Command, above: &str) -> Vec<String> {
        let name = |command: &clap::Command| format!("{above}{}", command.get_name());
        let below = command.get_subcommands().map(|command| match command.has_subcommands() {
            true => leaves(command, &format!("{} ", name(command))),
            false => vec![name(command)],
        });
        below.flatten().collect()
    }
    for name in leaves(&Cli::command(), "") {
        let is_listed =
            COMMANDS.iter().any(|(listed, args)| *listed == name && args.starts_with(listed));
        assert!(is_listed, "tests/common/commands.rs lacks the command {name:?}");
    }
}
