//! Tests that `lenet data verify` finds invalid files and `lenet data show` counts and draws the images.

use std::fs;
use std::path::Path;

use super::{DATA, TestDir, common};

#[test]
fn repository_data_passes_verification() {
    let test_dir = TestDir::empty();
    let output = test_dir.run(&format!("data verify --data {DATA}")).ok();
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines[0], format!("Fashion-MNIST in {DATA}"));
    let digest = "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34";
    assert_eq!(lines[4], format!("ok        t10k-labels-idx1-ubyte   {digest}"));
    let document = test_dir.run(&format!("data verify --json --data {DATA}")).json();
    assert_eq!((&document["schema"], &document["ok"]), (&1.into(), &true.into()));
    assert_eq!(document["files"][3]["sha256"], digest);
    assert_eq!(document["dir"], DATA);
}

#[test]
fn verify_reports_each_problem() {
    let test_dir = TestDir::empty();
    let dir = test_dir.path("d");
    fs::create_dir(&dir).unwrap();
    let labels = "train-labels-idx1-ubyte.gz";
    fs::copy(Path::new(DATA).join(labels), dir.join(labels)).unwrap();
    fs::write(dir.join("t10k-labels-idx1-ubyte"), common::labels(0, 3)).unwrap();
    let cut = &common::gzip(&common::images(0, 3))[..50];
    fs::write(dir.join("t10k-images-idx3-ubyte.gz"), cut).unwrap();

    let output = test_dir.run("data verify --data d --json");
    assert_eq!(output.code(), 1);
    let document = output.json();
    assert_eq!(document["ok"], false);
    let files = document["files"].as_array().unwrap();
    let status: Vec<_> = files.iter().map(|file| file["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["missing", "ok", "damaged", "foreign"]);
    assert_eq!(files[3]["path"], "d/t10k-labels-idx1-ubyte");
    assert_eq!(files[3]["sha256"].as_str().unwrap().len(), 64);
    assert!(files[2]["sha256"].is_null());
    assert!(files[2]["problem"].as_str().unwrap().contains("truncated"));
    let error = "error: d: 3 of 4 data files failed verification\nhint: back up your own files, and then replace them: lenet data fetch --force --data=d\n";
    assert!(output.stderr().starts_with(error), "{}", output.stderr());

    let output = test_dir.run("data verify --data d");
    assert!(output.stdout().contains("\nmissing   train-images-idx3-ubyte  file not found\n"));
    test_dir.run("data verify --data none").assert_error(1, "none", "--data");
}

#[test]
fn verify_searches_default_directories() {
    let test_dir = TestDir::new();
    let output = test_dir.run("data verify");
    assert_eq!(output.code(), 1);
    assert!(output.stdout().starts_with("Fashion-MNIST in data\nforeign "), "{}", output.stdout());
}

#[test]
fn show_counts_classes_per_split() {
    let test_dir = TestDir::empty();
    let output = test_dir.run(&format!("data show --data {DATA}")).ok();
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines.len(), 12, "no images without a terminal");
    assert_eq!(lines[0], "class        train  validation   test");
    assert_eq!(lines[11], "total        54000        6000  10000");
    let numbers = |line: &str| -> Vec<usize> {
        let words = line.split_whitespace().rev().take(3);
        words.map(|word| word.parse().unwrap()).collect()
    };
    for line in &lines[1..11] {
        let [test, validation, train] = numbers(line)[..] else { panic!("{line}") };
        assert_eq!((test, validation + train), (1000, 6000), "{line}");
    }
    let output = test_dir.run(&format!("data show --data {DATA} --split test --json --limit 100"));
    let document = output.json();
    assert_eq!(document["splits"].as_array().unwrap().len(), 1);
    let test = &document["splits"][0];
    assert_eq!((&test["split"], &test["samples"]), (&"test".into(), &100.into()));
    let counts = test["classes"].as_array().unwrap().iter();
    assert_eq!(counts.map(|class| class["count"].as_u64().unwrap()).sum::<u64>(), 100);
}

#[test]
fn png_has_one_row_per_class() {
    let test_dir = TestDir::new();
    let output = test_dir.run("data show --any-dataset --split test --png sheet.png").ok();
    assert!(output.stdout().ends_with("saved sheet.png: test images, one row per class\n"));
    let sheet = image::open(test_dir.path("sheet.png")).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (602, 302));
    let pixels = sheet.to_luma8().into_raw();
    let tile = |x: usize, y: usize| -> Vec<u8> {
        let rows = (0..28).map(|row| (y + row) * 602 + x);
        rows.flat_map(|start| pixels[start..start + 28].to_vec()).collect()
    };
    // The 40 test images are images 200 to 239; each class has four of them.
    for class in 0..10_u8 {
        let numbers = (200..240).filter(|index| common::class(*index) == class);
        for (column, index) in numbers.enumerate() {
            let found = tile(2 + 30 * column, 2 + 30 * usize::from(class));
            assert!(found == common::image(class, index), "image {index}");
        }
        assert!(tile(2 + 30 * 4, 2 + 30 * usize::from(class)) == [96; 28 * 28]);
    }

    let again = test_dir.run("data show --any-dataset --png sheet.png");
    again.assert_error(1, "sheet.png already exists", "--force");
    let again = test_dir.run("data show --any-dataset --png sheet.png --force --json");
    assert_eq!(again.json()["png"], "sheet.png");
}

#[test]
fn show_prints_images_with_colours() {
    let test_dir = TestDir::new();
    let show = |name: &str| {
        let mut command = test_dir.lenet("data show --any-dataset");
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        if !name.is_empty() {
            command.env(name, "1");
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let shown = show("");
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[0], "0");
    // Ten class names with seven lines each, an empty line, and the table.
    assert_eq!(lines.len(), 10 * 8 + 1 + 12);
    let blocks = lines[1].matches('\u{2580}').count();
    assert_eq!(blocks, 5 * 14, "five images at half their width of 28 pixels: {}", lines[1]);
    assert!(!show("NO_COLOR").contains('\u{1b}'));
}

#[test]
fn data_without_action_prints_help() {
    let output = TestDir::empty().run("data");
    assert_eq!(output.code(), 2);
    for word in ["Examples:", "fetch", "verify", "show"] {
        assert!(output.stderr().contains(word), "no {word} in {}", output.stderr());
    }
}
