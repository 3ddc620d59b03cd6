//! Disks that are full or read-only.

use std::fs;
use std::process::{Command, Output};

use super::place::{Place, check_whole, stderr};
use super::{FILES, LENET};

/// Runs `script` where the folder `disk` is a file system of its own of `size` bytes; then copies it to `out`.
fn on_small_disk(place: &Place, size: &str, script: &str) -> Output {
    for folder in ["old/disk", "old/out"] {
        let _ = fs::remove_dir_all(place.path().join(folder));
        fs::create_dir(place.path().join(folder)).unwrap();
    }
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs old/disk || exit 99; \
         {script}; status=$?; cp -a old/disk/. old/out || exit 98; exit $status"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).arg(LENET);
    command.env("LENET_DATA_DIR", place.path().join("data"));
    command.env("LENET", LENET);
    let output = command.current_dir(place.path()).output().unwrap();
    let status = output.status.code();
    assert!(status != Some(99) && status != Some(98), "{}", stderr(&output));
    output
}

#[test]
fn on_a_disk_that_is_full_the_old_files_stay_as_they_were() {
    let place = Place::new();
    let names = |folder: &str| {
        let entries = fs::read_dir(place.path().join(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let train = "\"$LENET\" train --any-dataset --epochs 1 -q -o old/disk/m.mpk --force";
    // Without old files, from no room at all to where the state fits and the model does not.
    let mut kilobytes_enough = 0;
    for kilobytes in (4..1000).step_by(60) {
        let output = on_small_disk(&place, &format!("{kilobytes}k"), train);
        if output.status.success() {
            kilobytes_enough = kilobytes;
            break;
        }
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{kilobytes}k: {stderr}");
        assert!(stderr.contains("No space left on device"), "{kilobytes}k: {stderr}");
        assert!(stderr.contains("hint: free some space"), "{kilobytes}k: {stderr}");
        // With room for the files of the first saving and not for those of the second beside them, the first stay.
        for name in names("old/out") {
            check_whole(&place.path().join("old/out").join(name), &format!("{kilobytes}k"));
        }
    }
    assert!(kilobytes_enough > 500, "{kilobytes_enough}");
    // With old files: they take 540 kB, and the new ones need room beside them.
    let (mut failed, mut replaced) = (0, false);
    for kilobytes in (560..1100).step_by(40) {
        let script = format!("cp old/m.* old/disk || exit 97; {train}");
        let output = on_small_disk(&place, &format!("{kilobytes}k"), &script);
        assert_eq!(names("old/out"), FILES, "{kilobytes}k");
        let is_old = |name: &str| {
            let read = |folder: &str| fs::read(place.path().join(folder).join(name)).unwrap();
            read("old/out") == read("old")
        };
        if output.status.success() {
            replaced = FILES.iter().all(|name| !is_old(name));
            break;
        }
        assert_eq!(output.status.code(), Some(1), "{kilobytes}k: {}", stderr(&output));
        assert!(stderr(&output).contains("No space left on device"));
        assert!(FILES.iter().all(|name| is_old(name)), "{kilobytes}k");
        failed += 1;
    }
    assert!(failed >= 5 && replaced, "{failed} {replaced}");
}

#[test]
fn a_disk_that_is_read_only_is_refused_before_the_training() {
    let place = Place::new();
    let script = "mount -o remount,ro old/disk || exit 99; \
                  \"$LENET\" train --any-dataset -o old/disk/m.mpk";
    let output = on_small_disk(&place, "1m", script);
    let stderr = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("Read-only file system") && stderr.contains("hint: "), "{stderr}");
    assert!(output.stdout.is_empty());
}
