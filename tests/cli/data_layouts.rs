//! Data directories as other programs create them: other file names, other subdirectories, other data sets and formats.

use std::fs;

use lenet::data::{ImageDataset, Options, TrainAndTest};

use super::{TestDir, common};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Returns the contents of the four files of a data set with the first 200 training and 100 test images of Fashion-MNIST.
fn first_images() -> Vec<Vec<u8>> {
    let dir = Some(super::DATA.into());
    let data = TrainAndTest::load(&Options { dir, ..Options::default() }).unwrap();
    let files = |images: &ImageDataset, count: usize| {
        let pixels = images.images()[..count].as_flattened();
        let labels = &images.labels()[..count];
        let count = count as u32;
        [
            common::idx_images([0x0803, count, 28, 28], pixels),
            common::idx_labels([0x0801, count], labels),
        ]
    };
    [files(&data.train, 200), files(&data.test, 100)].concat()
}

/// Creates a directory with these files below `d`, in the order of [`NAMES`].
fn dir_with(names: [String; 4], contents: &[Vec<u8>]) -> TestDir {
    let dir = TestDir::empty();
    for (name, bytes) in names.iter().zip(contents) {
        let path = dir.path("d").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

/// Returns the path of a data file below the directory of a test, from its usual name.
type Layout<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn other_layouts_are_found() {
    let contents = first_images();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/lenet.pt");
    let dotted = |name: &str| name.replace("-idx", ".idx");
    let layouts: [(Layout, &str); 8] = [
        (&|name| name.to_owned(), "d"),
        (&dotted, "d"),
        (&|name| format!("FashionMNIST/raw/{name}"), "d"),
        (&|name| format!("FashionMNIST/raw/{name}"), "d/FashionMNIST"),
        (&|name| format!("MNIST/raw/{name}"), "d"),
        (&|name| format!("fashion-mnist/{name}"), "d"),
        (&|name| format!("{name}/{name}"), "d"),
        (&|name| format!("{name}/{}", dotted(name)), "d"),
    ];
    for (layout, given) in layouts {
        let dir = dir_with(NAMES.map(layout), &contents);
        let output = dir.run(&format!("eval {model} --any-dataset --data {given} --json")).ok();
        let document = output.json();
        assert_eq!((&document["correct"], &document["samples"]), (&76.into(), &100.into()));
        assert!((document["loss"].as_f64().unwrap() - 0.5698).abs() < 5e-5, "{document}");
        for args in ["data verify --json", "data show --json --any-dataset"] {
            let output = dir.run(&format!("{args} --data {given}"));
            let files = &output.json()["files"];
            assert!(!output.stdout().contains("missing"), "{args}: {files}");
        }
    }
    // The default directories may have these layouts too.
    let dir = dir_with(NAMES.map(|name| format!("FashionMNIST/raw/{name}")), &contents);
    fs::rename(dir.path("d"), dir.path("data")).unwrap();
    assert_eq!(dir.run(&format!("eval {model} --any-dataset --json")).ok().json()["correct"], 76);
}

#[test]
fn error_lists_found_files() {
    for (file, error, hint) in [
        (
            "fashion-mnist_train.csv",
            "; found a CSV file, fashion-mnist_train.csv",
            "lenet data fetch --data=d",
        ),
        ("mnist.npz", "; found a NumPy file, mnist.npz", "only IDX files are read"),
        ("train.parquet", "; found a Parquet file, train.parquet", "lenet data fetch --data=d"),
        ("Bag/1.png", "; found a picture, Bag/1.png", "lenet data import d imported"),
        ("1.png", "; found a picture, 1.png", "lenet data fetch --data=d"),
        ("archive.zip", "; found the archive d/archive.zip", "unpack it: unzip d/archive.zip -d d"),
        ("a.tar.gz", "; found the archive d/a.tar.gz", "unpack it: tar -xf d/a.tar.gz -C d"),
        (
            "emnist-letters-train-images-idx3-ubyte.gz",
            "; found emnist-letters-train-images-idx3-ubyte.gz",
            "rename the files to train-images-idx3-ubyte",
        ),
        ("notes.txt", "missing train-images-idx3-ubyte", "--data"),
    ] {
        let dir = TestDir::empty();
        let path = dir.path("d").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        for command in ["train --epochs 1", "data show"] {
            dir.run(&format!("{command} --data d")).assert_error(1, error, hint);
        }
    }
    let dir = TestDir::new();
    fs::create_dir(dir.path("empty")).unwrap();
    let run = |args: &str| dir.run(&format!("train --any-dataset --epochs 1 --data {args}"));
    run("empty").assert_error(1, "the directory is empty", "lenet data fetch --data=empty");
    run(".").assert_error(1, "./data has them", "use --data=./data");
    let file = "data/train-images-idx3-ubyte.gz";
    run(file).assert_error(1, "Not a directory", "give the directory instead: --data=data");
}

#[test]
fn unsupported_idx_files_are_described() {
    let contents = first_images();
    let needed = "ten classes (labels 0 to 9) of 28x28 pixels, one byte per label";
    // EMNIST's letters have the labels 1 to 26, and QMNIST has eight 32-bit numbers per label.
    let mut letters = contents.clone();
    for (index, label) in letters[1][8..].iter_mut().enumerate() {
        *label = 1 + (index % 26) as u8;
    }
    let mut numbers = contents.clone();
    numbers[1] = [&[0, 0, 0x0C, 2, 0, 0, 0, 200, 0, 0, 0, 8][..], &[0; 6400]].concat();
    let mut large = contents.clone();
    large[0][8..16].copy_from_slice(&[0, 0, 0, 32, 0, 0, 0, 32]);
    for (contents, error) in [
        (letters, "has label 10 at index 9, expected 0 to 9 (ten classes), found 26 classes"),
        (numbers, "32-bit integers with 2 dimensions, expected bytes with 1"),
        (large, "has images of 32x32 pixels, expected 28x28"),
    ] {
        let dir = dir_with(NAMES.map(str::to_owned), &contents);
        let output = dir.run("train --any-dataset --data d --epochs 1");
        output.assert_error(1, error, needed);
        assert!(!output.stderr().contains("data fetch"), "{}", output.stderr());
        let verified = dir.run("data verify --data d --json");
        let problem = format!("{}", verified.json()["files"]);
        assert!(problem.contains(error) && !problem.contains("damaged"), "{problem}");
    }
}
