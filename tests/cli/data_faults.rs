//! Commands with missing, corrupt or unofficial data.

use std::fs;

use super::{Place, TRAINED, common};

#[test]
fn missing_data_names_directory() {
    let place = Place::empty();
    place.make_folder("none");
    for words in ["train --data none", "eval --data none", "train --data nowhere"] {
        let words = words.replace("eval", &format!("eval {TRAINED}"));
        place.run(&words).assert_error(1, words.rsplit(' ').next().unwrap(), "--data");
    }
    assert_eq!(place.files(), ["none"]);
}

#[test]
fn unofficial_data_needs_any_dataset() {
    let place = Place::new();
    place.run("train --epochs 1").assert_error(1, "not Fashion-MNIST", "--any-dataset");
    let ran = place.train("--epochs 1");
    assert!(ran.stderr().contains("not Fashion-MNIST"), "no warning: {}", ran.stderr());
}

#[test]
fn corrupt_file_is_named() {
    let damages: [(&str, Vec<u8>, &str); 3] = [
        ("train-images-idx3-ubyte.gz", common::gzip(&common::labels(0, 200)), "magic"),
        ("train-labels-idx1-ubyte.gz", common::gzip(&common::labels(0, 199)), "199"),
        ("t10k-images-idx3-ubyte.gz", b"GIF89a".to_vec(), "t10k-images"),
    ];
    for (name, bytes, words) in damages {
        let place = Place::new();
        fs::write(place.path("data").join(name), bytes).unwrap();
        let ran = place.try_train("--epochs 1");
        ran.assert_error(1, words, "lenet data fetch");
        // If images and labels do not match, the error names the images.
        let part = name.split('-').next().unwrap();
        ran.assert_says(&format!("data/{part}-"));
        assert_eq!(place.files(), [] as [&str; 0]);
    }
}
