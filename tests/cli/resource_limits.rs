//! Runs every command under a range of resource limits (`ulimit`). Each command either succeeds or reports an error.
//! No signal kills it, and no temporary file remains.

use std::os::unix::process::CommandExt;

use super::commands::{COMMANDS, assert_commands_are_complete};
use super::{CommandOutput, TestDir, in_shell};

/// Creates a directory that contains two models and a picture.
fn dir_with_models_and_picture() -> TestDir {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    dir.train("--epochs 1 -o n.mpk");
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/data/predict.png");
    std::fs::copy(picture, dir.path("p.png")).unwrap();
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
        for (name, args) in COMMANDS.iter().filter(|(name, _)| *name != "doctor" || index % 3 == 0)
        {
            let output = run(&dir, &limit, args);
            let stderr = output.stderr();
            match output.code() {
                0 => succeeded += 1,
                1 => failed += 1,
                code => panic!("ulimit {limit}: {name}: {code}: {stderr}"),
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

#[test]
fn small_stack_is_sufficient() {
    let (succeeded, failed) = sweep('s', [256, 512, 4096]);
    assert!(succeeded > 5, "{succeeded} succeeded, {failed} failed");
}
