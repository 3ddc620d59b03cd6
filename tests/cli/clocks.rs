//! Clocks before 1970 and after 9999, which many libraries cannot represent.

use std::process::Command;

use super::{CommandOutput, DATA, TestDir};

/// A library that replaces the clock of a program.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *time) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(id, time);
    if (id == CLOCK_REALTIME) time->tv_sec = atoll(getenv("TEST_SECONDS"));
    return status;
}
"#;

#[test]
fn invalid_clock_is_tolerated() {
    let dir = TestDir::new();
    dir.write("clock.c", CLOCK);
    let library = dir.path("clock.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &dir.path("clock.c")])
        .arg("-ldl")
        .status();
    assert!(built.unwrap().success());
    dir.train("--epochs 1 -o m.mpk");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/data/predict.png"), dir.path("p.png"))
        .unwrap();
    for seconds in ["-86400", "-9000000000", "253402300800", "9000000000000"] {
        let run = |args: &str| {
            let mut command = dir.lenet(args);
            command.env("LD_PRELOAD", &library).env("TEST_SECONDS", seconds);
            let output = CommandOutput::of(&mut command);
            assert!(!output.stderr().contains("internal error"), "{args}: {}", output.stderr());
            output
        };
        let train = "train --any-dataset --epochs 1 --force -o t.mpk --tensorboard runs";
        let output = run(train).ok();
        let note = "note: the clock is before 1970 or after 9999";
        assert_eq!(output.stderr().matches(note).count(), 1, "{}", output.stderr());
        assert!(dir.json("t.json").get("started").is_none());
        run("train --any-dataset --resume --epochs 2 -o t.mpk --tensorboard runs").ok();
        let seeds = run("train --any-dataset --epochs 1 --seeds 1..2 -o s{seed}.mpk --force").ok();
        assert_eq!(seeds.stderr().matches(note).count(), 1, "{}", seeds.stderr());
        for args in [
            "eval t.mpk --any-dataset",
            "predict t.mpk p.png",
            "report t.mpk --any-dataset --force",
            "compare t.mpk m.mpk --any-dataset -o c.html --force",
            "convert t.mpk hub/ --force",
            "data show --any-dataset --png s.png --force",
            "shapes",
            "man",
            "completions bash",
        ] {
            run(args).ok();
        }
        run(&format!("doctor --data {DATA}")).ok();
        assert_eq!(run("data verify").code(), 1);
        // The certificates of a server cannot be checked without a clock.
        let fetched = run("data fetch --data d --mirror https://127.0.0.1:1 --max-time 5");
        assert_eq!(fetched.code(), 1, "{}", fetched.stderr());
    }
}
