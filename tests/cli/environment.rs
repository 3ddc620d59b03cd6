//! Unusual inputs and environments: special files, missing permissions, environment variables, closed streams, the umask.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::{CommandOutput, TRAINED, TestDir, run_with_timeout};

#[test]
fn special_files_are_rejected_as_inputs() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    dir.create_dir("folder.mpk");
    dir.create_fifo("pipe.mpk");
    symlink("/dev/zero", dir.path("device.mpk")).unwrap();
    symlink("nowhere", dir.path("dangling.mpk")).unwrap();
    symlink("loop.mpk", dir.path("loop.mpk")).unwrap();
    let _listener = UnixListener::bind(dir.path("socket.mpk")).unwrap();
    for (name, message) in [
        ("folder.mpk", "found a directory"),
        ("pipe.mpk", "found a pipe"),
        ("device.mpk", "found a device"),
        ("socket.mpk", "found a socket"),
        ("dangling.mpk", "No such file"),
        ("loop.mpk", "levels of symbolic links"),
        ("missing.mpk", "No such file"),
    ] {
        let output = run_with_timeout(dir.lenet(&format!("eval --any-dataset {name}")));
        output.assert_error(1, message, "");
        if ["folder.mpk", "pipe.mpk", "device.mpk", "socket.mpk"].contains(&name) {
            let checkpoint = dir.path("model.state");
            fs::remove_file(&checkpoint).unwrap();
            fs::rename(dir.path(name), &checkpoint).unwrap();
            let output = run_with_timeout(dir.lenet("train --any-dataset --resume --epochs 2"));
            output.assert_error(1, message, "");
            assert!(output.stderr().starts_with("error: "), "{}", output.stderr());
            output.assert_stderr_contains("model.state: ");
            fs::rename(&checkpoint, dir.path(name)).unwrap();
            fs::write(&checkpoint, "").unwrap();
        }
        let output =
            run_with_timeout(dir.lenet(&format!("train --any-dataset --data {name} -o new.mpk")));
        output.assert_error(1, name, "--data");
    }
}

#[test]
fn unreadable_inputs_are_reported() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    let run = |args: &str| CommandOutput::of(&mut dir.unprivileged_lenet(args));
    // As long as all files are readable, the command succeeds as the unprivileged user.
    assert_eq!(run("eval --any-dataset model.mpk").code(), 0);
    dir.set_mode("model.mpk", 0);
    let output = run("eval --any-dataset model.mpk");
    output.assert_error(1, "cannot read model.mpk: Permission denied", "");
    dir.set_mode("model.mpk", 0o666);
    dir.set_mode("model.state", 0o200);
    let output = run("train --any-dataset --resume --epochs 2");
    output.assert_error(1, "model.state: Permission denied", "");
    let images = "data/train-images-idx3-ubyte.gz";
    dir.set_mode(images, 0);
    let output = run("train --any-dataset -o new.mpk");
    output.assert_error(1, "train-images-idx3-ubyte.gz: cannot be read: Permission denied", "");
    dir.create_dir("locked");
    dir.set_mode("locked", 0);
    let output = run("train --any-dataset -o new.mpk --data locked");
    output.assert_error(1, "locked: Permission denied", "--data");
}

#[test]
fn environment_does_not_change_weights() {
    let dir = TestDir::new();
    dir.train("--epochs 2 -o m.mpk");
    let expected = dir.digest("m.mpk");
    println!("every environment: {expected}");
    // Burn's libraries can be configured to read these files. The program must ignore the files.
    dir.write("cubecl.toml", "[[[");
    dir.write("burn.toml", "[[[");
    let settings: [&[(&str, Option<&str>)]; 6] = [
        &[("HOME", None), ("XDG_CACHE_HOME", None), ("PATH", None)],
        &[("HOME", Some("/nonexistent")), ("TMPDIR", Some("/nonexistent"))],
        &[("LANG", Some("tr_TR.UTF-8")), ("LC_ALL", Some("C")), ("TZ", Some("Mars/North"))],
        &[("RAYON_NUM_THREADS", Some("abc")), ("MATMUL_NUM_THREADS", Some("abc"))],
        &[("RAYON_NUM_THREADS", Some("7")), ("RUST_BACKTRACE", Some("full"))],
        &[
            ("TERM", Some("\u{1b}")),
            ("COLUMNS", Some("-1")),
            ("CUBECL_WGPU_MAX_TASKS", Some("abc")),
        ],
    ];
    for variables in settings {
        let mut command = dir.lenet("train --any-dataset --epochs 2 -o m.mpk --force");
        for (name, value) in variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = CommandOutput::of(&mut command);
        assert_eq!(output.code(), 0, "{variables:?}: {}", output.stderr());
        assert_eq!(dir.digest("m.mpk"), expected, "{variables:?}");
    }
}

#[test]
fn deleted_working_directory_rejects_relative_output() {
    let dir = TestDir::new();
    let deleted = "mkdir gone && cd gone && rmdir ../gone";
    let data = dir.path("data").display().to_string();
    let args = format!("train --any-dataset --epochs 1 --data {data}");
    dir.run_in_shell(deleted, &args).assert_error(1, "No such file or directory", "directory");
    let model = dir.path("m.mpk").display().to_string();
    // An absolute output path works.
    dir.run_in_shell(deleted, &format!("{args} -o {model}")).ok();
    assert!(dir.path("m.mpk").is_file());
}

#[test]
fn train_accepts_closed_standard_streams() {
    let dir = TestDir::new();
    for (number, closed) in [">&-", "2>&-", "<&-", "<&- >&- 2>&-"].iter().enumerate() {
        let args = format!("train --any-dataset --epochs 1 -o {number}.mpk");
        let output = dir.run_in_shell(&format!("exec {closed}"), &args);
        assert_eq!(output.code(), 0, "{closed}: {}", output.stderr());
        assert!(dir.path(&format!("{number}.mpk")).is_file(), "{closed}");
    }
}

#[test]
fn umask_applies_to_written_files() {
    let dir = TestDir::new();
    dir.run_in_shell("umask 0177", "train --any-dataset --epochs 2 -o m.mpk").ok();
    for name in dir.files() {
        let mode = fs::metadata(dir.path(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    // Under this umask the program could not write to its new files.
    let output = dir.run_in_shell("umask 0777", "train --any-dataset --epochs 2 -o n.mpk");
    output.assert_error(1, "n.mpk: the umask removes write permission", "");
    assert_eq!(dir.files(), ["m.json", "m.mpk", "m.state"]);
}

// macOS does not support `ulimit -v`.
#[cfg(target_os = "linux")]
#[test]
fn memory_of_threads_is_checked() {
    let dir = TestDir::new();
    // At most 32 threads start, which need more than one gigabyte of address space.
    let output =
        dir.run_in_shell("ulimit -v 1000000", "train --any-dataset --epochs 1 --threads 1024");
    output.assert_error(1, "not enough memory", "ulimit -v");
    assert_eq!(dir.files(), [] as [&str; 0]);
    let train = "train --any-dataset --epochs 1 --limit 32 -q";
    let mut failed = 0;
    // Threads reserve memory when they start, so a different one fails at each limit.
    for megabytes in (300..2100).step_by(100) {
        for args in ["--threads 1024", "--seeds 1..32 --threads 32"] {
            let limit = format!("ulimit -v {megabytes}000");
            let output = dir.run_in_shell(&limit, &format!("{train} {args}"));
            if output.code() != 0 {
                output.assert_error(1, "not enough memory", "raise the memory limit (ulimit -v)");
                failed += 1;
            }
        }
    }
    assert!(failed > 4, "{failed}");
    assert!(!dir.files().iter().any(|file| file.starts_with('.')));
}

#[test]
fn rayon_variable_cannot_start_more_threads() {
    let dir = TestDir::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    for (number, expected) in [("5000", cores), ("1", 1), ("0", cores)] {
        let mut command = dir.lenet("train --any-dataset --epochs 1 -o m.mpk --force");
        CommandOutput::of(command.env("RAYON_NUM_THREADS", number)).ok();
        assert_eq!(dir.json("m.json")["threads"], expected, "{number}");
    }
    for args in ["--seed 1", "--seeds 1..2"] {
        let mut command = dir.lenet(&format!("train --any-dataset --epochs 1 {args}"));
        CommandOutput::of(command.env("RUST_MIN_STACK", "1")).ok();
    }
}

#[test]
fn passwords_in_urls_are_not_printed() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o m.mpk");
    let url = "http://me:secret@host/x.png";
    for args in ["eval", "report", "predict m.mpk", "runs", "compare m.mpk"] {
        let output = dir.run(&format!("{args} {url}"));
        let stderr = output.stderr();
        assert!(output.code() == 1 && !stderr.contains("secret"), "{args}: {stderr}");
        assert!(stderr.contains("http://...@host/x.png"), "{args}: {stderr}");
    }
}

// macOS rejects such file names.
#[cfg(target_os = "linux")]
#[test]
fn non_unicode_paths_are_accepted() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = TestDir::new();
    let odd = OsStr::from_bytes(b"o\xffd");
    // Paths may contain arbitrary bytes. JSON output contains the replacement character.
    fs::rename(dir.path("data"), dir.root.path().join(odd)).unwrap();
    let eval = format!("eval {TRAINED} --any-dataset --json --data");
    CommandOutput::of(dir.lenet(&eval).arg(odd)).ok();
    let shown = CommandOutput::of(dir.lenet("data show --any-dataset --json --data").arg(odd)).ok();
    assert_eq!(shown.json()["dir"], "o\u{fffd}d");
    for args in ["data verify --json --data", "doctor --json --data"] {
        let output = CommandOutput::of(dir.lenet(args).arg(odd));
        assert!(output.code() == 1 && output.json().is_object(), "{args}: {}", output.stderr());
    }
    // The placeholder for the seed is found in any name.
    let odd_model = OsStr::from_bytes(b"o\xff-{seed}.mpk");
    let train = "train --any-dataset --epochs 1 --seeds 3,4 -o";
    CommandOutput::of(
        dir.lenet(train).arg(odd_model).env("LENET_DATA_DIR", dir.root.path().join(odd)),
    )
    .ok();
    assert!(dir.root.path().join(OsStr::from_bytes(b"o\xff-4.json")).is_file());
    // Other arguments must be Unicode.
    for args in ["train --backend", "train --epochs", "", "train --seed"] {
        let output = CommandOutput::of(dir.lenet(args).arg(odd));
        assert_eq!(output.code(), 2, "{args}: {}", output.stderr());
    }
}
