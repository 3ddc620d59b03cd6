//! Symlink attacks: another user creates a symlink, a pipe or a file at a path that the program will use.

use std::fs;
use std::os::unix::fs::symlink;

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
    link("m.html", "victim");
    dir.run("report m.mpk --any-dataset --force").ok();
    assert!(!dir.path("m.html").is_symlink());
    link("m.onnx", "nowhere");
    let output = dir.run("convert m.mpk m.onnx");
    output.assert_error(1, "m.onnx already exists", "--force");
    assert!(!dir.path("nowhere").exists());
    assert_eq!(dir.read("victim"), b"precious");
}
