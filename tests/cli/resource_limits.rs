//! Limits of the system, swept over every command that computes: the work is done, or an error says why not. No
//! signal ends it, no scratch file stays.

use std::os::unix::process::CommandExt;

use super::{CommandOutput, TestDir, in_shell};

const COMMANDS: [&str; 5] = [
    "train --any-dataset --epochs 1 --limit 64 --threads 2 --force -q -o t.mpk",
    "eval --any-dataset --threads 2 m.mpk",
    "predict --threads 2 m.mpk p.png",
    "convert m.mpk c.safetensors --force",
    "report --any-dataset --threads 2 m.mpk --force -o r.html",
];

/// A place with a model and a picture, in which nobody may write.
fn dir_with_model_and_picture() -> TestDir {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/data/predict.png");
    std::fs::copy(picture, dir.path("p.png")).unwrap();
    dir
}

/// Runs `words` under this limit of a shell, as a user for whom limits count.
fn run(dir: &TestDir, limit: &str, words: &str) -> CommandOutput {
    let mut command = in_shell(&format!("ulimit {limit}"), &dir.unprivileged_lenet(words));
    if dir.is_owned_by_root() {
        // One of its own, since the system counts all processes of a user.
        let user = 100_000 + 256 * (std::process::id() % 10_000) + u32::from(limit.as_bytes()[1]);
        command.uid(user).gid(user);
    }
    CommandOutput::of(&mut command)
}

/// Runs every command under `ulimit OPTION N` for each of `values`, prints a row for each value, and returns how many
/// runs did their work and how many said why not.
fn sweep(option: char, values: impl IntoIterator<Item = u64>) -> (usize, usize) {
    let dir = dir_with_model_and_picture();
    let (mut done, mut refused) = (0, 0);
    for value in values {
        let limit = format!("-{option} {value}");
        // Where the program cannot even be loaded, it has no say.
        if run(&dir, &limit, "--version").code() != 0 {
            println!("ulimit {limit:<12} not started by the system");
            continue;
        }
        let mut row = Vec::new();
        for words in COMMANDS {
            let output = run(&dir, &limit, words);
            let (name, stderr) = (words.split(' ').next().unwrap(), output.stderr());
            match output.code() {
                0 => done += 1,
                1 => refused += 1,
                code => panic!("ulimit {limit}: {name}: {code}: {stderr}"),
            }
            if output.code() == 1 {
                assert!(stderr.starts_with("error: ") || stderr.contains("\nerror: "), "{stderr}");
                assert!(!stderr.contains("internal error"), "{limit}: {name}: {stderr}");
            }
            let files = dir.files();
            let is_left = |file: &&String| file.starts_with('.');
            assert_eq!(files.iter().find(is_left), None, "{limit}: {name}: {stderr}");
            row.push(format!("{name} {}", output.code()));
        }
        println!("ulimit {limit:<12} {}", row.join("  "));
    }
    (done, refused)
}

#[test]
fn file_size_limit_is_reported() {
    let (done, refused) = sweep('f', [0, 1, 8, 50, 100, 200, 400, 700, 1500]);
    assert!(done > 10 && refused > 10, "{done} {refused}");
}

#[test]
fn memory_limit_is_reported() {
    let values = [15, 20, 30, 40, 60, 80, 100, 130, 160, 180, 200, 220, 250, 300, 400, 600, 1000];
    let (done, refused) = sweep('v', values.map(|megabytes| 1000 * megabytes));
    assert!(done > 10 && refused > 10, "{done} {refused}");
}

#[test]
fn open_file_limit_is_reported() {
    let (done, refused) = sweep('n', 3..14);
    assert!(done > 10 && refused > 0, "{done} {refused}");
}

#[test]
fn process_limit_is_reported() {
    let (done, refused) = sweep('u', [1, 2, 3, 4, 5, 6, 8, 16, 400]);
    assert!(done > 4 && refused > 4, "{done} {refused}");
}

#[test]
fn small_stack_is_sufficient() {
    let (done, refused) = sweep('s', [256, 512, 4096]);
    assert!(done > 5, "{done} {refused}");
}
