//! Signals to a training: Ctrl-C, SIGTERM, a hangup, a pause.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Place;
use super::kills::*;

#[test]
fn signals_in_mid_epoch_end_it_within_two_seconds_and_cost_no_bit() {
    // The last runs, with one batch an epoch and much to validate, are mostly hit in the validation.
    let place = place();
    let mostly_validation = Place::with_images(8000, 40);
    let validating = TRAIN.replace("--batch-size 1", "--batch-size 400 --validation-split 0.95");
    let mut chance = Chance(2);
    for (place, words) in [(&place, TRAIN), (&mostly_validation, validating.as_str())] {
        let (mut before, mut in_mid_epoch) = ((0, 0), 0);
        for round in 0..20 {
            let (signal, status, name) = match round % 2 {
                0 => ("INT", 130, "Ctrl-C"),
                _ => ("TERM", 143, "SIGTERM"),
            };
            let run = Running::training(place, &format!("{words} --resume --epochs 100000"));
            sleep(chance.millis(100));
            let begin = Instant::now();
            run.signal(signal);
            let ran = run.end();
            assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
            assert_eq!(ran.code(), status, "{}", ran.stderr());
            let stderr = ran.stderr();
            let message = format!(
                "error: stopped by {name}\n\
                 hint: everything is saved; go on with: lenet train "
            );
            assert!(stderr.contains(&message) && stderr.ends_with(" --resume\n"), "{stderr}");
            assert_eq!(place.files(), ["m.json", "m.mpk", "m.state"]);
            check_whole(place);
            let state = saved(place);
            let now = (state.record.epochs.len(), state.sums.batches);
            // A run may end in the validation that it began with.
            assert!(now >= before, "nothing is lost: {now:?} after {before:?}");
            before = now;
            in_mid_epoch += usize::from(now.1 > 0);
        }
        assert!(in_mid_epoch >= 10, "only {in_mid_epoch} of 20 in mid-epoch");
        let (count, digest) = assert_as_if_nothing_had_happened(place, words);
        println!("{count} epochs, 20 signals, {in_mid_epoch} in mid-epoch: {digest}");
    }
}

#[test]
fn a_signal_in_the_last_evaluation_is_heeded_and_the_training_kept() {
    let place = Place::with_images(50, 10_000);
    let mut run = Running::start(&place, "train --any-dataset --threads 1 --epochs 2 -o m.mpk");
    run.wait_for("Epoch 2/2");
    run.signal("INT");
    let ran = run.end();
    assert_eq!(ran.code(), 130, "{}", ran.stderr());
    assert!(ran.stderr().contains("go on with: lenet train --any-dataset"));
    assert_eq!(saved(&place).record.epochs.len(), 2);
    let ran = place.try_train("--resume -o m.mpk").ok();
    assert!(ran.stdout().contains("\ntest  loss: "), "{}", ran.stdout());
}

#[test]
fn a_signal_at_any_moment_of_the_start_leaves_nothing_or_whole_files() {
    for delay in (0..40).step_by(2) {
        let place = place();
        let run = Running::start(&place, &format!("{TRAIN} --epochs 100000"));
        sleep(Duration::from_millis(delay));
        let begin = Instant::now();
        run.signal("TERM");
        let ran = run.end();
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        // Before the program listens, the signal does what it does to any program.
        assert!([143, -15].contains(&ran.code()), "{}: {}", ran.code(), ran.stderr());
        check_whole(&place);
        assert_eq!(ran.code() == 143, place.path("m.state").exists(), "{}", ran.stderr());
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // On a busy machine the first may be dealt with, state and all, before another thread is given the second.
    let at_once = (0..20).any(|_| {
        let place = place();
        let run = Running::training(&place, &format!("{TRAIN} --epochs 100000"));
        let state = || fs::metadata(place.path("m.state")).and_then(|found| found.modified()).ok();
        // Both signals wait until the program goes on, so that no batch is done between them.
        run.signal("STOP");
        run.signal("INT");
        run.signal("TERM");
        let before = state();
        run.signal("CONT");
        let begin = Instant::now();
        let ran = run.end();
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        assert!([130, 143].contains(&ran.code()), "{}", ran.code());
        check_whole(&place);
        let saved = ran.stderr().contains("saved");
        assert!(saved || state() == before, "it was saved without a word");
        !saved
    });
    assert!(at_once, "the second signal never ended it");
}

/// Whether this test was started by nohup or the like, which the program then inherits.
fn hangups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[test]
fn a_hangup_kills_and_a_pause_does_nothing_and_neither_costs_a_bit() {
    let place = place();
    let run = Running::training(&place, &format!("{TRAIN} --epochs 100000"));
    sleep(Duration::from_millis(300));
    run.signal("HUP");
    let ended_by = if hangups_are_ignored() {
        sleep(Duration::from_millis(100));
        run.signal("KILL");
        -9
    } else {
        -1
    };
    assert_eq!(run.end().code(), ended_by);
    check_whole(&place);
    let run = Running::training(&place, &format!("{TRAIN} --epochs 100000 --resume"));
    run.signal("STOP");
    sleep(Duration::from_millis(50));
    run.signal("CONT");
    sleep(Duration::from_millis(50));
    run.signal("TERM");
    assert_eq!(run.end().code(), 143);
    assert_as_if_nothing_had_happened(&place, TRAIN);
}
