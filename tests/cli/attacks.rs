//! Names that someone planted: nothing is followed, waited for or replaced.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Place, run_in_time};

#[test]
fn a_lock_that_was_planted_is_refused_at_once_and_stays() {
    let place = Place::new();
    place.write("victim", "");
    let lock = ".m.state.lock";
    let cases: [(&dyn Fn(), &str); 5] = [
        (&|| place.make_pipe(lock), "expected a file, found a pipe"),
        (&|| symlink("victim", place.path(lock)).unwrap(), "expected a file, found a symlink"),
        (&|| symlink("nowhere", place.path(lock)).unwrap(), "expected a file, found a symlink"),
        (&|| fs::hard_link(place.path("victim"), place.path(lock)).unwrap(), "not a lock file"),
        (&|| place.write(lock, "mine"), "not a lock file"),
    ];
    for (create, problem) in cases {
        create();
        let ran = run_in_time(place.lenet("train --any-dataset --epochs 1 -o m.mpk"));
        ran.assert_error(1, &format!("cannot lock {lock}: {problem}"), "");
        assert_eq!(place.files(), [lock, "victim"]);
        place.remove(lock);
    }
}

#[test]
fn names_that_the_program_makes_up_are_not_followed() {
    let place = Place::new();
    let plant = |name: &str, end: &str| symlink(end, place.path(name)).unwrap();
    place.write("victim", "precious");
    plant("m.state", "victim");
    let ran = place.try_train("--epochs 1 -o m.mpk");
    ran.assert_error(1, "m.state exists already", "--force");
    place.remove("m.state");
    plant("m.json", "nowhere");
    let ran = place.try_train("--epochs 1 -o m.mpk");
    ran.assert_error(1, "m.json exists already", "--force");
    // With --force the links themselves are replaced.
    plant("m.state", "victim");
    place.train("--epochs 1 -o m.mpk --force");
    assert!(!place.path("m.state").is_symlink() && !place.path("m.json").is_symlink());
    // Nor is the name that is taken where none was given.
    plant("model.mpk", "nowhere");
    let ran = place.train("--epochs 1");
    assert!(ran.stdout().ends_with("saved model-2.mpk\n"));
    plant("report.html", "nowhere");
    let ran = place.run("report m.mpk --any-dataset");
    ran.assert_error(1, "report.html exists already", "--force");
    plant("m.onnx", "nowhere");
    let ran = place.run("convert m.mpk m.onnx");
    ran.assert_error(1, "m.onnx exists already", "--force");
    assert!(!place.path("nowhere").exists());
    assert_eq!(place.read("victim"), b"precious");
}
