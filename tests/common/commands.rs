//! One command line of every command, for tests that run all of them.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use lenet::cli::args::Cli;

/// The commands by name, each with arguments that are valid in a directory with the models `m.mpk` and `n.mpk`, the pictures of
/// [`write_pictures`] and a small data set. Each can run repeatedly on its own output.
pub const COMMANDS: [(&str, &str); 17] = [
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
    // `write_pictures` writes these pictures.
    ("data import", "data import pictures imported --force"),
    ("data verify", "data verify"),
    ("data show", "data show --any-dataset --png s.png --force"),
    ("doctor", "doctor"),
    ("completions", "completions bash"),
    ("man", "man train"),
    ("man", "man --dir man"),
];

/// Writes the picture `p.png`, and two copies of it for each of two classes in `pictures`.
pub fn write_pictures(dir: &Path) {
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/data/predict.png");
    for path in ["p.png", "pictures/a/1", "pictures/a/2", "pictures/b/1", "pictures/b/2"] {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(picture, path).unwrap();
    }
}

/// Returns the output of a command without the lines that contain times: those of epochs, of `doctor`, and the row of `runs`
/// for the record that the last `train` wrote.
pub fn untimed(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let is_timed = |line: &str| {
        line.starts_with("Epoch ") || line.starts_with("t.json ") || line.contains("images/s")
    };
    text.lines().filter(|line| !is_timed(line)).collect::<Vec<_>>().join("\n")
}

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
