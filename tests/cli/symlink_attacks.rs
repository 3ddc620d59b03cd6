//! Symlink attacks: another user creates a symlink, a pipe or a file at a path that the program will use.

use std::fs;
use std::os::unix::fs::symlink;

use super::commands::write_pictures;
use super::{TestDir, run_with_timeout};

#[test]
fn invalid_lock_file_is_rejected() {
    let dir = TestDir::new();
    dir.write("victim", "");
    let lock = ".m.state.lock";
    let cases: [(&dyn Fn(), &str); 5] = [
        (&|| dir.create_fifo(lock), "expected a file, found a pipe"),
        (&|| symlink("victim", dir.path(lock)).unwrap(), "expected a file, found a symlink"),
        (&|| symlink("nowhere", dir.path(lock)).unwrap(), "expected a file, found a symlink"),
        (&|| fs::hard_link(dir.path("victim"), dir.path(lock)).unwrap(), "not a lock file"),
        (&|| dir.write(lock, "mine"), "not a lock file"),
    ];
    for (create, problem) in cases {
        create();
        let output = run_with_timeout(dir.lenet("train --any-dataset --epochs 1 -o m.mpk"));
        output.assert_error(1, &format!("cannot lock {lock}: {problem}"), "");
        assert_eq!(dir.files(), [lock, "victim"]);
        dir.remove(lock);
    }
}

#[test]
fn internal_path_symlinks_are_not_followed() {
    let dir = TestDir::new();
    let link = |name: &str, target: &str| symlink(target, dir.path(name)).unwrap();
    dir.write("victim", "precious");
    link("m.state", "victim");
    let output = dir.try_train("--epochs 1 -o m.mpk");
    output.assert_error(1, "m.state already exists", "--force");
    dir.remove("m.state");
    link("m.json", "nowhere");
    let output = dir.try_train("--epochs 1 -o m.mpk");
    output.assert_error(1, "m.json already exists", "--force");
    // --force replaces the symlinks themselves.
    link("m.state", "victim");
    dir.train("--epochs 1 -o m.mpk --force");
    assert!(!dir.path("m.state").is_symlink() && !dir.path("m.json").is_symlink());
    // The default output name skips a dangling symlink.
    link("model.mpk", "nowhere");
    let output = dir.train("--epochs 1");
    assert!(output.stdout().ends_with("saved model-2.mpk\n"));
    link("m.html", "nowhere");
    let output = dir.run("report m.mpk --any-dataset");
    output.assert_error(1, "m.html already exists", "--force");
    dir.remove("m.html");
    link("m.html", "victim");
    dir.run("report m.mpk --any-dataset --force").ok();
    assert!(!dir.path("m.html").is_symlink());
    link("m.onnx", "nowhere");
    let output = dir.run("convert m.mpk m.onnx");
    output.assert_error(1, "m.onnx already exists", "--force");
    assert!(!dir.path("nowhere").exists());
    assert_eq!(dir.read("victim"), b"precious");
}

/// The arguments of every command that writes to paths that the user did not type, and these paths. A path that ends with a
/// slash stands for a directory.
const MADE_UP: [(&str, &[&str]); 12] = [
    ("train --any-dataset --epochs 1", &["model.mpk", "model.state", "model.json"]),
    (
        "train --any-dataset --epochs 1 -o typed.mpk",
        &["typed.state", "typed.json", ".typed.state.lock"],
    ),
    ("train --any-dataset --epochs 1 --seeds 1..2 -o {seed}.mpk", &["2.mpk", "1.state", "2.json"]),
    (
        "train --any-dataset --epochs 1 -o typed.mpk --tensorboard runs",
        &["runs/train/", "runs/validation/", "runs/.lenet.lock"],
    ),
    (
        "train --any-dataset --epochs 1 --seeds 1..2 --tensorboard runs",
        &["runs/seed-1/", "runs/seed-2/", "runs/seed-2/train/", "runs/seed-2/.lenet.lock"],
    ),
    (
        "train --any-dataset --epochs 1 -o typed.mpk --seed 1 --tensorboard runs-{seed}",
        &["runs-1/", "runs-1/validation/"],
    ),
    ("train --any-dataset --epochs 1 -o dir-{seed}/m.mpk --seed 1", &["dir-1/", "dir-1/m.state"]),
    ("train --any-dataset --epochs 1 -o {seed}/a/m.mpk --seeds 1..2", &["2/", "2/a/"]),
    ("train --any-dataset --epochs 1 --snapshots -o typed.mpk", &["typed.snapshots"]),
    ("report m.mpk --any-dataset", &["m.html"]),
    (
        "convert m.mpk hub/",
        &["hub/model.safetensors", "hub/model.onnx", "hub/config.json", "hub/README.md"],
    ),
    ("data import pictures made", &["made/t10k-images-idx3-ubyte.gz", "made/classes.txt"]),
];

/// The other commands. `data fetch` also writes to paths that the user did not type; see `fetch_does_not_follow_symlinks`.
const OTHERS: [&str; 11] = [
    "runs",
    "eval",
    "predict",
    "compare",
    "shapes",
    "data fetch",
    "data verify",
    "data show",
    "doctor",
    "completions",
    "man",
];

#[test]
fn untyped_path_symlinks_are_not_followed() {
    for command in super::environment_tables::commands() {
        let is_listed = MADE_UP.iter().any(|(args, _)| args.starts_with(&command));
        assert!(is_listed || OTHERS.contains(&&*command), "{command} is in neither table");
    }
    let trained = TestDir::new();
    trained.train("--epochs 1 -o m.mpk");
    let model = trained.read("m.mpk");
    for (args, paths) in MADE_UP {
        for (path, force) in paths.iter().flat_map(|path| [(path, ""), (path, "--force")]) {
            for target in ["victim", "nowhere"] {
                let context = format!("{args} {force}: {path} -> {target}");
                let dir = TestDir::new();
                dir.write("m.mpk", &model);
                write_pictures(dir.root.path());
                let is_directory = path.ends_with('/');
                if is_directory && target == "victim" {
                    dir.create_dir("victim");
                    dir.write("victim/events.out.tfevents.1.lenet", "precious");
                } else {
                    dir.write("victim", "precious");
                }
                let link = dir.path(path.trim_end_matches('/'));
                fs::create_dir_all(link.parent().unwrap()).unwrap();
                symlink(dir.path(target), &link).unwrap();

                let output = run_with_timeout(dir.lenet(&format!("{args} {force}")));
                assert!(!dir.path("nowhere").exists(), "{context}");
                match dir.path("victim").is_dir() {
                    true => {
                        let names = fs::read_dir(dir.path("victim")).unwrap();
                        assert_eq!(names.count(), 1, "{context}");
                    }
                    false => assert_eq!(dir.read("victim"), b"precious", "{context}"),
                }
                // Files are replaced with --force, except lock files. Without it, only the default name of a model changes to
                // the next free one.
                let has_other_name = force.is_empty() && args.ends_with("--epochs 1");
                let is_replaced = !force.is_empty() && !is_directory && !path.ends_with(".lock");
                let expected = if is_replaced || has_other_name { 0 } else { 1 };
                assert_eq!(output.code(), expected, "{context}: {}", output.stderr());
                assert_eq!(link.is_symlink(), !is_replaced, "{context}");
            }
        }
    }
}

#[test]
fn man_pages_replace_symlinks() {
    let dir = TestDir::empty();
    dir.create_dir("man1");
    dir.write("victim", "precious");
    symlink("../victim", dir.path("man1/lenet.1")).unwrap();
    dir.run("man --dir man1").ok();
    assert!(!dir.path("man1/lenet.1").is_symlink());
    assert_eq!(dir.read("victim"), b"precious");
}
