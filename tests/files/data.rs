//! Loading of data sets: Fashion-MNIST, other data sets, and missing or invalid files.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::common::{gzip, images, labels, write_dataset};
use lenet::data::{
    DataError, DataFile, FASHION_MNIST, ImageDataset, Options, Part, TrainAndTest, UNKNOWN,
    load_part,
};
use tempfile::TempDir;

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte.gz";

/// Creates a directory with a valid data set of 30 training and 10 test images.
fn dataset() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_dataset(dir.path(), 30, 10);
    dir
}

/// Loads the data set in `dir`, which need not be Fashion-MNIST.
fn load(dir: &Path) -> Result<TrainAndTest, DataError> {
    TrainAndTest::load(&Options { any_dataset: true, ..options(dir) })
}

fn options(dir: &Path) -> Options {
    Options { dir: Some(dir.to_owned()), ..Options::default() }
}

/// Changes file `name` of a valid data set and returns the error, which must be one line that starts with the path.
fn error_with(name: &str, change: impl FnOnce(&Path)) -> String {
    let dir = dataset();
    let path = dir.path().join(name);
    change(&path);
    let error = load(dir.path()).expect_err("the file is no longer valid");
    assert!(matches!(error, DataError::File { .. }), "{error:?}");
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    let problem =
        text.strip_prefix(path.to_str().unwrap()).and_then(|text| text.strip_prefix(": "));
    problem.unwrap_or_else(|| panic!("{text} does not name {name}")).to_owned()
}

fn pixel_sum(images: &ImageDataset) -> u64 {
    images.images().as_flattened().iter().map(|pixel| u64::from(*pixel)).sum()
}

// Fashion-MNIST

fn repository_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

#[test]
fn committed_files_are_fashion_mnist() {
    let data = TrainAndTest::load(&options(&repository_data())).unwrap();
    assert_eq!(data.provenance.info, FASHION_MNIST);
    assert_eq!([data.train.info(), data.test.info()], [&FASHION_MNIST; 2]);
    let digest = |file| FASHION_MNIST.digest(file).unwrap().to_owned();
    let digests = DataFile::ALL.map(|file| (file, digest(file)));
    assert_eq!(data.provenance.digests, digests);
    assert_eq!([&data.train, &data.test].map(|part| part.images().len()), [60_000, 10_000]);
    // The expected sums and labels were computed in Python with its gzip module.
    assert_eq!(pixel_sum(&data.train), 3_431_114_169);
    assert_eq!(pixel_sum(&data.test), 573_469_082);
    assert_eq!(data.train.labels()[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    assert_eq!(data.test.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    for class in 0..10 {
        let count =
            |images: &ImageDataset| images.labels().iter().filter(|label| **label == class).count();
        assert_eq!((count(&data.train), count(&data.test)), (6000, 1000));
    }
}

#[test]
fn limit_keeps_first_images() {
    let limit = NonZeroUsize::new(3);
    let data = TrainAndTest::load(&Options { limit, ..options(&repository_data()) }).unwrap();
    assert_eq!(data.provenance.difference(), None);
    assert_eq!(data.train.labels(), [9, 0, 0]);
    assert_eq!(data.test.labels(), [9, 2, 1]);
    assert_eq!(data.test.images().len(), 3);
}

#[test]
fn test_set_loads_without_training_files() {
    let dir = dataset();
    fs::remove_file(dir.path().join(TRAIN_IMAGES)).unwrap();
    let options = Options { any_dataset: true, ..options(dir.path()) };
    let (test, provenance) = load_part(Part::Test, &options).unwrap();
    assert_eq!(test.images().len(), 10);
    assert_eq!((provenance.digests.len(), &provenance.info), (2, &UNKNOWN));
    assert!(load_part(Part::Train, &options).is_err());
}

// Other data sets

#[test]
fn other_data_set_needs_option() {
    let dir = dataset();
    let error = TrainAndTest::load(&options(dir.path())).unwrap_err();
    assert!(error.to_string().contains("not Fashion-MNIST"), "{error}");
    assert!(matches!(error, DataError::OtherDataset { .. }));

    let data = load(dir.path()).unwrap();
    let difference = data.provenance.difference().unwrap();
    assert!(difference.contains("not Fashion-MNIST"), "{difference}");
    assert_eq!([data.train.info(), data.test.info()], [&UNKNOWN; 2]);
    assert_eq!([&data.train, &data.test].map(|part| part.images().len()), [30, 10]);
}

#[test]
fn data_set_needs_one_image() {
    let dir = tempfile::tempdir().unwrap();
    write_dataset(dir.path(), 1, 1);
    assert_eq!(load(dir.path()).unwrap().train.images().len(), 1);
    for (name, bytes, problem) in [
        (TRAIN_IMAGES, images(0, 0), "holds no images"),
        (TRAIN_LABELS, labels(0, 0), "holds no labels"),
    ] {
        assert_eq!(error_with(name, |path| fs::write(path, gzip(&bytes)).unwrap()), problem);
    }
}

// Missing files, and paths that are not regular files

#[test]
fn oversized_file_is_rejected() {
    let error = error_with(TRAIN_IMAGES, |path| {
        let file = fs::File::create(path).unwrap();
        file.set_len(20 << 30).unwrap();
    });
    assert!(
        error.starts_with("cannot be read: expected at most")
            && error.ends_with(&format!("found {}", 20_u64 << 30)),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn symlinks_to_files_are_followed() {
    use std::os::unix::fs::symlink;
    let dataset = dataset();
    let links = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(dataset.path()).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), links.path().join(entry.file_name())).unwrap();
    }
    assert_eq!(
        load(links.path()).unwrap().provenance.digests,
        load(dataset.path()).unwrap().provenance.digests
    );

    let link = links.path().join(TRAIN_IMAGES);
    for target in ["absent", TRAIN_IMAGES] {
        fs::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
        let error = load(links.path()).unwrap_err();
        assert!(matches!(error, DataError::Incomplete { .. }), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn special_files_are_rejected_without_blocking() {
    let error_with_special = |create: &dyn Fn(&Path)| {
        error_with(TRAIN_LABELS, |path| {
            fs::remove_file(path).unwrap();
            create(path);
        })
    };
    let directory = error_with_special(&|path| fs::create_dir(path).unwrap());
    assert_eq!(directory, "cannot be read: expected a file, found a directory");
    let pipe = error_with_special(&|path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    });
    assert_eq!(pipe, "cannot be read: expected a file, found a pipe");
    let device = error_with_special(&|path| std::os::unix::fs::symlink("/dev/zero", path).unwrap());
    assert_eq!(device, "cannot be read: expected a file, found a device");
}

// Invalid contents

#[test]
fn different_image_label_counts_are_rejected() {
    let dir = dataset();
    fs::write(dir.path().join(TRAIN_LABELS), gzip(&labels(0, 29))).unwrap();
    let error = load(dir.path()).unwrap_err();
    assert!(error.to_string().ends_with(": 30 images but 29 labels"), "{error}");
}

#[test]
fn invalid_label_is_reported_with_index() {
    for (index, label) in [(0, 10), (29, 255), (13, 10)] {
        let error = error_with(TRAIN_LABELS, |path| {
            let mut bytes = labels(0, 30);
            bytes[8 + index] = label;
            fs::write(path, gzip(&bytes)).unwrap();
        });
        let problem = format!("has label {label} at index {index}, expected 0 to 9 (ten classes)");
        assert!(error.starts_with(&problem) && error.ends_with(" classes"), "{error}");
    }
}

#[test]
fn compression_is_detected_from_content() {
    let dir = dataset();
    let expected = load(dir.path()).unwrap().provenance.digests;
    fs::write(dir.path().join(TRAIN_IMAGES), images(0, 30)).unwrap();
    fs::remove_file(dir.path().join(TRAIN_LABELS)).unwrap();
    let bare = dir.path().join("train-labels-idx1-ubyte");
    fs::write(&bare, gzip(&labels(0, 30))).unwrap();
    assert_eq!(load(dir.path()).unwrap().provenance.digests, expected);
    fs::write(&bare, labels(0, 30)).unwrap();
    assert_eq!(load(dir.path()).unwrap().provenance.digests, expected);
}
