//! Signals to a training: Ctrl-C, SIGTERM, a hangup, a pause.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::TestDir;
use super::interruptions::*;

#[test]
fn interrupted_epoch_resumes_bit_identically() {
    // The last runs, with one batch an epoch and much to validate, are mostly hit in the validation.
    let dir = dir_with_500_images();
    let mostly_validation = TestDir::with_images(8000, 40);
    let validating = TRAIN.replace("--batch-size 1", "--batch-size 400 --validation-split 0.95");
    let mut random = Random(2);
    for (dir, words) in [(&dir, TRAIN), (&mostly_validation, validating.as_str())] {
        let (mut before, mut in_mid_epoch) = ((0, 0), 0);
        for round in 0..20 {
            let (signal, status, name) = match round % 2 {
                0 => ("INT", 130, "Ctrl-C"),
                _ => ("TERM", 143, "SIGTERM"),
            };
            let run =
                RunningCommand::start_training(dir, &format!("{words} --resume --epochs 100000"));
            sleep(random.millis(100));
            let begin = Instant::now();
            run.signal(signal);
            let output = run.wait();
            assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
            assert_eq!(output.code(), status, "{}", output.stderr());
            let stderr = output.stderr();
            let message = format!(
                "error: stopped by {name}\n\
                 hint: everything is saved; go on with: lenet train "
            );
            assert!(stderr.contains(&message) && stderr.ends_with(" --resume\n"), "{stderr}");
            assert_eq!(dir.files(), ["m.json", "m.mpk", "m.state"]);
            assert_files_intact(dir);
            let state = saved_checkpoint(dir);
            let now = (state.record.epochs.len(), state.sums.batches);
            // A run may end in the validation that it began with.
            assert!(now >= before, "nothing is lost: {now:?} after {before:?}");
            before = now;
            in_mid_epoch += usize::from(now.1 > 0);
        }
        assert!(in_mid_epoch >= 10, "only {in_mid_epoch} of 20 in mid-epoch");
        let (count, digest) = assert_matches_uninterrupted_run(dir, words);
        println!("{count} epochs, 20 signals, {in_mid_epoch} in mid-epoch: {digest}");
    }
}

#[test]
fn signal_during_evaluation_keeps_run() {
    let dir = TestDir::with_images(50, 10_000);
    let mut run =
        RunningCommand::start(&dir, "train --any-dataset --threads 1 --epochs 2 -o m.mpk");
    run.wait_for("Epoch 2/2");
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.code(), 130, "{}", output.stderr());
    assert!(output.stderr().contains("go on with: lenet train --any-dataset"));
    assert_eq!(saved_checkpoint(&dir).record.epochs.len(), 2);
    let output = dir.try_train("--resume -o m.mpk").ok();
    assert!(output.stdout().contains("\ntest  loss: "), "{}", output.stdout());
}

#[test]
fn signal_at_start_keeps_files_intact() {
    for delay in (0..40).step_by(2) {
        let dir = dir_with_500_images();
        let run = RunningCommand::start(&dir, &format!("{TRAIN} --epochs 100000"));
        sleep(Duration::from_millis(delay));
        let begin = Instant::now();
        run.signal("TERM");
        let output = run.wait();
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        // Before the program listens, the signal does what it does to any program.
        assert!([143, -15].contains(&output.code()), "{}: {}", output.code(), output.stderr());
        assert_files_intact(&dir);
        assert_eq!(output.code() == 143, dir.path("m.state").exists(), "{}", output.stderr());
    }
}

#[test]
fn second_signal_exits_immediately() {
    // On a busy machine the first may be dealt with, state and all, before another thread is given the second.
    let at_once = (0..20).any(|_| {
        let dir = dir_with_500_images();
        let run = RunningCommand::start_training(&dir, &format!("{TRAIN} --epochs 100000"));
        let state = || fs::metadata(dir.path("m.state")).and_then(|found| found.modified()).ok();
        // Both signals wait until the program goes on, so that no batch is done between them.
        run.signal("STOP");
        run.signal("INT");
        run.signal("TERM");
        let before = state();
        run.signal("CONT");
        let begin = Instant::now();
        let output = run.wait();
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        assert!([130, 143].contains(&output.code()), "{}", output.code());
        assert_files_intact(&dir);
        let saved = output.stderr().contains("saved");
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
fn sighup_and_sigstop_preserve_run() {
    let dir = dir_with_500_images();
    let run = RunningCommand::start_training(&dir, &format!("{TRAIN} --epochs 100000"));
    sleep(Duration::from_millis(300));
    run.signal("HUP");
    let ended_by = if hangups_are_ignored() {
        sleep(Duration::from_millis(100));
        run.signal("KILL");
        -9
    } else {
        -1
    };
    assert_eq!(run.wait().code(), ended_by);
    assert_files_intact(&dir);
    let run = RunningCommand::start_training(&dir, &format!("{TRAIN} --epochs 100000 --resume"));
    run.signal("STOP");
    sleep(Duration::from_millis(50));
    run.signal("CONT");
    sleep(Duration::from_millis(50));
    run.signal("TERM");
    assert_eq!(run.wait().code(), 143);
    assert_matches_uninterrupted_run(&dir, TRAIN);
}
