//! Inputs that are no files, rights that lack, and surroundings that are not as usual: it works, or says what is wrong.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::{Place, Ran, TRAINED, run_in_time};

// Inputs

#[test]
fn whatever_is_no_file_is_refused_as_any_input_without_waiting() {
    let place = Place::new();
    place.train("--epochs 1");
    place.make_folder("folder.mpk");
    place.make_pipe("pipe.mpk");
    symlink("/dev/zero", place.path("device.mpk")).unwrap();
    symlink("nowhere", place.path("dangling.mpk")).unwrap();
    symlink("around.mpk", place.path("around.mpk")).unwrap();
    let _listener = UnixListener::bind(place.path("socket.mpk")).unwrap();
    for (name, words) in [
        ("folder.mpk", "found a directory"),
        ("pipe.mpk", "found a pipe"),
        ("device.mpk", "found a device"),
        ("socket.mpk", "found a socket"),
        ("dangling.mpk", "No such file"),
        ("around.mpk", "levels of symbolic links"),
        ("missing.mpk", "No such file"),
    ] {
        let ran = run_in_time(place.lenet(&format!("eval --any-dataset {name}")));
        ran.assert_error(1, words, "");
        if ["folder.mpk", "pipe.mpk", "device.mpk", "socket.mpk"].contains(&name) {
            let state = place.path("model.state");
            fs::remove_file(&state).unwrap();
            fs::rename(place.path(name), &state).unwrap();
            let ran = run_in_time(place.lenet("train --any-dataset --resume --epochs 2"));
            ran.assert_error(1, words, "");
            assert!(ran.stderr().starts_with("error: "), "{}", ran.stderr());
            ran.assert_says("model.state: ");
            fs::rename(&state, place.path(name)).unwrap();
            fs::write(&state, "").unwrap();
        }
        let ran =
            run_in_time(place.lenet(&format!("train --any-dataset --data {name} -o new.mpk")));
        ran.assert_error(1, name, "--data");
    }
}

#[test]
fn files_that_may_not_be_read_are_named() {
    let place = Place::new();
    place.train("--epochs 1");
    let run = |words: &str| Ran::of(&mut place.unprivileged_lenet(words));
    // The copy of the program and the folder are as they should be.
    assert_eq!(run("eval --any-dataset model.mpk").code(), 0);
    place.set_mode("model.mpk", 0);
    let ran = run("eval --any-dataset model.mpk");
    ran.assert_error(1, "cannot read model.mpk: Permission denied", "");
    place.set_mode("model.mpk", 0o666);
    place.set_mode("model.state", 0o200);
    let ran = run("train --any-dataset --resume --epochs 2");
    ran.assert_error(1, "model.state: Permission denied", "");
    let images = "data/train-images-idx3-ubyte.gz";
    place.set_mode(images, 0);
    let ran = run("train --any-dataset -o new.mpk");
    ran.assert_error(1, "train-images-idx3-ubyte.gz: cannot be read: Permission denied", "");
    place.make_folder("locked");
    place.set_mode("locked", 0);
    let ran = run("train --any-dataset -o new.mpk --data locked");
    ran.assert_error(1, "locked: Permission denied", "--data");
}

#[test]
fn a_training_that_diverges_says_where_and_leaves_the_last_good_epoch() {
    let place = Place::new();
    let ran = place.try_train("--epochs 400 --lr 3e38 --momentum 0.99 -o m.mpk");
    let lines = ran.stdout().lines().count();
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    let stderr = ran.stderr();
    assert!(stderr.contains("error: training diverged: "), "{stderr}");
    assert!(stderr.contains(" in epoch ") && stderr.contains(", batch "), "{stderr}");
    assert!(stderr.contains("hint: use a smaller --lr"), "{stderr}");
    let model = lenet::format::read(&place.path("m.mpk")).unwrap();
    assert_eq!(model.weights.first_non_finite(), None);
    let epochs = place.json("m.json")["epochs"].as_array().unwrap().len();
    assert_eq!(epochs, lines - 1, "one line to begin with, then one an epoch");
    place.run("eval --any-dataset m.mpk").ok();
}

// Surroundings

#[test]
fn the_weights_do_not_depend_on_the_environment() {
    let place = Place::new();
    place.train("--epochs 2 -o m.mpk");
    let expected = place.digest("m.mpk");
    println!("in all of them: {expected}");
    // What Burn's libraries would read, if asked to.
    place.write("cubecl.toml", "[[[");
    place.write("burn.toml", "[[[");
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
        let mut command = place.lenet("train --any-dataset --epochs 2 -o m.mpk --force");
        for (name, value) in variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let ran = Ran::of(&mut command);
        assert_eq!(ran.code(), 0, "{variables:?}: {}", ran.stderr());
        assert_eq!(place.digest("m.mpk"), expected, "{variables:?}");
    }
}

#[test]
fn a_working_folder_that_is_gone_is_no_place_to_write_but_others_are() {
    let place = Place::new();
    let gone = "mkdir gone && cd gone && rmdir ../gone";
    let data = place.path("data").display().to_string();
    let words = format!("train --any-dataset --epochs 1 --data {data}");
    place.run_after(gone, &words).assert_error(1, "No such file or directory", "folder");
    let output = place.path("m.mpk").display().to_string();
    place.run_after(gone, &format!("{words} -o {output}")).ok();
    assert!(place.path("m.mpk").is_file());
}

#[test]
fn closed_streams_are_no_failure() {
    let place = Place::new();
    for (number, closed) in [">&-", "2>&-", "<&-", "<&- >&- 2>&-"].iter().enumerate() {
        let words = format!("train --any-dataset --epochs 1 -o {number}.mpk");
        let ran = place.run_after(&format!("exec {closed}"), &words);
        assert_eq!(ran.code(), 0, "{closed}: {}", ran.stderr());
        assert!(place.path(&format!("{number}.mpk")).is_file(), "{closed}");
    }
}

#[test]
fn an_umask_is_obeyed_and_one_that_takes_every_right_is_refused_before_the_training() {
    let place = Place::new();
    place.run_after("umask 0177", "train --any-dataset --epochs 2 -o m.mpk").ok();
    for name in place.files() {
        let mode = fs::metadata(place.path(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let ran = place.run_after("umask 0777", "train --any-dataset --epochs 2 -o n.mpk");
    ran.assert_error(1, "n.mpk: the umask removes write permission", "");
    assert_eq!(place.files(), ["m.json", "m.mpk", "m.state"]);
}

// macOS has no limit on addresses.
#[cfg(target_os = "linux")]
#[test]
fn threads_that_cannot_be_started_are_an_error() {
    let place = Place::new();
    // A thousand stacks need more than a gigabyte of addresses.
    let ran = place.run_after("ulimit -v 1000000", "train --any-dataset --epochs 1 --threads 1024");
    ran.assert_error(1, "cannot start the threads", "--threads 1");
    assert_eq!(place.files(), [] as [&str; 0]);
}

// macOS has no such file names.
#[cfg(target_os = "linux")]
#[test]
fn words_that_are_not_unicode_are_names_or_wrong_usage() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let odd = OsStr::from_bytes(b"o\xffd");
    fs::rename(place.path("data"), place.dir.path().join(odd)).unwrap();
    let eval = format!("eval {TRAINED} --any-dataset --json --data");
    Ran::of(place.lenet(&eval).arg(odd)).ok();
    let shown = Ran::of(place.lenet("data show --any-dataset --json --data").arg(odd)).ok();
    assert_eq!(shown.document()["dir"], "o\u{fffd}d");
    for words in ["data verify --json --data", "doctor --json --data"] {
        let ran = Ran::of(place.lenet(words).arg(odd));
        assert!(ran.code() == 1 && ran.document().is_object(), "{words}: {}", ran.stderr());
    }
    for before in ["train --backend", "train --epochs", "", "train --seed"] {
        let ran = Ran::of(place.lenet(before).arg(odd));
        assert_eq!(ran.code(), 2, "{before}: {}", ran.stderr());
    }
}
