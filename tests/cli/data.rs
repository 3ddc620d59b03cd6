//! `lenet data verify` and `lenet data show`.

use std::fs;
use std::path::Path;

use super::{DATA, TestDir, common};

#[test]
fn the_data_of_this_repository_is_fashion_mnist() {
    let dir = TestDir::empty();
    let output = dir.run(&format!("data verify --data {DATA}")).ok();
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines[0], format!("Fashion-MNIST in {DATA}"));
    let digest = "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34";
    assert_eq!(lines[4], format!("ok        t10k-labels-idx1-ubyte   {digest}"));
    let document = dir.run(&format!("data verify --json --data {DATA}")).json();
    assert_eq!((&document["schema"], &document["ok"]), (&1.into(), &true.into()));
    assert_eq!(document["files"][3]["sha256"], digest);
    assert_eq!(document["dir"], DATA);
}

#[test]
fn foreign_damaged_and_missing_files_are_told_apart() {
    let dir = TestDir::empty();
    let data = dir.path("d");
    fs::create_dir(&data).unwrap();
    let labels = "train-labels-idx1-ubyte.gz";
    fs::copy(Path::new(DATA).join(labels), data.join(labels)).unwrap();
    fs::write(data.join("t10k-labels-idx1-ubyte"), common::labels(0, 3)).unwrap();
    let cut = &common::gzip(&common::images(0, 3))[..50];
    fs::write(data.join("t10k-images-idx3-ubyte.gz"), cut).unwrap();

    let output = dir.run("data verify --data d --json");
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
    let error =
        "error: d: 3 of the 4 files not as they should be\nhint: `lenet data fetch --force`";
    assert!(output.stderr().starts_with(error), "{}", output.stderr());

    let output = dir.run("data verify --data d");
    assert!(output.stdout().contains("\nmissing   train-images-idx3-ubyte  it is not there\n"));
    dir.run("data verify --data none").assert_error(1, "none", "--data");
}

#[test]
fn without_a_folder_the_usual_places_are_looked_into() {
    let dir = TestDir::new();
    let output = dir.run("data verify");
    assert_eq!(output.code(), 1);
    assert!(output.stdout().starts_with("Fashion-MNIST in data\nforeign "), "{}", output.stdout());
}

#[test]
fn classes_are_counted_in_each_split() {
    let dir = TestDir::empty();
    let output = dir.run(&format!("data show --data {DATA}")).ok();
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines.len(), 12, "no pictures where there is no terminal");
    assert_eq!(lines[0], "class             train validation       test");
    assert_eq!(lines[11], "total             54000       6000      10000");
    let numbers = |line: &str| -> Vec<usize> {
        let words = line.split_whitespace().rev().take(3);
        words.map(|word| word.parse().unwrap()).collect()
    };
    for line in &lines[1..11] {
        let [test, validation, train] = numbers(line)[..] else { panic!("{line}") };
        assert_eq!((test, validation + train), (1000, 6000), "{line}");
    }
    let output = dir.run(&format!("data show --data {DATA} --split test --json --limit 100"));
    let document = output.json();
    assert_eq!(document["splits"].as_array().unwrap().len(), 1);
    let test = &document["splits"][0];
    assert_eq!((&test["split"], &test["samples"]), (&"test".into(), &100.into()));
    let counts = test["classes"].as_array().unwrap().iter();
    assert_eq!(counts.map(|class| class["count"].as_u64().unwrap()).sum::<u64>(), 100);
}

#[test]
fn the_sheet_has_the_first_images_of_each_class_in_its_rows() {
    let dir = TestDir::new();
    let output = dir.run("data show --any-dataset --split test --png sheet.png").ok();
    assert!(output.stdout().ends_with("saved sheet.png: test images, a row a class\n"));
    let sheet = image::open(dir.path("sheet.png")).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (602, 302));
    let pixels = sheet.to_luma8().into_raw();
    let tile = |x: usize, y: usize| -> Vec<u8> {
        let rows = (0..28).map(|row| (y + row) * 602 + x);
        rows.flat_map(|start| pixels[start..start + 28].to_vec()).collect()
    };
    // The 40 test images begin with number 200; each class has four of them.
    for class in 0..10_u8 {
        let numbers = (200..240).filter(|index| common::class(*index) == class);
        for (column, index) in numbers.enumerate() {
            let found = tile(2 + 30 * column, 2 + 30 * usize::from(class));
            assert!(found == common::image(class, index), "image {index}");
        }
        assert!(tile(2 + 30 * 4, 2 + 30 * usize::from(class)) == [96; 28 * 28]);
    }

    let again = dir.run("data show --any-dataset --png sheet.png");
    again.assert_error(1, "sheet.png exists already", "--force");
    let again = dir.run("data show --any-dataset --png sheet.png --force --json");
    assert_eq!(again.json()["png"], "sheet.png");
}

#[test]
fn pictures_are_shown_where_there_are_colours() {
    let dir = TestDir::new();
    let show = |name: &str| {
        let mut command = dir.lenet("data show --any-dataset");
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        if !name.is_empty() {
            command.env(name, "1");
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let shown = show("");
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[0], "T-shirt/top");
    // Ten names, seven lines under each, an empty one, the table.
    assert_eq!(lines.len(), 10 * 8 + 1 + 12);
    let blocks = lines[1].matches('\u{2580}').count();
    assert_eq!(blocks, 5 * 14, "five pictures of half their 28 pixels: {}", lines[1]);
    assert!(!show("NO_COLOR").contains('\u{1b}'));
}

#[test]
fn data_alone_lists_what_can_be_done() {
    let output = TestDir::empty().run("data");
    assert_eq!(output.code(), 2);
    for word in ["Examples:", "fetch", "verify", "show"] {
        assert!(output.stderr().contains(word), "no {word} in {}", output.stderr());
    }
}
