//! No line of output is longer than the width of the terminal.

use std::process::Command;

use super::{CommandOutput, TestDir};

/// Creates a directory with Fashion-MNIST, for which the program prints no notes.
fn dir_with_real_data() -> TestDir {
    let dir = TestDir::empty();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    std::os::unix::fs::symlink(data, dir.path("data")).unwrap();
    dir
}

/// Returns the output of the program on a terminal with `columns` columns, which `script` emulates. The shell command
/// `meanwhile` runs in parallel in the same terminal.
fn on_terminal(dir: &TestDir, columns: usize, args: &str, meanwhile: &str) -> String {
    on_terminal_with(dir, columns, args, meanwhile, &[])
}

/// Like [`on_terminal`], with these environment variables.
fn on_terminal_with(
    dir: &TestDir,
    columns: usize,
    args: &str,
    meanwhile: &str,
    variables: &[(&str, &str)],
) -> String {
    let lenet = dir.lenet(args);
    let lenet_args: Vec<_> = lenet.get_args().map(|arg| arg.to_str().unwrap()).collect();
    let program = lenet.get_program().to_str().unwrap();
    let line = format!(
        "stty cols {columns} rows 24; {meanwhile} & {program} {}; status=$?; wait; exit $status",
        lenet_args.join(" ")
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.current_dir(dir.root.path()).env("TERM", "xterm");
    for name in ["CI", "NO_COLOR", "LENET_DATA_DIR"] {
        script.env_remove(name);
    }
    script.envs(variables.iter().copied());
    let output = CommandOutput::of(&mut script);
    assert_eq!(output.code(), 0, "{args}: {}", output.stdout());
    output.stdout().to_owned()
}

/// Removes the escape sequences from a line.
fn visible(line: &str) -> String {
    let mut pieces = line.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    // An escape sequence ends with its first letter.
    let after_sequence = |piece: &str| {
        let end = piece.find(|c: char| c.is_ascii_alphabetic());
        piece[end.map_or(piece.len(), |end| end + 1)..].to_owned()
    };
    first + &pieces.map(after_sequence).collect::<String>()
}

#[test]
fn lines_fit_terminal_width() {
    let dir = dir_with_real_data();
    for options in ["-o m.mpk", "-o other.mpk --recipe tuned"] {
        dir.run(&format!("train --limit 640 --epochs 1 {options}")).ok();
    }
    for columns in [60, 80, 120, 200] {
        for args in [
            "train --recipe tuned --limit 3000 --epochs 12 --force",
            "train --recipe tuned --limit 3000 --epochs 2 --seeds 1..3",
            "eval m.mpk",
            "predict m.mpk --index 0,1 --why",
            "data show",
            "data verify",
            "shapes",
            "compare m.json other.json",
            "runs m.json other.json",
        ] {
            let text = on_terminal(&dir, columns, args, ":");
            let mut widest = String::new();
            for line in text.split(['\n', '\r']).map(visible) {
                let width = line.chars().count();
                assert!(width <= columns, "{args}: {width} of {columns}: {line}");
                if width > widest.chars().count() {
                    widest = line;
                }
            }
            assert!(widest.chars().count() > 20, "{args}: {text}");
        }
    }
}

#[test]
fn bar_is_shown_at_every_width() {
    let dir = dir_with_real_data();
    for (columns, parts) in [
        (45, &["%  accuracy: ", " left"][..]),
        (60, &["█", "%  accuracy: ", " left"]),
        (80, &["█", "/375  accuracy: ", " left"]),
        (100, &["█", "  loss: ", "  accuracy: "]),
        (140, &["█", "  accuracy: ", " images/s"]),
    ] {
        let args = "train --limit 12000 --epochs 6 --validation-split 0 --force";
        let text = on_terminal(&dir, columns, args, ":");
        let mut lines = text.split(['\n', '\r']).map(visible);
        let is_bar = |line: &String| parts.iter().all(|part| line.contains(part));
        assert!(lines.any(|line| is_bar(&line)), "{columns}: {text}");
    }
}

#[test]
fn notes_wrap_and_have_colour() {
    let dir = TestDir::new();
    let text = on_terminal(&dir, 60, "eval missing.mpk || true #", ":");
    assert!(text.contains("\u{1b}[1;31merror:\u{1b}[0m "), "{text}");
    let text = on_terminal(&dir, 60, "train --any-dataset --epochs 1", ":");
    let lines: Vec<_> = text.lines().map(visible).collect();
    let note = lines.iter().position(|line| line.starts_with("note: data: not Fashion-MNIST:"));
    let next = &lines[note.unwrap() + 1];
    assert!(next.starts_with("train-labels") && next.chars().count() <= 60, "{text}");
}

#[test]
fn best_values_are_coloured() {
    let dir = dir_with_real_data();
    dir.run("train --limit 640 --epochs 1 -o bad.mpk").ok();
    dir.run("train --limit 640 --epochs 2 -o good.mpk --recipe tuned").ok();
    let record = dir.json("good.json");
    let best = format!("\u{1b}[1;32m{:.4}\u{1b}[0m", record["test"]["accuracy"].as_f64().unwrap());
    let seeds = "train --limit 640 --epochs 1 --seeds 1..3";
    for args in ["runs bad.json good.json", "compare bad.json good.json"] {
        let text = on_terminal(&dir, 200, args, ":");
        assert_eq!(text.matches(&best).count(), 1, "{args}: {text}");
        assert!(!dir.run(args).stdout().contains('\u{1b}'));
    }
    // The first row is the best so far in each of the five columns.
    let text = on_terminal(&dir, 200, seeds, ":");
    assert!(text.matches("\u{1b}[1;32m").count() >= 5, "{text}");
    for args in ["runs bad.json good.json", "compare bad.json good.json", seeds] {
        for variable in [("NO_COLOR", "1"), ("TERM", "dumb"), ("CI", "true")] {
            let text = on_terminal_with(&dir, 200, args, ":", &[variable]);
            assert!(!text.contains("[1;32m"), "{variable:?}: {text}");
        }
    }
    let text = on_terminal(&dir, 200, &format!("{seeds} --progress none"), ":");
    assert!(!text.contains("[1;32m"), "{text}");
}

#[test]
fn narrow_terminal_shows_fewer_metrics() {
    let dir = dir_with_real_data();
    let args = "train --limit 640 --epochs 1 --force";
    let epoch = |columns| {
        let text = on_terminal(&dir, columns, args, ":");
        let lines = text.split(['\n', '\r']).map(visible);
        lines.filter(|line| line.contains("val_accuracy")).collect::<String>()
    };
    let (narrow, wide) = (epoch(60), epoch(120));
    assert!(wide.contains("/sample") && wide.contains("val_loss"), "{wide}");
    assert!(narrow.starts_with("Epoch 1/1  accuracy: "), "{narrow}");
    assert!(!narrow.contains("loss"), "{narrow}");
}

#[test]
fn progress_adapts_to_terminal_resize() {
    let dir = dir_with_real_data();
    // Shrink the terminal once the run record contains the second epoch, so that the first line was printed at the full
    // width. The pause lets a progress bar that is being drawn during the change finish before NARROW is printed.
    let shrink = "(until grep -qs '.epoch.: 2,' m.json; do sleep 0.01; done; stty cols 60 </dev/tty; sleep 0.4; echo NARROW)";
    let args = "train --limit 12000 --epochs 40 -o m.mpk";
    let text = on_terminal(&dir, 120, args, shrink);
    let (wide, narrow) = text.split_once("NARROW").unwrap();
    assert!(wide.contains("/sample") && !wide.contains("0/0"), "{wide}");
    let lines = narrow.split(['\n', '\r']).map(visible);
    let lines = lines.filter(|line| line.contains("Epoch "));
    let widths: Vec<_> = lines.map(|line| line.chars().count()).collect();
    assert!(widths.len() > 9 && widths.iter().all(|width| *width <= 60), "{widths:?}");
}
