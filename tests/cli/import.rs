//! `lenet data import`: from pictures in one directory per class to a model that classifies them.

use std::fs;

use image::{GrayImage, Luma};
use lenet::format;
use serde_json::{Value, json};

use super::TestDir;

const SHAPES: [&str; 3] = ["circle", "square", "triangle"];
/// Training options with which a small data set is learned in less than a second.
const QUICK: &str = "--recipe tuned --epochs 40 --batch-size 16";

/// Draws the outline of a shape in black on white. `number` determines size and position.
fn shape(class: &str, number: u32) -> GrayImage {
    let side = [28, 45, 64, 90, 131, 200][number as usize % 6];
    let unit = f64::from(side);
    let vary = |factor: u32| f64::from(number * factor % 17) / 17.0;
    let radius = unit * (0.2 + 0.15 * vary(5));
    let centre = [vary(3), vary(7)].map(|shift| unit * (0.45 + 0.1 * shift));
    GrayImage::from_fn(side, side, |x, y| {
        let [x, y] = [f64::from(x) - centre[0], f64::from(y) - centre[1]];
        // The distance from the outline, in units of the radius.
        let from_centre = match class {
            "circle" => x.hypot(y),
            "square" => x.abs().max(y.abs()),
            // The sides of an equilateral triangle, whose incircle has half the radius.
            _ => 2.0 * y.max(0.866 * x - 0.5 * y).max(-0.866 * x - 0.5 * y),
        };
        let is_ink = (from_centre - radius).abs() < unit / 14.0;
        Luma([if is_ink { 20 } else { 240 }])
    })
}

impl TestDir {
    /// Draws `count` pictures of each shape into `root`, every third as JPEG.
    pub(super) fn draw_shapes(&self, root: &str, count: u32) {
        for class in SHAPES {
            self.create_dirs(&format!("{root}/{class}"));
            for number in 0..count {
                let extension = if number % 3 == 0 { "jpg" } else { "png" };
                let path = self.path(&format!("{root}/{class}/{number}.{extension}"));
                shape(class, number).save(path).unwrap();
            }
        }
    }

    fn create_dirs(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }
}

#[test]
fn drawings_become_a_model() {
    let dir = TestDir::empty();
    dir.draw_shapes("drawings", 40);
    // A picture that is cut off, one that shows nothing, a text, and a hidden file.
    let picture = dir.read("drawings/circle/1.png");
    dir.write("drawings/circle/broken.png", &picture[..picture.len() / 2]);
    GrayImage::from_pixel(50, 50, Luma([200])).save(dir.path("drawings/square/blank.png")).unwrap();
    dir.write("drawings/triangle/notes.txt", "drawn by class 7b");
    dir.write("drawings/triangle/.DS_Store", "");
    dir.write("drawings/square/circle.png", &picture);

    let output = dir.run("data import drawings shapes --flip circle --png sheet.png").ok();
    for line in [
        "class          training       test not imported",
        "circle               32          8            1",
        "square               34          8            0",
        "triangle             32          8            1",
        "total                98         24            2",
        "saved shapes/classes.txt",
    ] {
        assert!(output.stdout().contains(line), "no {line:?} in {}", output.stdout());
    }
    for warning in [
        "warning: not imported: drawings/circle/broken.png is corrupt",
        "warning: not imported: drawings/triangle/notes.txt is not a PNG",
        "warning: drawings/square/blank.png: blank: nothing differs from the background",
        "drawings/circle/1.png and drawings/square/circle.png are the same picture in different",
        "note: 122 of 122 pictures have a light background",
        "lenet train --data=shapes --recipe tuned --epochs 40 --batch-size 16",
    ] {
        assert!(output.stderr().contains(warning), "no {warning:?} in {}", output.stderr());
    }
    assert_eq!(dir.read_text("shapes/classes.txt"), "circle\tflip\nsquare\ntriangle\n");
    let sheet = image::open(dir.path("sheet.png")).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (20 * 30 + 2, 3 * 30 + 2));

    // Two of these pictures would be errors among the few test pictures.
    for name in ["circle/broken.png", "square/blank.png", "square/circle.png", "triangle/notes.txt"]
    {
        fs::remove_file(dir.path(&format!("drawings/{name}"))).unwrap();
    }
    dir.run("data import drawings shapes --flip circle --force").ok();
    let output = dir.run(&format!("train --data shapes {QUICK}")).ok();
    assert!(!output.stderr().contains("Fashion"), "{}", output.stderr());
    assert!(output.stdout().contains("data set of 3 classes"), "{}", output.stdout());
    let record = dir.json("model.json");
    assert_eq!(record["dataset"], json!({ "name": null, "classes": SHAPES, "flip": [0] }));
    let output = dir.run("eval model.mpk --data shapes --min-accuracy 0.95 --json").ok();
    let document = output.json();
    assert_eq!(document["confusion"].as_array().unwrap().len(), 3);
    assert_eq!(document["classes"][2]["name"], "triangle");
    assert_eq!(document["warnings"], Value::Null, "{document}");
    assert!(dir.run("eval model.mpk --data shapes").ok().stdout().contains("\n2 triangle "));

    // A new picture, classified with the names in the run record, and in a file without it.
    shape("triangle", 41).save(dir.path("new.png")).unwrap();
    dir.run("convert model.mpk m.safetensors").ok();
    for model in ["model.mpk", "m.safetensors"] {
        let output = dir.run(&format!("predict {model} new.png --top 10 --json")).ok();
        let prediction = &output.json()["predictions"][0];
        assert_eq!(prediction["class"], "triangle");
        assert_eq!(prediction["top"].as_array().unwrap().len(), 3, "{prediction}");
        assert_eq!(prediction["warnings"], Value::Null);
    }
    let output = dir.run("predict model.mpk --data shapes --index 0,1,2").ok();
    assert!(SHAPES.iter().any(|class| output.stdout().contains(class)), "{}", output.stdout());

    dir.run("report model.mpk --data shapes").ok();
    let page = dir.read_text("model.html");
    for text in [
        "<h1>LeNet on a data set of 3 classes (circle, square, triangle)</h1>",
        "Draw one of these: circle, square or triangle, or drop, paste or select a picture",
        "flipped in every second epoch (except square, triangle)",
        "Only the first 3 of its ten outputs belong to classes",
        "\"classes\":[\"circle\",\"square\",\"triangle\"]",
    ] {
        assert!(page.contains(text), "no {text:?} in the page");
    }
    assert!(!page.contains("Fashion-MNIST") && !page.contains("first 24 test images"));

    dir.run("convert model.mpk hub/").ok();
    let card = dir.read_text("hub/README.md");
    assert!(card.contains("for these 3 classes: circle, square, triangle."), "{card}");
    assert!(card.contains("a data set of 3 classes (circle, square, triangle)"), "{card}");
    assert!(card.contains("On 24 test images it makes"), "{card}");
    assert!(!card.contains("Fashion") && !card.contains("license"), "{card}");
    let config = dir.json("hub/config.json");
    assert_eq!(config["num_labels"], 3);
    assert_eq!(config["id2label"], json!({ "0": "circle", "1": "square", "2": "triangle" }));
    dir.train_seeds_and_compare();
}

impl TestDir {
    /// Compares two runs on the shapes.
    fn train_seeds_and_compare(&self) {
        self.run(&format!("train --data shapes {QUICK} --seed 2 -o b.mpk -q")).ok();
        let output = self.run("compare model.json b.json --data shapes").ok();
        assert!(output.stdout().contains("\ntriangle "), "{}", output.stdout());
        assert!(!output.stderr().contains("Fashion"), "{}", output.stderr());
    }
}

#[test]
fn import_is_deterministic() {
    let dir = TestDir::empty();
    dir.draw_shapes("drawings", 12);
    dir.run("data import drawings a").ok();
    dir.run("data import drawings b").ok();
    dir.run("data import drawings c --seed 7").ok();
    let files = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "classes.txt",
    ];
    for name in files {
        let [a, b] = ["a", "b"].map(|part| dir.read(&format!("{part}/{name}")));
        assert_eq!(a, b, "{name}");
    }
    assert_ne!(dir.read(&format!("a/{}", files[0])), dir.read(&format!("c/{}", files[0])));
    // Existing files are replaced only with --force.
    dir.run("data import drawings a").assert_error(
        1,
        "a/train-images-idx3-ubyte.gz already exists",
        "--force",
    );
    dir.run("data import drawings a --force --seed 7").ok();
    assert_eq!(dir.read(&format!("a/{}", files[0])), dir.read(&format!("c/{}", files[0])));
}

#[test]
fn second_root_has_test_pictures() {
    let dir = TestDir::empty();
    dir.draw_shapes("drawings", 12);
    for class in &SHAPES[..2] {
        dir.create_dirs(&format!("others/{class}"));
        shape(class, 50).save(dir.path(&format!("others/{class}/x.png"))).unwrap();
    }
    fs::copy(dir.path("drawings/circle/4.png"), dir.path("others/circle/copy.png")).unwrap();
    let output = dir.run("data import drawings shapes --test others --json").ok();
    let document = output.json();
    let counts =
        |class: usize| [&document["classes"][class]["train"], &document["classes"][class]["test"]];
    assert_eq!([counts(0), counts(1), counts(2)], [[12, 2], [12, 1], [12, 0]]);
    assert_eq!(
        document["duplicates"],
        json!([["drawings/circle/4.png", "others/circle/copy.png"]])
    );
    let warnings = document["warnings"].to_string();
    assert!(warnings.contains("triangle has no test pictures"), "{warnings}");
    dir.create_dirs("others/star");
    let output = dir.run("data import drawings more --test others");
    output.assert_error(1, "others/star: there are no training pictures of this class", "name the");
}

#[test]
fn impossible_directories_are_rejected() {
    let dir = TestDir::empty();
    dir.draw_shapes("drawings", 3);
    dir.create_dirs("one/circle");
    dir.create_dirs("empty/circle");
    dir.create_dirs("empty/square");
    dir.create_dirs("comma/a,b");
    dir.create_dirs("comma/c");
    for (args, message, hint) in [
        ("absent", "cannot read absent", "one directory of pictures per class"),
        ("drawings/circle/1.png", "cannot read drawings/circle/1.png", "per class"),
        ("one", "expected 2 to 10 directories of pictures in one, found 1", "PICTURES/circle"),
        ("empty", "empty/circle has no picture that can be read", "add pictures"),
        ("comma", "cannot use the directory comma/a,b", "rename"),
        ("drawings --flip star", "drawings has no directory \"star\"", "--flip"),
    ] {
        let (root, options) = args.split_once(' ').unwrap_or((args, ""));
        let output = dir.run(&format!("data import {root} out {options}"));
        output.assert_error(1, message, hint);
        assert!(!dir.path("out").exists());
    }
    let output = dir.run("data import drawings out").ok();
    output.assert_stderr_contains("warning: circle has only 2 training pictures");
}

#[test]
fn class_names_must_fit_labels() {
    let dir = TestDir::new();
    // Without names, the data set is rejected, unless the option allows it.
    dir.run("train --epochs 1").assert_error(1, "not Fashion-MNIST", "--any-dataset");
    let ten = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "a nine"];
    dir.write("data/classes.txt", ten.join("\n"));
    let output = dir.run("train --epochs 1").ok();
    assert!(!output.stderr().contains("any-dataset"), "{}", output.stderr());
    assert_eq!(dir.json("model.json")["dataset"]["classes"][9], "a nine");
    assert!(dir.run("data show").ok().stdout().contains("\na nine "));
    for (names, problem) in [
        ("zero\none\ntwo\n", "data/classes.txt: has 3 names, but an image has label"),
        ("zero\n", "data/classes.txt: has fewer than 2 names"),
        (
            "a\n\u{1b}[31m\n",
            "data/classes.txt: line 2: \"\\u{1b}[31m\" cannot be the name of a class",
        ),
    ] {
        dir.write("data/classes.txt", names);
        dir.run("eval model.mpk").assert_error(1, problem, "one class name per line");
    }
    // The names of a run are those of its resumption.
    dir.write("data/classes.txt", ten.join("\n").replace("zero", "nought"));
    let output = dir.run("train --epochs 2 --resume");
    output.assert_error(1, "the run started with other class names", "");
}

#[test]
fn outputs_without_a_class_never_change() {
    let dir = TestDir::empty();
    dir.draw_shapes("drawings", 12);
    dir.run("data import drawings shapes").ok();
    for recipe in ["classic", "tuned --momentum 0.5", "tuned"] {
        let name = format!("{}.safetensors", recipe.len());
        dir.run(&format!("train --data shapes --recipe {recipe} --epochs 3 -q -o {name}")).ok();
        let weights = format::read(&dir.path(&name)).unwrap().weights;
        let (fc3, bias) = (weights.tensor(8), weights.tensor(9));
        for row in fc3.chunks_exact(10) {
            assert!(row[..3].iter().all(|value| *value != 0.0), "{recipe}");
            assert_eq!(row[3..], [0.0; 7], "{recipe}");
        }
        assert!(bias[..3].iter().all(|value| *value != 0.0), "{recipe}");
        assert_eq!(bias[3..], [-50.0; 7], "{recipe}");
    }
}

#[test]
fn model_of_ten_classes_meets_three() {
    // A model that predicts classes which the data set does not have.
    let dir = TestDir::new();
    dir.train(&format!("{QUICK} --limit 200"));
    dir.draw_shapes("drawings", 12);
    dir.run("data import drawings shapes").ok();
    let output = dir.run("eval model.mpk --data shapes --json").ok();
    let document = output.json();
    let classes = document["classes"].as_array().unwrap().len();
    assert!(classes >= 3 && document["confusion"].as_array().unwrap().len() == classes);
    let note = "but shapes is a data set of 3 classes (circle, square, triangle)";
    assert!(document["warnings"].to_string().contains(note), "{document}");
    for command in ["report model.mpk", "predict model.mpk --index 0,1,2,3,4", "data show"] {
        dir.run(&format!("{command} --data shapes")).ok();
    }
}
