//! Data that is missing, damaged or another's, seen from the command line.

use std::fs;

use super::{TRAINED, TestDir, common};

#[test]
fn missing_data_says_where_it_was_looked_for() {
    let dir = TestDir::empty();
    dir.create_dir("none");
    for words in ["train --data none", "eval --data none", "train --data nowhere"] {
        let words = words.replace("eval", &format!("eval {TRAINED}"));
        dir.run(&words).assert_error(1, words.rsplit(' ').next().unwrap(), "--data");
    }
    assert_eq!(dir.files(), ["none"]);
}

#[test]
fn a_data_set_that_is_not_fashion_mnist_is_refused_unless_allowed() {
    let dir = TestDir::new();
    dir.run("train --epochs 1").assert_error(1, "not Fashion-MNIST", "--any-dataset");
    let output = dir.train("--epochs 1");
    assert!(output.stderr().contains("not Fashion-MNIST"), "it says so: {}", output.stderr());
}

#[test]
fn damaged_files_are_named_with_what_is_wrong() {
    let damages: [(&str, Vec<u8>, &str); 3] = [
        ("train-images-idx3-ubyte.gz", common::gzip(&common::labels(0, 200)), "magic"),
        ("train-labels-idx1-ubyte.gz", common::gzip(&common::labels(0, 199)), "199"),
        ("t10k-images-idx3-ubyte.gz", b"GIF89a".to_vec(), "t10k-images"),
    ];
    for (name, bytes, words) in damages {
        let dir = TestDir::new();
        fs::write(dir.path("data").join(name), bytes).unwrap();
        let output = dir.try_train("--epochs 1");
        output.assert_error(1, words, "lenet data fetch");
        // Of a pair that does not fit, the images are named.
        let part = name.split('-').next().unwrap();
        output.assert_stderr_contains(&format!("data/{part}-"));
        assert_eq!(dir.files(), [] as [&str; 0]);
    }
}
