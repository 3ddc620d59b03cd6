//! Every command runs repeatedly, and each time a different one of its attempts to open a file fails with "Too many open files".

use std::fs;
use std::process::{Command, Output};

use super::commands::{COMMANDS, assert_commands_are_complete, untimed, write_pictures};
use super::{LENET, common, stderr};

#[test]
fn exhausted_descriptors_skip_no_file() {
    assert_commands_are_complete();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    common::write_dataset(&dir.path().join("data"), 80, 20);
    fs::write(dir.path().join("data/classes.txt"), "a b c d e f g h i j".replace(' ', "\n"))
        .unwrap();
    write_pictures(dir.path());
    let run = |program: &str, args: &str| -> Output {
        let mut command = Command::new(program);
        command.args(args.split(' ')).current_dir(dir.path());
        command.env("LENET_DATA_DIR", dir.path().join("data")).env("LENET_THREADS", "1");
        command.output().unwrap()
    };
    for name in ["m.mpk", "n.mpk"] {
        let args = format!("train --any-dataset --epochs 1 --limit 64 -q -o {name}");
        assert!(run(LENET, &args).status.success());
    }
    let mut refused = 0;
    // `doctor` reports what it cannot open in its table.
    for (name, args) in COMMANDS.iter().filter(|(name, _)| *name != "doctor") {
        let usual = run(LENET, args);
        // `man --dir` and `data fetch` open more than a hundred files, which are all alike.
        for n in 1..60 {
            let output = run(
                "strace",
                &format!(
                    "-f --seccomp-bpf -o log -e trace=openat -e inject=openat:error=EMFILE:when={n} {LENET} {args}"
                ),
            );
            if !fs::read_to_string(dir.path().join("log")).unwrap().contains("(INJECTED)") {
                break;
            }
            refused += 1;
            let context = format!("{name}, file {n}: {}", stderr(&output));
            match output.status.code() {
                Some(1) => assert!(context.contains("error: "), "{context}"),
                // The dynamic loader failed before the program started.
                Some(127) => assert!(context.contains("loading shared libraries"), "{context}"),
                code => {
                    assert_eq!(code, usual.status.code(), "{context}");
                    assert_eq!(untimed(&output.stdout), untimed(&usual.stdout), "{context}");
                }
            }
        }
    }
    println!("{refused} files were refused");
    assert!(refused > 100, "{refused}");
}
