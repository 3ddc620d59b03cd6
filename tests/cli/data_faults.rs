//! Commands with missing, corrupt or unofficial data.

use std::fs;

use super::{TRAINED, TestDir, common};

#[test]
fn missing_data_names_directory() {
    let test_dir = TestDir::empty();
    test_dir.create_dir("none");
    for words in ["train --data none", "eval --data none", "train --data nowhere"] {
        let words = words.replace("eval", &format!("eval {TRAINED}"));
        test_dir.run(&words).assert_error(1, words.rsplit(' ').next().unwrap(), "--data");
    }
    assert_eq!(test_dir.files(), ["none"]);
}

#[test]
fn other_data_requires_any_dataset() {
    let test_dir = TestDir::new();
    test_dir.run("train --epochs 1").assert_error(1, "not Fashion-MNIST", "--any-dataset");
    let output = test_dir.train("--epochs 1");
    assert!(output.stderr().contains("not Fashion-MNIST"), "no warning: {}", output.stderr());
}

#[test]
fn corrupt_file_is_named() {
    let damages: [(&str, Vec<u8>, &str); 3] = [
        ("train-images-idx3-ubyte.gz", common::gzip(&common::labels(0, 200)), "magic"),
        ("train-labels-idx1-ubyte.gz", common::gzip(&common::labels(0, 199)), "199"),
        ("t10k-images-idx3-ubyte.gz", b"GIF89a".to_vec(), "t10k-images"),
    ];
    for (name, bytes, words) in damages {
        let test_dir = TestDir::new();
        fs::write(test_dir.path("data").join(name), bytes).unwrap();
        let output = test_dir.try_train("--epochs 1");
        output.assert_error(1, words, "lenet data fetch");
        // If the numbers of images and labels differ, the error names the images file, although this test changed the labels
        // file. Therefore compare only the prefix, which both names share.
        let part = name.split('-').next().unwrap();
        output.assert_stderr_contains(&format!("data/{part}-"));
        assert_eq!(test_dir.files(), [] as [&str; 0]);
    }
}
