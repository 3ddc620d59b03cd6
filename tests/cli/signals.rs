//! Signals to a training run: SIGINT, SIGTERM, SIGHUP, SIGSTOP.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::interruptions::*;
use super::{PATIENCE, TestDir};

#[test]
fn interrupted_epoch_resumes_bit_identically() {
    // The second kind of run has one batch per epoch and many validation images, so that most signals arrive during
    // validation.
    let dir = dir_with_500_images();
    let mostly_validation = TestDir::with_images(8000, 40);
    let validating = TRAIN.replace("--batch-size 1", "--batch-size 400 --validation-split 0.95");
    let mut random = Random(2);
    for (dir, args) in [(&dir, TRAIN), (&mostly_validation, validating.as_str())] {
        let (mut before, mut within_epoch) = ((0, 0), 0);
        for round in 0..20 {
            let (signal, status, name) = match round % 2 {
                0 => ("INT", 130, "Ctrl-C"),
                _ => ("TERM", 143, "SIGTERM"),
            };
            let run =
                RunningCommand::start_training(dir, &format!("{args} --resume --epochs 100000"));
            sleep(random.millis(100));
            let begin = Instant::now();
            run.signal(signal);
            let output = run.wait();
            assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
            assert_eq!(output.code(), status, "{}", output.stderr());
            let stderr = output.stderr();
            let message = format!(
                "error: stopped by {name}\n\
                 hint: everything is saved; resume with: lenet train "
            );
            assert!(stderr.contains(&message) && stderr.ends_with(" --resume\n"), "{stderr}");
            assert_eq!(dir.files(), ["m.json", "m.mpk", "m.state"]);
            assert_files_intact(dir);
            let checkpoint = saved_checkpoint(dir);
            let now = (checkpoint.record.epochs.len(), checkpoint.sums.batches);
            // A run that resumes within validation may be interrupted within the same validation, so `now` may equal `before`.
            assert!(now >= before, "progress was lost: {now:?} after {before:?}");
            before = now;
            within_epoch += usize::from(now.1 > 0);
        }
        assert!(within_epoch >= 10, "only {within_epoch} of 20 signals came within an epoch");
        let (count, digest) = assert_matches_uninterrupted_run(dir, args);
        println!("{count} epochs, 20 signals, {within_epoch} within an epoch: {digest}");
    }
}

#[test]
fn signal_during_evaluation_keeps_run() {
    let dir = TestDir::with_images(50, 10_000);
    // On a busy machine the program may exit before the signal arrives. One interrupted evaluation in 20 attempts is enough.
    let interrupted = (0..20).find_map(|_| {
        let args = "train --any-dataset --threads 1 --epochs 2 -o m.mpk --force";
        let mut run = RunningCommand::start(&dir, args);
        run.wait_for("Epoch 2/2");
        run.signal("INT");
        let output = run.wait();
        (output.code() != 0).then_some(output)
    });
    let output = interrupted.expect("no signal arrived during the evaluation");
    assert_eq!(output.code(), 130, "{}", output.stderr());
    assert!(output.stderr().contains("resume with: lenet train --any-dataset"));
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
        assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
        // Until the program installs its signal handlers, SIGTERM kills it.
        assert!([143, -15].contains(&output.code()), "{}: {}", output.code(), output.stderr());
        assert_files_intact(&dir);
        assert_eq!(output.code() == 143, dir.path("m.state").exists(), "{}", output.stderr());
    }
}

#[test]
fn second_signal_exits_immediately() {
    // On a busy machine the program may save and exit after the first signal before the second arrives. One immediate
    // exit in 20 attempts is enough.
    let exited_at_once = (0..20).any(|_| {
        let dir = dir_with_500_images();
        let run = RunningCommand::start_training(&dir, &format!("{TRAIN} --epochs 100000"));
        let saved_at = || fs::metadata(dir.path("m.state")).and_then(|file| file.modified()).ok();
        // The stopped program receives both signals when it continues, so no batch is trained between them.
        run.signal("STOP");
        run.signal("INT");
        run.signal("TERM");
        let before = saved_at();
        run.signal("CONT");
        let begin = Instant::now();
        let output = run.wait();
        assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
        assert!([130, 143].contains(&output.code()), "{}", output.code());
        assert_files_intact(&dir);
        let reports_save = output.stderr().contains("saved");
        assert!(reports_save || saved_at() == before, "the checkpoint was saved silently");
        !reports_save
    });
    assert!(exited_at_once, "the second signal never ended the run at once");
}

/// Returns whether this process ignores SIGHUP, as under `nohup`. If so, the program that it starts also ignores SIGHUP.
fn sighup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[test]
fn sighup_and_sigstop_preserve_run() {
    // SIGHUP kills the run, and SIGSTOP pauses it. Afterwards it resumes bit-identically.
    let dir = dir_with_500_images();
    let run = RunningCommand::start_training(&dir, &format!("{TRAIN} --epochs 100000"));
    sleep(Duration::from_millis(300));
    run.signal("HUP");
    let code = if sighup_is_ignored() {
        sleep(Duration::from_millis(100));
        run.signal("KILL");
        -9
    } else {
        -1
    };
    assert_eq!(run.wait().code(), code);
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
