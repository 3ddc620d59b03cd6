//! Advice works: every command that the program prints is run_shell into a shell as it stands.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::interruptions::RunningCommand;
use super::server::{Response, Server};
use super::{CommandOutput, TestDir, common};

/// Types `command` in the place, in a shell that finds the program.
pub fn run_shell(dir: &TestDir, command: &str) -> CommandOutput {
    let lenet = Path::new(env!("CARGO_BIN_EXE_lenet"));
    let path = format!("{}:/usr/bin:/bin", lenet.parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(dir.root.path());
    shell.env("PATH", path).env("HOME", dir.root.path());
    shell.env_remove("LENET_DATA_DIR");
    CommandOutput::of(&mut shell)
}

/// The command at the end of the hint.
fn advised(output: &CommandOutput) -> String {
    let stderr = output.stderr();
    let hint = stderr.lines().find(|line| line.starts_with("hint: "));
    let (_, command) = hint.unwrap_or(stderr).split_once(" with: ").unwrap();
    assert!(command.starts_with("lenet train "), "{stderr}");
    command.to_owned()
}

/// Interrupts a training of these words, when `ready`.
fn interrupted(dir: &TestDir, words: &str, ready: impl Fn() -> bool) -> CommandOutput {
    let run = RunningCommand::start(dir, words);
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{words}");
        sleep(Duration::from_millis(2));
    }
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.code(), 130, "{}", output.stderr());
    output
}

#[test]
fn resume_hint_completes_interrupted_run() {
    let dir = TestDir::with_images(1000, 40);
    fs::rename(dir.path("data"), dir.path("images of mine")).unwrap();
    // A link, since a word of these tests has no space in it.
    std::os::unix::fs::symlink("images of mine", dir.path("images")).unwrap();
    let words = "train --any-dataset --data images --epochs 30 --batch-size 1 --tensorboard tb";
    let straight = format!("{words} --seed 4 -o straight.mpk").replace("--tensorboard tb", "");
    dir.run(&straight).ok();
    let expected = dir.digest("straight.mpk");
    dir.write("model.mpk", "taken");
    for (more, name) in [
        (" --seed 4", "model-2"),
        (" --seed 4 -o n.mpk --force", "n"),
        (" --like straight.json -o o.mpk", "o"),
    ] {
        let state = dir.path(&format!("{name}.state"));
        let output = interrupted(&dir, &format!("{words}{more}"), || state.exists());
        let advice = advised(&output);
        let again = run_shell(&dir, &advice);
        assert_eq!(again.code(), 0, "{advice}: {}", again.stderr());
        assert_eq!(dir.digest(&format!("{name}.mpk")), expected, "{advice}");
        fs::remove_dir_all(dir.path("tb")).unwrap();
    }
}

#[test]
fn resume_hint_completes_interrupted_seeds() {
    let dir = TestDir::with_images(1000, 40);
    let words = "train --any-dataset --epochs 20 --batch-size 1 --seeds 1..3";
    let third = dir.path("s-3.state");
    let run = format!("{words} -o s-{{seed}}.mpk");
    let advice = advised(&interrupted(&dir, &run, || third.exists()));
    let again = run_shell(&dir, &advice);
    assert_eq!(again.code(), 0, "{advice}: {}", again.stderr());
    assert_eq!(again.stdout().lines().count(), 7, "{}", again.stdout());
    let one = words.replace("--seeds 1..3", "--seed 3 -o straight.mpk");
    dir.run(&one).ok();
    let digests = ["s-3.mpk", "straight.mpk"].map(|name| dir.digest(name));
    assert_eq!(digests[0], digests[1]);
    // Without files, those that are left.
    let mut run = RunningCommand::start(&dir, words);
    run.wait_for("   1 ");
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.code(), 130, "{}", output.stderr());
    let advice = advised(&output);
    let again = run_shell(&dir, &advice);
    assert_eq!(again.code(), 0, "{advice}: {}", again.stderr());
    // The row that was waited for, what else the interrupted run had, and what the advised one has, are all.
    let rows = [output.stdout(), again.stdout()].map(|out| {
        let is_row = |line: &&str| line.starts_with("   ") && !line.contains("sd");
        out.lines().filter(is_row).count()
    });
    assert!(rows[0] < 2 && 1 + rows[0] + rows[1] == 3, "{rows:?}: {}", output.stdout());
}

#[test]
fn fetch_hint_replaces_invalid_files() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    let server = Server::start(move |path, _| {
        let name = path.trim_start_matches('/');
        Response::whole(&fs::read(Path::new(data).join(name)).unwrap())
    });
    let dir = TestDir::empty();
    dir.create_dir("d");
    common::write_dataset(&dir.path("d"), 200, 40);
    let output = dir.run("data verify --data d");
    assert_eq!(output.code(), 1);
    let stderr = output.stderr();
    let advice = stderr.split('`').nth(1).unwrap();
    let words = format!("{advice} --data d --mirror {}", server.url());
    let again = run_shell(&dir, &words);
    assert_eq!(again.code(), 0, "{words}: {}", again.stderr());
    dir.run("data verify --data d").ok();
}
