//! Tests that `lenet train --snapshots` keeps the weights of every epoch, also with `--resume` and `--seeds`.

use super::TestDir;

/// Bytes of the file before the first snapshot, and bytes of a snapshot.
const SIZES: [usize; 2] = [72, 4 + 40 + 44_426];

impl TestDir {
    /// Returns the snapshots in a file, each with its epoch.
    fn snapshots(&self, name: &str) -> Vec<(u32, Vec<u8>)> {
        let bytes = self.read(name);
        let (snapshots, rest) = bytes[SIZES[0]..].as_chunks::<{ SIZES[1] }>();
        assert!(rest.is_empty(), "{name}");
        let epoch =
            |snapshot: &[u8; SIZES[1]]| u32::from_le_bytes(snapshot[..4].try_into().unwrap());
        snapshots.iter().map(|snapshot| (epoch(snapshot), snapshot[4..].to_vec())).collect()
    }
}

#[test]
fn resume_continues_snapshots() {
    let dir = TestDir::new();
    dir.train("--epochs 4 --snapshots -o whole.mpk");
    let whole = dir.snapshots("whole.snapshots");
    assert_eq!(whole.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(whole.windows(2).all(|pair| pair[0].1 != pair[1].1));
    // A resumed run continues the snapshots without the option.
    dir.train("--epochs 2 --snapshots -o parts.mpk");
    dir.train("--resume --epochs 4 -o parts.mpk");
    assert!(dir.snapshots("parts.snapshots") == whole);
    // A run without the option has none, and its report has no replay.
    dir.train("--epochs 4 -o plain.mpk");
    assert!(!dir.path("plain.snapshots").exists());
    for (model, has_replay) in [("plain", false), ("whole", true)] {
        dir.run(&format!("report {model}.mpk --any-dataset")).ok();
        let page = dir.read_text(&format!("{model}.html"));
        assert_eq!(page.contains("id=\"replay\""), has_replay, "{model}");
    }
    let size = |name: &str| dir.read(name).len();
    assert!(size("whole.html") < size("plain.html") + 5 * 60_000 + 2000);
}

#[test]
fn snapshots_are_kept_per_seed() {
    let dir = TestDir::new();
    dir.train("--seeds 1,2 --epochs 1 --snapshots -o m-{seed}.mpk");
    dir.train("--epochs 1 --seed 2 --snapshots -o single.mpk");
    let [first, second] = ["m-1.snapshots", "m-2.snapshots"].map(|name| dir.snapshots(name));
    assert!(first.len() == 2 && first != second && second == dir.snapshots("single.snapshots"));
    let nothing = dir.try_train("--seeds 1,2 --epochs 1 --snapshots");
    nothing.assert_error(2, "--snapshots has no effect with --seeds unless -o is given", "");
}

#[cfg(unix)]
#[test]
fn saves_without_snapshot_keep_file() {
    use std::os::unix::fs::MetadataExt;
    let dir = TestDir::new();
    let inode = || std::fs::metadata(dir.path("m.snapshots")).unwrap().ino();
    dir.train("--epochs 1 --snapshots -o m.mpk");
    let before = inode();
    // The run is finished, so only its test results are saved again.
    dir.train("--epochs 1 --snapshots -o m.mpk --resume");
    assert_eq!(inode(), before);
    dir.train("--epochs 2 --snapshots -o m.mpk --resume");
    assert_eq!(dir.snapshots("m.snapshots").len(), 3);
}

#[test]
fn space_for_snapshots_is_checked_first() {
    let dir = TestDir::new();
    let train = "train --any-dataset --epochs 1000 -o m.mpk --snapshots";
    let output = dir.run_in_shell("ulimit -f 20000", train);
    output.assert_error(1, "cannot write m.snapshots", "");
    assert!(!dir.path("m.mpk").exists());
}

#[test]
fn snapshots_keep_other_files() {
    let dir = TestDir::new();
    dir.write("m.snapshots", "mine");
    let train = |args: &str| dir.try_train(&format!("--epochs 1 --snapshots -o m.mpk {args}"));
    train("").assert_error(1, "m.snapshots already exists", "--force");
    assert_eq!((dir.read("m.snapshots"), dir.path("m.mpk").exists()), (b"mine".to_vec(), false));
    dir.train("--epochs 1 -o m.mpk --force");
    assert_eq!(dir.read("m.snapshots"), b"mine");
    train("--resume").assert_error(1, "m.snapshots already exists", "--force");
    dir.run("report m.mpk --any-dataset").ok();
    assert!(!dir.read_text("m.html").contains("id=\"replay\""));
    dir.write("victim", "precious");
    dir.remove("m.snapshots");
    std::os::unix::fs::symlink(dir.path("victim"), dir.path("m.snapshots")).unwrap();
    train("--force").ok();
    assert!(!dir.path("m.snapshots").is_symlink());
    assert_eq!((dir.snapshots("m.snapshots").len(), dir.read("victim")), (2, b"precious".to_vec()));
}
