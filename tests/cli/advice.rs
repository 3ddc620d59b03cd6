//! Advice works: every command that the program prints is typed into a shell as it stands.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::kills::Running;
use super::server::{Response, Server};
use super::{Place, Ran, common};

/// Types `command` in the place, in a shell that finds the program.
pub fn typed(place: &Place, command: &str) -> Ran {
    let lenet = Path::new(env!("CARGO_BIN_EXE_lenet"));
    let path = format!("{}:/usr/bin:/bin", lenet.parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(place.dir.path());
    shell.env("PATH", path).env("HOME", place.dir.path());
    shell.env_remove("LENET_DATA_DIR");
    Ran::of(&mut shell)
}

/// The command at the end of the hint.
fn advised(ran: &Ran) -> String {
    let stderr = ran.stderr();
    let hint = stderr.lines().find(|line| line.starts_with("hint: "));
    let (_, command) = hint.unwrap_or(stderr).split_once(" with: ").unwrap();
    assert!(command.starts_with("lenet train "), "{stderr}");
    command.to_owned()
}

/// Interrupts a training of these words, when `ready`.
fn interrupted(place: &Place, words: &str, ready: impl Fn() -> bool) -> Ran {
    let run = Running::start(place, words);
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{words}");
        sleep(Duration::from_millis(2));
    }
    run.signal("INT");
    let ran = run.end();
    assert_eq!(ran.code(), 130, "{}", ran.stderr());
    ran
}

#[test]
fn a_training_that_was_interrupted_goes_on_as_advised() {
    let place = Place::with_images(1000, 40);
    fs::rename(place.path("data"), place.path("images of mine")).unwrap();
    // A link, since a word of these tests has no space in it.
    std::os::unix::fs::symlink("images of mine", place.path("images")).unwrap();
    let words = "train --any-dataset --data images --epochs 30 --batch-size 1 --tensorboard tb";
    let straight = format!("{words} --seed 4 -o straight.mpk").replace("--tensorboard tb", "");
    place.run(&straight).ok();
    let expected = place.digest("straight.mpk");
    place.write("model.mpk", "taken");
    for (more, name) in [
        (" --seed 4", "model-2"),
        (" --seed 4 -o n.mpk --force", "n"),
        (" --like straight.json -o o.mpk", "o"),
    ] {
        let state = place.path(&format!("{name}.state"));
        let ran = interrupted(&place, &format!("{words}{more}"), || state.exists());
        let advice = advised(&ran);
        let again = typed(&place, &advice);
        assert_eq!(again.code(), 0, "{advice}: {}", again.stderr());
        assert_eq!(place.digest(&format!("{name}.mpk")), expected, "{advice}");
        fs::remove_dir_all(place.path("tb")).unwrap();
    }
}

#[test]
fn seeds_that_were_interrupted_go_on_as_advised() {
    let place = Place::with_images(1000, 40);
    let words = "train --any-dataset --epochs 20 --batch-size 1 --seeds 1..3";
    let third = place.path("s-3.state");
    let run = format!("{words} -o s-{{seed}}.mpk");
    let advice = advised(&interrupted(&place, &run, || third.exists()));
    let again = typed(&place, &advice);
    assert_eq!(again.code(), 0, "{advice}: {}", again.stderr());
    assert_eq!(again.stdout().lines().count(), 7, "{}", again.stdout());
    let one = words.replace("--seeds 1..3", "--seed 3 -o straight.mpk");
    place.run(&one).ok();
    let digests = ["s-3.mpk", "straight.mpk"].map(|name| place.digest(name));
    assert_eq!(digests[0], digests[1]);
    // Without files, those that are left.
    let mut run = Running::start(&place, words);
    run.wait_for("   1 ");
    run.signal("INT");
    let ran = run.end();
    assert_eq!(ran.code(), 130, "{}", ran.stderr());
    let advice = advised(&ran);
    let again = typed(&place, &advice);
    assert_eq!(again.code(), 0, "{advice}: {}", again.stderr());
    // The row that was waited for, what else the interrupted run had, and what the advised one has, are all.
    let rows = [ran.stdout(), again.stdout()].map(|out| {
        let is_row = |line: &&str| line.starts_with("   ") && !line.contains("sd");
        out.lines().filter(is_row).count()
    });
    assert!(rows[0] < 2 && 1 + rows[0] + rows[1] == 3, "{rows:?}: {}", ran.stdout());
}

#[test]
fn wrong_data_files_are_replaced_as_advised() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    let server = Server::start(move |path| {
        let name = path.trim_start_matches('/');
        Response::complete(&fs::read(Path::new(data).join(name)).unwrap())
    });
    let place = Place::empty();
    place.make_folder("d");
    common::write_dataset(&place.path("d"), 200, 40);
    let ran = place.run("data verify --data d");
    assert_eq!(ran.code(), 1);
    let stderr = ran.stderr();
    let advice = stderr.split('`').nth(1).unwrap();
    let words = format!("{advice} --data d --mirror {}", server.url());
    let again = typed(&place, &words);
    assert_eq!(again.code(), 0, "{words}: {}", again.stderr());
    place.run("data verify --data d").ok();
}
