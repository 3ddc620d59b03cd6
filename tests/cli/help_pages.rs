//! `lenet completions`, `lenet man` and `--help`, which share their text.

use super::{CommandOutput, TestDir};

const COMMANDS: [&str; 10] = [
    "train",
    "eval",
    "shapes",
    "convert",
    "data",
    "data fetch",
    "data import",
    "data verify",
    "completions",
    "man",
];

#[test]
fn completions_contain_commands_and_options() {
    let dir = TestDir::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = dir.run(&format!("completions {shell}")).ok();
        for word in ["lenet", "train", "validation-split", "fetch"] {
            assert!(output.stdout().contains(word), "no {word} for {shell}");
        }
    }
    dir.run("completions tcsh").assert_error(2, "tcsh", "");
}

#[test]
fn bash_script_completes_command() {
    let dir = TestDir::empty();
    dir.write("script", dir.run("completions bash").stdout());
    let commands = "source ./script; COMP_WORDS=(lenet conv); COMP_CWORD=1; _lenet lenet conv lenet; \
                echo ${COMPREPLY[@]}";
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", commands])
        .current_dir(dir.path("."))
        .output()
        .unwrap();
    assert_eq!(CommandOutput(output).stdout(), "convert\n");
}

#[test]
fn man_page_contains_examples_and_options() {
    let dir = TestDir::empty();
    let output = dir.run("man").ok();
    for text in [".TH lenet 1", ".SH NAME", ".SH EXAMPLES", "LENET_DATA_DIR", "lenet\\-train(1)"] {
        assert!(output.stdout().contains(text), "no {text} in {}", output.stdout());
    }
    let output = dir.run("man data fetch");
    for text in [".TH lenet-data-fetch 1", "lenet data fetch", "\\-\\-mirror"] {
        assert!(output.stdout().contains(text), "no {text} in {}", output.stdout());
    }
    dir.run("man bake").assert_error(2, "no command \"bake\"", "");
}

#[test]
fn man_writes_all_pages_to_directory() {
    let dir = TestDir::empty();
    let output = dir.run("man --dir man1").ok();
    let pages = std::fs::read_dir(dir.path("man1")).unwrap().count();
    assert_eq!(output.stdout().lines().count(), pages);
    for command in COMMANDS {
        let page = format!("man1/lenet-{}.1", command.replace(' ', "-"));
        assert!(dir.path(&page).is_file(), "{page}");
    }
}

#[test]
fn long_help_extends_short_help() {
    let dir = TestDir::empty();
    for (command, text) in [
        ("train", "Ctrl-C finishes the current batch"),
        ("convert", "copied into the metadata"),
        ("data fetch", "HTTPS_PROXY, HTTP_PROXY"),
    ] {
        let long = dir.run(&format!("{command} --help")).stdout().replace("\n", " ");
        assert!(long.contains(text), "{long}");
        let short = dir.run(&format!("{command} -h")).stdout().to_owned();
        assert!(!short.contains(text), "{short}");
        let page = dir.run(&format!("man {command}")).stdout().replace("\n", " ");
        assert!(page.contains(&text.replace('-', "\\-")), "{page}");
    }
}

#[test]
fn help_starts_with_examples() {
    let dir = TestDir::empty();
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let output = dir.run(&format!("{command} {flag}"));
            assert_eq!(output.code(), 0);
            assert!(
                output.stdout().starts_with("Examples:\n  lenet "),
                "{command}: {}",
                output.stdout()
            );
            // Every example fits on one line of 80 columns.
            let examples = output.stdout().lines().skip(1).take_while(|line| !line.is_empty());
            for line in examples {
                assert!(line.contains(" lenet ") && line.len() <= 80, "{command}: {line}");
            }
        }
    }
}
