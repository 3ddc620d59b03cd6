//! Environment variables of all options: empty ones count as unset, and values are escaped. The tables list every command.

use std::os::unix::fs::symlink;

use clap::{Arg, Command, CommandFactory};
use lenet::cli::args::Cli;

use super::commands::write_pictures;
use super::terminal_escapes::{MALICIOUS, assert_clean};
use super::{CommandOutput, DATA, TestDir};

/// Every command, with arguments that succeed in [`dir`]. `DATA` stands for the directory of Fashion-MNIST.
const COMMANDS: [(&str, &str); 15] = [
    ("runs", "m.mpk"),
    ("train", "--any-dataset --data data --epochs 1 --force -o t.mpk"),
    ("eval", "--any-dataset m.mpk"),
    ("predict", "m.mpk p.png"),
    ("report", "--any-dataset m.mpk --force"),
    ("compare", "--any-dataset m.mpk n.mpk"),
    ("shapes", ""),
    ("convert", "m.mpk c.safetensors --force"),
    ("data fetch", "--mirror http://127.0.0.1:1"),
    ("data import", "pictures imported --force"),
    ("data verify", "--data DATA"),
    ("data show", "--any-dataset"),
    ("doctor", "--data DATA"),
    ("completions", "bash"),
    ("man", ""),
];

/// Returns all commands without subcommands, such as `data fetch`.
pub(super) fn commands() -> Vec<String> {
    leaves(&Cli::command()).into_iter().map(|(name, _)| name).collect()
}

/// Returns the names of the commands below `command`, and the environment variables of their options.
fn leaves(command: &Command) -> Vec<(String, Vec<String>)> {
    command
        .get_subcommands()
        .flat_map(|command| {
            let name = command.get_name().to_owned();
            let variables = command.get_arguments().filter_map(Arg::get_env);
            let variables = variables.map(|name| name.to_str().unwrap().to_owned()).collect();
            match &leaves(command)[..] {
                [] => vec![(name, variables)],
                below => {
                    let join = |(inner, variables): &(String, Vec<String>)| {
                        (format!("{name} {inner}"), variables.clone())
                    };
                    below.iter().map(join).collect()
                }
            }
        })
        .collect()
}

/// Creates a directory with two models, a picture, and Fashion-MNIST in the cache directory.
fn dir() -> TestDir {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.train("--epochs 1 --seed 2 -o n.mpk");
    write_pictures(dir.root.path());
    dir.create_dir(".cache");
    symlink(DATA, dir.path(".cache/lenet")).unwrap();
    dir
}

/// Returns each command with its arguments and its variables. Panics if a command is not in the table.
fn table() -> Vec<(String, Vec<String>)> {
    let leaves = leaves(&Cli::command());
    assert_eq!(leaves.len(), COMMANDS.len());
    let find = |(name, variables): (String, Vec<String>)| {
        let (_, args) = COMMANDS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} is not in the table"));
        (format!("{name} {}", args.replace("DATA", DATA)), variables)
    };
    leaves.into_iter().map(find).collect()
}

#[test]
fn empty_variables_count_as_unset() {
    let dir = dir();
    for (args, variables) in table() {
        let mut command = dir.lenet(&args);
        command.env("LENET_SIMD", "").env("HTTP_PROXY", "").env("HTTPS_PROXY", "");
        command.envs(variables.iter().map(|name| (name, "")));
        let output = CommandOutput::of(&mut command);
        assert_eq!(output.code(), 0, "{args}: {variables:?}: {}", output.stderr());
    }
    let mut command = dir.lenet("train --any-dataset --epochs 1 --json");
    let output = CommandOutput::of(command.env("LENET_SEED", "").env("LENET_OUTPUT", ""));
    assert_eq!(
        (&output.json()["seed"], &output.json()["output"]),
        (&42.into(), &"model.mpk".into())
    );
}

#[test]
fn variable_values_are_escaped() {
    let dir = dir();
    let mut tried = 0;
    for (args, variables) in table() {
        for variable in &variables {
            for value in [MALICIOUS, "\u{1b}]0;T\u{7}"] {
                for extra in ["", " --help", " -h"] {
                    let mut command = dir.lenet(&format!("{args}{extra}"));
                    let output = CommandOutput::of(command.env(variable, value));
                    assert_clean(&output, &format!("{variable}: {args}{extra}"));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 150, "{tried}");
    let output = CommandOutput::of(dir.lenet("train").env("LENET_SEED", MALICIOUS));
    assert!(output.stderr().contains(r"\u{1b}]0;X\u{7}"), "{}", output.stderr());
    assert!(output.stderr().contains("for 'LENET_SEED'"), "{}", output.stderr());
}
