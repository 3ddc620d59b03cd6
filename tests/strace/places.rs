//! Tests file systems that lack operations: hard links, renames that keep an existing file, or locks. Examples are Google Drive
//! in Colab, rclone, shared folders of virtual machines, and NFS without a lock manager.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::LENET;
use super::server::{Response, Server};
use super::test_dir::{TestDir, stderr};

/// Every command that writes files, and the files. `URL` stands for a server of the data set.
const COMMANDS: [(&str, &[&str]); 9] = [
    ("train --any-dataset --epochs 1 -o m.mpk", &["m.mpk", "m.json", "m.state"]),
    (
        "train --any-dataset --epochs 1 --seeds 1..2 -o s{seed}.mpk",
        &["s1.mpk", "s2.json", "s2.state"],
    ),
    (
        "train --any-dataset --epochs 1 -o t.mpk --tensorboard runs",
        &["t.mpk", "runs/train", "runs/validation"],
    ),
    ("convert old/m.mpk m.safetensors", &["m.safetensors"]),
    (
        "convert old/m.mpk hub/",
        &["hub/model.safetensors", "hub/model.onnx", "hub/config.json", "hub/README.md"],
    ),
    ("report old/m.mpk --any-dataset -o r.html", &["r.html"]),
    ("compare old/m.mpk old/m.json --records-only -o c.html", &["c.html"]),
    ("data show --any-dataset --png s.png", &["s.png"]),
    ("data fetch --mirror URL --data fetched", &["fetched/t10k-labels-idx1-ubyte.gz"]),
];

/// Starts a server with the files of Fashion-MNIST.
fn server() -> Server {
    Server::start(|path| {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        Response::complete(&fs::read(data.join(path.trim_start_matches('/'))).unwrap())
    })
}

/// Runs the program under strace with these injections. Removes the files of earlier commands.
fn run(dir: &TestDir, args: &str, injections: &[&str]) -> Output {
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().unwrap().to_str().unwrap() {
            "data" | "old" => {}
            _ if path.is_dir() => fs::remove_dir_all(path).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null"]).current_dir(dir.path());
    for injection in injections {
        command.args(["-e", &format!("inject={injection}")]);
    }
    command.env("LENET_DATA_DIR", dir.path().join("data")).arg(LENET);
    command.args(args.split_whitespace()).output().unwrap()
}

/// Asserts that the command succeeded, and that exactly its files exist and none is empty.
fn assert_written(dir: &TestDir, output: &Output, files: &[&str], context: &str) {
    assert!(output.status.success(), "{context}: {}", stderr(output));
    for file in files {
        let found = fs::metadata(dir.path().join(file)).unwrap();
        assert!(found.is_dir() || found.len() > 0, "{context}: {file}");
    }
    let mut names = dir.names();
    for inside in ["runs", "hub", "fetched", "runs/train"] {
        if let Ok(entries) = fs::read_dir(dir.path().join(inside)) {
            names.extend(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
        }
    }
    assert!(!names.iter().any(|name| name.starts_with('.')), "{context}: {names:?}");
}

#[test]
fn missing_hard_links_are_tolerated() {
    let (dir, server) = (TestDir::new(), server());
    for error in ["ENOSYS", "EPERM", "EOPNOTSUPP", "EACCES"] {
        let injections = ["renameat2:error=EINVAL", &format!("link,linkat:error={error}")];
        for (args, files) in COMMANDS {
            let args = args.replace("URL", server.url());
            let output = run(&dir, &args, &injections);
            assert_written(&dir, &output, files, &format!("{error}: {args}"));
            // Existing files are still kept, except a report, which replaces another report.
            if !args.contains("fetch") && !args.starts_with("report") {
                let before = content(&dir, files[0]);
                let again = rerun(&dir, &args, &injections);
                assert_eq!(again.status.code(), Some(1), "{args}: {}", stderr(&again));
                assert!(stderr(&again).contains("already exists"), "{}", stderr(&again));
                assert_eq!(content(&dir, files[0]), before, "{args}");
            }
        }
    }
}

fn content(dir: &TestDir, name: &str) -> Vec<u8> {
    fs::read(dir.path().join(name)).unwrap()
}

/// Runs a command again without removing its files.
fn rerun(dir: &TestDir, args: &str, injections: &[&str]) -> Output {
    let injections = injections.iter().map(|injection| format!("-e inject={injection}"));
    let injections = injections.collect::<Vec<_>>().join(" ");
    dir.run("strace", &format!("-f -o /dev/null {injections} {LENET} {args}"))
}

#[test]
fn missing_locks_are_tolerated() {
    let (dir, server) = (TestDir::new(), server());
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS", "EIO"] {
        for (args, files) in COMMANDS {
            let args = args.replace("URL", server.url());
            let output = run(&dir, &args, &[&format!("flock:error={error}")]);
            assert_written(&dir, &output, files, &format!("{error}: {args}"));
            let notes = stderr(&output).matches("does not support locks").count();
            assert_eq!(notes, usize::from(args.starts_with("train")), "{}", stderr(&output));
        }
    }
}

#[test]
fn locks_of_others_do_not_block() {
    // Another user holds a lock on every file that the program creates.
    let (dir, server) = (TestDir::new(), server());
    for (args, files) in COMMANDS {
        let args = args.replace("URL", server.url());
        let output = run(&dir, &args, &["flock:error=EAGAIN"]);
        // Commands that write several files to a directory lock it.
        let rejected = ["train", "convert old/m.mpk hub/"];
        match rejected.iter().any(|start| args.starts_with(start)) {
            true => {
                let stderr = stderr(&output);
                assert!(stderr.contains("is writing") && output.status.code() == Some(1), "{args}");
            }
            false => assert_written(&dir, &output, files, &args),
        }
    }
    // No command waits for a lock.
    for (args, _) in COMMANDS {
        let args = args.replace("URL", server.url());
        let log = dir.path().join("old/locks");
        let _ = rerun(&dir, &format!("{args} --force").replace("hub/ --force", "hub/"), &[]);
        let traced = format!("-f -o old/locks -e trace=flock,fcntl {LENET} {args}");
        dir.run("strace", &traced);
        let log = fs::read_to_string(log).unwrap();
        let waits = |line: &&str| {
            line.contains("F_SETLKW") || line.contains("flock(") && !line.contains("LOCK_NB")
        };
        assert_eq!(log.lines().find(waits), None, "{args}");
    }
}

#[test]
fn files_are_closed_before_rename() {
    // Every other rename fails, as if the file were open. The program closes the file and tries again.
    let (dir, server) = (TestDir::new(), server());
    for (args, files) in COMMANDS {
        let args = args.replace("URL", server.url());
        let injections = [
            "renameat2:error=EINVAL",
            "link,linkat:error=EPERM",
            "renameat:error=ETXTBSY:when=1+2",
        ];
        let output = run(&dir, &args, &injections);
        assert_written(&dir, &output, files, &args);
    }
}

#[test]
fn unsupported_rename_prevents_training() {
    let dir = TestDir::new();
    for error in ["ENOSYS", "EPERM", "EXDEV", "EINVAL"] {
        let injections = [format!("rename,renameat,renameat2:error={error}")];
        let output = run(&dir, "train --any-dataset -o m.mpk", &[&injections[0]]);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(output.stdout.is_empty(), "{error}: training started");
        let stderr = stderr(&output);
        assert!(stderr.contains("cannot rename files next to m.mpk"), "{stderr}");
        assert!(stderr.contains("hint: write to a local disk"), "{stderr}");
        assert_eq!(dir.names(), [] as [&str; 0], "{error}");
    }
}

#[test]
fn hub_files_are_replaced_together() {
    let dir = TestDir::new();
    let names = ["model.safetensors", "model.onnx", "config.json", "README.md"];
    let convert = |model: &str| dir.run(LENET, &format!("convert {model} old/hub/ --force"));
    let trained = dir.run(LENET, "train --any-dataset --epochs 1 --seed 9 -q -o old/n.mpk");
    assert!(trained.status.success());
    // The model's name is in the card.
    let read = || names.map(|name| fs::read(dir.path().join("old/hub").join(name)).ok());
    assert!(convert("old/n.mpk").status.success());
    let new = read();
    assert!(convert("old/m.mpk").status.success());
    let old = read();
    let mut failures = 0;
    for (call, failure) in [
        ("write", "error=ENOSPC"),
        ("fsync", "error=EIO"),
        ("renameat", "error=EIO"),
        ("unlink", "error=EIO"),
        ("openat", "error=EMFILE"),
        ("renameat", "signal=SIGKILL"),
        ("fsync", "signal=SIGKILL"),
    ] {
        for n in 1.. {
            assert!(convert("old/m.mpk").status.success());
            let args = format!(
                "-f -o old/log -e trace={call} -e inject={call}:{failure}:when={n} {LENET} convert old/n.mpk old/hub/ --force"
            );
            let output = dir.run("strace", &args);
            let log = dir.log();
            if !log.contains("(INJECTED)") && !log.contains("SIGKILL") {
                assert!(output.status.success(), "{}", stderr(&output));
                break;
            }
            failures += 1;
            let found = read();
            let has_card = found[3].is_some();
            let context = format!("{call} {failure} {n}: {}", stderr(&output));
            assert!(!has_card || found == old || found == new, "{context}");
            assert!(found[..3].iter().all(Option::is_some), "{context}");
        }
    }
    println!("{failures} failures");
    assert!(failures > 40, "{failures}");
}
