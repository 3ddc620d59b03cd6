//! Hints work: the tests run the suggested commands in a shell exactly as the program prints them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::interruptions::RunningCommand;
use super::server::{Response, Server};
use super::{CommandOutput, PATIENCE, TestDir, common};

/// Runs `command` in a shell whose `PATH` contains the program.
pub fn run_shell(dir: &TestDir, command: &str) -> CommandOutput {
    let lenet = Path::new(env!("CARGO_BIN_EXE_lenet"));
    let path = format!("{}:/usr/bin:/bin", lenet.parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(dir.root.path());
    shell.env("PATH", path).env("HOME", dir.root.path());
    shell.env_remove("LENET_DATA_DIR");
    CommandOutput::of(&mut shell)
}

/// Returns the command at the end of the hint.
pub fn suggested_command(output: &CommandOutput) -> String {
    let stderr = output.stderr();
    let hint = stderr.lines().find(|line| line.starts_with("hint: "));
    let (_, command) = hint.unwrap_or(stderr).split_once(" with: ").unwrap();
    assert!(command.starts_with("lenet train "), "{stderr}");
    command.to_owned()
}

/// Starts a training run and interrupts it as soon as `ready` returns true.
pub fn interrupt_when(dir: &TestDir, args: &str, ready: impl Fn() -> bool) -> CommandOutput {
    let run = RunningCommand::start(dir, args);
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < PATIENCE, "{args}");
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
    // `TestDir` splits arguments at spaces, so the arguments name a symlink to this directory.
    std::os::unix::fs::symlink("images of mine", dir.path("images")).unwrap();
    let args = "train --any-dataset --data images --epochs 30 --batch-size 1 --tensorboard tb";
    let uninterrupted = format!("{args} --seed 4 -o straight.mpk").replace("--tensorboard tb", "");
    dir.run(&uninterrupted).ok();
    let expected = dir.digest("straight.mpk");
    dir.write("model.mpk", "taken");
    for (more, name) in [
        (" --seed 4", "model-2"),
        (" --seed 4 -o n.mpk --force", "n"),
        (" --like straight.json -o o.mpk", "o"),
    ] {
        let checkpoint = dir.path(&format!("{name}.state"));
        let output = interrupt_when(&dir, &format!("{args}{more}"), || checkpoint.exists());
        let hint = suggested_command(&output);
        let resumed = run_shell(&dir, &hint);
        assert_eq!(resumed.code(), 0, "{hint}: {}", resumed.stderr());
        assert_eq!(dir.digest(&format!("{name}.mpk")), expected, "{hint}");
        fs::remove_dir_all(dir.path("tb")).unwrap();
    }
}

#[test]
fn resume_hint_contains_variables() {
    let dir = TestDir::with_images(1000, 40);
    let variables = [
        ("LENET_OUTPUT", "my model.mpk"),
        ("LENET_EPOCHS", "30"),
        ("LENET_SEED", "4"),
        ("LENET_SIMD", "scalar"),
    ];
    let mut command = dir.lenet("train --any-dataset --batch-size 1");
    command.envs(variables).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    let begin = Instant::now();
    while !dir.path("my model.state").exists() {
        assert!(begin.elapsed() < PATIENCE);
        sleep(Duration::from_millis(2));
    }
    let status = Command::new("kill").args(["-s", "INT", &run.id().to_string()]).status();
    assert!(status.unwrap().success());
    let output = CommandOutput(run.wait_with_output().unwrap());
    assert_eq!(output.code(), 130, "{}", output.stderr());
    let (_, hint) = output.stderr().split_once(" with: ").unwrap();
    assert!(
        hint.starts_with("env LENET_SIMD=scalar lenet train '--output=my model.mpk'"),
        "{hint}"
    );
    let resumed = run_shell(&dir, hint);
    assert_eq!(resumed.code(), 0, "{hint}: {}", resumed.stderr());
    assert_eq!(dir.json("my model.json")["settings"]["seed"], 4);
    assert_eq!(dir.json("my model.json")["epochs"].as_array().unwrap().len(), 30);
}

#[test]
fn missing_runs_have_hints() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    fs::copy(dir.path("a.mpk"), dir.path("b.mpk")).unwrap();
    for (other, error, hint) in [
        (
            "keras.csv",
            "cannot compare keras.csv: No such file",
            "check the name; Keras writes such a log",
        ),
        ("b.json", "cannot compare b.json: No such file", "give a run record (.json)"),
        (
            "b.mpk",
            "cannot compare b.mpk: its run record b.json does not exist",
            "give a run record (.json)",
        ),
    ] {
        dir.run(&format!("compare a.mpk {other}")).assert_error(1, error, hint);
    }
}

#[test]
fn resume_hint_completes_interrupted_seeds() {
    let dir = TestDir::with_images(1000, 40);
    let args = "train --any-dataset --epochs 20 --batch-size 1 --seeds 1..3";
    let third = dir.path("s-3.state");
    let with_files = format!("{args} -o s-{{seed}}.mpk");
    let hint = suggested_command(&interrupt_when(&dir, &with_files, || third.exists()));
    let resumed = run_shell(&dir, &hint);
    assert_eq!(resumed.code(), 0, "{hint}: {}", resumed.stderr());
    assert_eq!(resumed.stdout().lines().count(), 7, "{}", resumed.stdout());
    let uninterrupted = args.replace("--seeds 1..3", "--seed 3 -o straight.mpk");
    dir.run(&uninterrupted).ok();
    let digests = ["s-3.mpk", "straight.mpk"].map(|name| dir.digest(name));
    assert_eq!(digests[0], digests[1]);
    // Without -o, the hint lists only the remaining seeds.
    let mut run = RunningCommand::start(&dir, args);
    run.wait_for("   1 ");
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.code(), 130, "{}", output.stderr());
    let hint = suggested_command(&output);
    let resumed = run_shell(&dir, &hint);
    assert_eq!(resumed.code(), 0, "{hint}: {}", resumed.stderr());
    // `wait_for` has read the first row. The two outputs contain the remaining two rows.
    let rows = [output.stdout(), resumed.stdout()].map(|out| {
        let is_row = |line: &&str| line.starts_with("   ") && !line.contains("sd");
        out.lines().filter(is_row).count()
    });
    assert!(rows[0] < 2 && 1 + rows[0] + rows[1] == 3, "{rows:?}: {}", output.stdout());
}

#[test]
fn fetch_hint_replaces_invalid_files() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    let server = Server::start(move |path| {
        let name = path.trim_start_matches('/');
        Response::complete(&fs::read(Path::new(data).join(name)).unwrap())
    });
    let dir = TestDir::empty();
    dir.create_dir("d");
    common::write_dataset(&dir.path("d"), 200, 40);
    let output = dir.run("data verify --data d");
    assert_eq!(output.code(), 1);
    let (_, hint) = output.stderr().split_once("replace them: ").unwrap();
    let command = format!("{} --mirror {}", hint.trim_end(), server.url());
    let fetched = run_shell(&dir, &command);
    assert_eq!(fetched.code(), 0, "{command}: {}", fetched.stderr());
    dir.run("data verify --data d").ok();
}
