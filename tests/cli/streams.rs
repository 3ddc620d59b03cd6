//! Standard output and standard error: who gets what, and what happens when one is gone.

use std::process::Stdio;

use super::{Place, Ran};

#[test]
fn results_are_on_stdout_and_everything_else_on_stderr() {
    let place = Place::new();
    let ran = place.train("--epochs 1");
    assert!(ran.stderr().starts_with("note: data: not Fashion-MNIST"), "{}", ran.stderr());
    assert!(!ran.stdout().contains("note") && !ran.stdout().contains('\u{1b}'));
    let quiet = place.train("--epochs 1 -q");
    assert_eq!(quiet.stdout(), "");
    assert!(place.path("model-2.mpk").is_file());
}

#[test]
fn no_command_prints_a_short_help_with_examples_and_is_status_2() {
    let ran = Place::empty().run("");
    assert_eq!(ran.code(), 2);
    assert_eq!(ran.stdout(), "");
    assert!(ran.stderr().contains("Examples:") && ran.stderr().contains("lenet train"));
    let asked = Place::empty().run("--help");
    assert!(asked.code() == 0 && asked.stdout().starts_with("Examples:"), "{}", asked.stdout());
}

#[test]
fn a_reader_that_leaves_is_no_failure_and_the_model_is_saved() {
    let place = Place::new();
    for words in ["train --any-dataset --epochs 2", "eval model.mpk --any-dataset", "shapes"] {
        let mut child =
            place.lenet(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code(), 0, "{words}: {}", ran.stderr());
        assert!(!ran.stderr().contains("error"), "{words}: {}", ran.stderr());
    }
    assert!(place.path("model.mpk").is_file());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_an_error_but_the_model_is_saved() {
    let place = Place::new();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = place.lenet("train --any-dataset --epochs 1").stdout(full()).output().unwrap();
    let ran = Ran(ran);
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    ran.assert_says("error: cannot write to standard output");
    assert!(place.path("model.mpk").is_file());
    let ran = Ran::of(place.lenet("eval model.mpk --any-dataset").stdout(full()));
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    let ran = Ran::of(place.lenet("eval missing.mpk").stderr(full()));
    assert_eq!(ran.code(), 1);
}
