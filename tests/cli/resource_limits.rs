//! Runs every command under a range of resource limits (`ulimit`). Each command either succeeds, with the same output as
//! without limits, or reports an error.
//! No signal kills it, and no temporary file remains.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use super::commands::{COMMANDS, assert_commands_are_complete, untimed, write_pictures};
use super::server::{Response, Server};
use super::{CommandOutput, TestDir, in_shell};

/// Creates a directory that contains two models and pictures.
fn dir_with_models_and_picture() -> TestDir {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.train("--epochs 1 -o n.mpk");
    write_pictures(dir.root.path());
    dir
}

/// Runs the program under `ulimit LIMIT`, as an unprivileged user, because root ignores some limits.
fn run(dir: &TestDir, limit: &str, args: &str) -> CommandOutput {
    let mut command = in_shell(&format!("ulimit {limit}"), &dir.unprivileged_lenet(args));
    command.env("LENET_THREADS", "2");
    if dir.is_owned_by_root() {
        // The limit on processes counts all processes of a user, so each option runs as a different user.
        let user = 100_000 + 256 * (std::process::id() % 10_000) + u32::from(limit.as_bytes()[1]);
        command.uid(user).gid(user);
    }
    CommandOutput::of(&mut command)
}

/// Runs every command under `ulimit -OPTION VALUE` for each of `values` and prints one row per value. Returns how many
/// runs succeeded and how many reported an error.
fn sweep(option: char, values: impl IntoIterator<Item = u64>) -> (usize, usize) {
    assert_commands_are_complete();
    let dir = dir_with_models_and_picture();
    // The output of `doctor` contains measurements.
    let usual = COMMANDS.map(|(name, args)| (name != "doctor").then(|| run(&dir, "-c 0", args)));
    let (mut succeeded, mut failed) = (0, 0);
    for (index, value) in values.into_iter().enumerate() {
        let limit = format!("-{option} {value}");
        // Skip limits under which the OS cannot load the program.
        if run(&dir, &limit, "--version").code() != 0 {
            println!("ulimit {limit:<12} the OS cannot start the program");
            continue;
        }
        let mut row = Vec::new();
        // `doctor` measures for a second, so it runs under every third limit.
        let commands = COMMANDS.iter().zip(&usual);
        for ((name, args), usual) in
            commands.filter(|((name, _), _)| *name != "doctor" || index % 3 == 0)
        {
            let output = run(&dir, &limit, args);
            let stderr = output.stderr();
            match output.code() {
                0 => succeeded += 1,
                1 => failed += 1,
                code => panic!("ulimit {limit}: {name}: {code}: {stderr}"),
            }
            if let (0, Some(usual)) = (output.code(), usual) {
                assert_eq!(
                    untimed(output.stdout().as_bytes()),
                    untimed(usual.stdout().as_bytes()),
                    "{limit}: {name}"
                );
            }
            if output.code() == 1 {
                assert!(stderr.starts_with("error: ") || stderr.contains("\nerror: "), "{stderr}");
                assert!(!stderr.contains("internal error"), "{limit}: {name}: {stderr}");
            }
            let files = dir.files();
            let temporary = files.iter().find(|file| file.starts_with('.'));
            assert_eq!(temporary, None, "{limit}: {name}: {stderr}");
            row.push(format!("{name} {}", output.code()));
        }
        println!("ulimit {limit:<12} {}", row.join("  "));
    }
    (succeeded, failed)
}

#[test]
fn cpu_time_limit_saves_run() {
    let dir = TestDir::new();
    let args = "train --any-dataset --epochs 100000 --batch-size 1 -q -o m.mpk";
    let output = dir.run_in_shell("ulimit -S -t 1", args);
    assert_eq!(output.code(), 128 + 24, "{}", output.stderr());
    output.assert_stderr_contains("error: stopped by the limit on CPU time (ulimit -S -t)\nhint: ");
    let epochs = dir.json("m.json")["epochs"].as_array().unwrap().len();
    dir.run(&format!("train --any-dataset --epochs {} -o m.mpk --resume", epochs + 1)).ok();
}

#[test]
fn file_size_limit_is_reported() {
    let (succeeded, failed) = sweep('f', [0, 1, 8, 50, 100, 200, 400, 700, 1500]);
    assert!(succeeded > 10 && failed > 10, "{succeeded} succeeded, {failed} failed");
}

#[test]
fn memory_limit_is_reported() {
    let values = [15, 20, 30, 40, 60, 80, 100, 130, 160, 180, 200, 220, 250, 300, 400, 600, 1000];
    let (succeeded, failed) = sweep('v', values.map(|megabytes| 1000 * megabytes));
    assert!(succeeded > 10 && failed > 10, "{succeeded} succeeded, {failed} failed");
}

#[test]
fn open_file_limit_is_reported() {
    let (succeeded, failed) = sweep('n', 3..14);
    assert!(succeeded > 10 && failed > 0, "{succeeded} succeeded, {failed} failed");
}

#[test]
fn process_limit_is_reported() {
    let (succeeded, failed) = sweep('u', [1, 2, 3, 4, 5, 6, 8, 16, 400]);
    assert!(succeeded > 4 && failed > 4, "{succeeded} succeeded, {failed} failed");
}

/// The first mirror, which fails, forbids the client to start further threads.
#[test]
#[cfg(target_os = "linux")]
fn thread_is_checked_for_every_request() {
    let client = Arc::new(Mutex::new(0));
    let limited = client.clone();
    let faulty = Server::start(move |_| {
        let pid = limited.lock().unwrap().to_string();
        // Only the user of a process may change its limits, even if another user is root, who may lack this capability.
        let owner = fs::metadata(format!("/proc/{pid}")).unwrap();
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--nproc=1", "--pid", &pid]).uid(owner.uid()).gid(owner.gid());
        assert!(prlimit.status().unwrap().success());
        Response::status(404)
    });
    let other = Server::start(|_| Response::status(404));
    let dir = TestDir::new();
    let args = format!("data fetch --data d --mirror {} --mirror {}", faulty.url(), other.url());
    let mut command = dir.unprivileged_lenet(&args);
    for name in ["ALL_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy"] {
        command.env_remove(name);
    }
    let mut id = client.lock().unwrap();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    *id = child.id();
    drop(id);
    let output = CommandOutput(child.wait_with_output().unwrap());
    output.assert_error(1, "cannot start a thread: ", "raise the limit on processes (ulimit -u)");
    assert_eq!((faulty.requests().len(), other.requests().len()), (1, 0));
}

#[test]
fn small_stack_is_sufficient() {
    let (succeeded, failed) = sweep('s', [256, 512, 4096]);
    assert!(succeeded > 5, "{succeeded} succeeded, {failed} failed");
}
