//! Names that someone planted, and files that appear where none was: nothing is followed, waited for or replaced.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Place, Ran, run_in_time};

#[test]
fn a_lock_that_was_planted_is_refused_at_once_and_stays() {
    let place = Place::new();
    place.write("victim", "");
    let lock = ".m.state.lock";
    let plants: [&dyn Fn(); 5] = [
        &|| place.make_pipe(lock),
        &|| symlink("victim", place.path(lock)).unwrap(),
        &|| symlink("nowhere", place.path(lock)).unwrap(),
        &|| fs::hard_link(place.path("victim"), place.path(lock)).unwrap(),
        &|| place.write(lock, "mine"),
    ];
    for plant in plants {
        plant();
        let ran = run_in_time(place.lenet("train --any-dataset --epochs 1 -o m.mpk"));
        ran.assert_error(1, &format!("cannot lock {lock}: it is a"), "");
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

/// Runs `words` and makes `name` a stranger's file once the program has looked whether it is there: as soon as it
/// makes its scratch file, which a folder full of names to go through delays.
fn appears_meanwhile(place: &Place, words: &str, name: &str) -> Ran {
    let mut command = place.lenet(words);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let begin = Instant::now();
    let is_scratch = |name: &String| name.starts_with(".lenet-");
    while !place.files().iter().any(is_scratch) && child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
    // Whole at once, as another program's rename would make it.
    place.write("data/stranger", "mine");
    let _ = fs::hard_link(place.path("data/stranger"), place.path(name));
    Ran(child.wait_with_output().unwrap())
}

#[test]
fn a_file_that_appears_after_the_check_is_not_replaced() {
    let place = Place::new();
    place.train("--epochs 1 -o m.mpk");
    for (words, name) in [
        ("convert m.mpk n.safetensors", "n.safetensors"),
        ("report m.mpk --any-dataset", "report.html"),
        ("train --any-dataset --epochs 1 -o k.mpk", "k.mpk"),
    ] {
        let mut was_later = 0;
        for _ in 0..10 {
            let ran = appears_meanwhile(&place, words, name);
            match ran.code() {
                // The program was faster: the name was taken when the stranger came.
                0 => was_later += 1,
                _ => {
                    assert_eq!(ran.code(), 1, "{}", ran.stderr());
                    ran.assert_says("exists");
                    assert_eq!(place.read(name), b"mine");
                }
            }
            for file in place.files() {
                if !["m.json", "m.mpk", "m.state"].contains(&file.as_str()) {
                    assert!(!file.starts_with(".lenet-"), "{file}");
                    place.remove(&file);
                }
            }
        }
        println!("{words}: the stranger came first {} times of 10", 10 - was_later);
    }
}
