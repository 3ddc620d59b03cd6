//! Tests that `lenet predict` classifies pictures and images of the data set, and rejects invalid pictures.

use std::path::Path;

use image::{GrayImage, ImageFormat, Luma, RgbImage};

use super::{DATA, TRAINED, TestDir, common};

/// Saves test image `index` of the small data set as a 28x28 picture, after applying `map` to each pixel.
fn save_image(path: &Path, index: usize, map: impl Fn(u8) -> u8) {
    // The test images follow the 200 training images.
    let number = 200 + index;
    let pixels = common::image(common::class(number), number);
    let pixels = pixels.into_iter().map(map).collect();
    GrayImage::from_vec(28, 28, pixels).unwrap().save(path).unwrap();
}

#[test]
fn predict_json_matches_documented_keys() {
    let output = TestDir::empty()
        .run(&format!("predict {TRAINED} --data {DATA} --index 0,1 --top 2 --json"))
        .ok();
    let document = output.json();
    assert_eq!(document["schema"], 1);
    let first = &document["predictions"][0];
    let keys: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["source", "label", "class", "probability", "top", "true_label", "true_class"]
    );
    assert_eq!(first["source"], "test:0");
    assert_eq!((&first["label"], &first["class"]), (&9.into(), &"Ankle boot".into()));
    assert_eq!((&first["true_label"], &first["true_class"]), (&9.into(), &"Ankle boot".into()));
    let top = first["top"].as_array().unwrap();
    assert_eq!(top.len(), 2);
    assert_eq!(top[0]["probability"], first["probability"]);
    assert_eq!(top[0]["label"], 9);
    assert!(top[0]["probability"].as_f64() > top[1]["probability"].as_f64());
    assert_eq!(document["predictions"][1]["source"], "test:1");
}

#[test]
fn probabilities_sum_to_one() {
    let output =
        TestDir::empty().run(&format!("predict {TRAINED} --data {DATA} --index 3 --top 10 --json"));
    let document = output.json();
    let top = document["predictions"][0]["top"].as_array().unwrap();
    let sum: f64 = top.iter().map(|candidate| candidate["probability"].as_f64().unwrap()).sum();
    assert!(top.len() == 10 && (sum - 1.0).abs() < 1e-12);
}

#[test]
fn picture_and_negative_match_dataset_image() {
    let dir = TestDir::new();
    dir.train("--epochs 2");
    // Test image 1 has class 7, whose images have a mostly dark border.
    save_image(&dir.path("a.png"), 1, |v| v);
    save_image(&dir.path("b.png"), 1, |v| 255 - v);
    let index = dir.run("predict model.mpk --any-dataset --index 1 --json").json();
    let files = dir.run("predict model.mpk a.png b.png --invert no --json");
    let yes = dir.run("predict model.mpk b.png --invert yes --json");
    let probability = &index["predictions"][0]["probability"];
    assert_eq!(files.json()["predictions"][0]["probability"], *probability);
    assert_ne!(files.json()["predictions"][1]["probability"], *probability);
    assert_eq!(yes.json()["predictions"][0]["probability"], *probability);
    assert_eq!(files.json()["predictions"][0]["source"], "a.png");
    assert!(files.json()["predictions"][0].get("true_label").is_none());
    assert!(!yes.stderr().contains("inverted"), "--invert yes needs no note");
}

#[test]
fn light_background_is_inverted() {
    let dir = TestDir::empty();
    let shirt = RgbImage::from_fn(300, 400, |x, y| {
        let inside = (60..240).contains(&x) && (50..350).contains(&y);
        image::Rgb(if inside { [40, 60, 90] } else { [250, 250, 250] })
    });
    shirt.save(dir.path("shirt.jpg")).unwrap();
    let output = dir.run(&format!("predict {TRAINED} shirt.jpg")).ok();
    output.assert_stderr_contains("note: shirt.jpg: light background, inverted");
    assert!(output.stdout().starts_with("shirt.jpg: ") && output.stdout().lines().count() == 4);
    assert!(!output.stdout().contains(['\u{1b}', '▀']), "pictures are for terminals only");

    // Pictures that differ from the training images cause a warning.
    let output = dir.run(&format!("predict {TRAINED} shirt.jpg --invert no"));
    assert!(!output.stderr().contains("inverted"));
    let warning =
        "warning: shirt.jpg does not look like the training images: brightness of the border ";
    output.assert_stderr_contains(warning);
    GrayImage::from_pixel(50, 50, Luma([128])).save(dir.path("grey.png")).unwrap();
    let output = dir.run(&format!("predict {TRAINED} grey.png"));
    output.assert_stderr_contains("contrast 0 (training images: 25 to 117)");
}

#[test]
fn picture_format_follows_content() {
    let dir = TestDir::empty();
    let grey = GrayImage::from_fn(60, 60, |x, _| Luma([if x > 30 { 200 } else { 0 }]));
    grey.save_with_format(dir.path("really.png"), ImageFormat::Jpeg).unwrap();
    dir.run(&format!("predict {TRAINED} really.png")).ok();
}

#[test]
fn predict_rejects_invalid_pictures() {
    let dir = TestDir::empty();
    let predict = |args: &str| dir.run(&format!("predict {TRAINED} {args}"));
    predict("missing.png").assert_error(1, "cannot read missing.png", "");
    dir.write("text.png", "hello");
    predict("text.png").assert_error(
        1,
        "text.png is not a PNG, JPEG, GIF, WebP or BMP picture: found a short text",
        "download",
    );
    dir.write("empty.jpg", []);
    predict("empty.jpg").assert_error(
        1,
        "empty.jpg is not a PNG, JPEG, GIF, WebP or BMP picture",
        "",
    );
    predict(".").assert_error(1, "cannot read .: expected a file, found a directory", "");
    GrayImage::new(100, 100).save(dir.path("whole.png")).unwrap();
    let bytes = dir.read("whole.png");
    dir.write("cut.png", &bytes[..50]);
    // The valid picture is classified, and each invalid one is reported.
    let mixed = predict("missing.png whole.png cut.png");
    assert_eq!(mixed.code(), 1);
    assert!(mixed.stdout().starts_with("whole.png: "), "{}", mixed.stdout());
    let errors = mixed.stderr().lines().filter(|line| line.starts_with("error: "));
    let errors: Vec<_> = errors.collect();
    assert!(errors[0].contains("cannot read missing.png"), "{errors:?}");
    assert!(errors.len() == 2 && errors[1].contains("cut.png is corrupt"), "{errors:?}");
    let none = predict("missing.png cut.png --why --json");
    let document = none.json();
    assert_eq!((none.code(), &document["predictions"]), (1, &serde_json::json!([])));
    assert_eq!(document["errors"].as_array().unwrap().len(), 2);
    let none = predict("cut.png --why --png why.png --json");
    assert_eq!((none.code(), none.json()["errors"].as_array().unwrap().len()), (1, 1));
    let mixed = predict("missing.png whole.png cut.png --json");
    let document = mixed.json();
    assert_eq!((mixed.code(), document["predictions"].as_array().unwrap().len()), (1, 1));
    assert_eq!(document["errors"][1]["source"], "cut.png");
    assert!(document["predictions"][0]["warnings"][0].is_string(), "{document}");
    GrayImage::new(16_385, 1).save(dir.path("wide.png")).unwrap();
    predict("wide.png").assert_error(1, "wide.png is too large", "at most 16384 pixels per side");
}

#[test]
fn invalid_arguments_are_usage_errors() {
    let dir = TestDir::new();
    save_image(&dir.path("a.png"), 0, |v| v);
    for (args, error) in [
        ("", "IMAGE"),
        ("a.png --index 1", "cannot be used with"),
        ("--index 1 --invert yes", "cannot be used with"),
        ("--index x", "invalid value"),
        ("--index -1", ""),
        ("a.png --split test", "cannot be used with"),
        ("a.png --top 0", "from 1 to 10"),
        ("a.png --top 11", "from 1 to 10"),
        ("a.png --png why.png", "--why"),
        ("a.png --why --force", "--png"),
        ("a.png a.png --why --png why.png", "--png writes one image only"),
    ] {
        let output = dir.run(&format!("predict {TRAINED} {args}"));
        assert_eq!(output.code(), 2, "{args}: {}", output.stderr());
        assert!(
            output.stderr().contains(error) && output.stdout().is_empty(),
            "{args}: {}",
            output.stderr()
        );
    }
    let beyond = dir.run(&format!("predict {TRAINED} --any-dataset --index 0,40"));
    beyond.assert_error(2, "there is no test image 40: they are numbered 0 to 39", "");
    let beyond = dir.run(&format!("predict {TRAINED} --any-dataset --split validation --index 20"));
    beyond.assert_error(2, "there is no validation image 20: they are numbered 0 to 19", "");
}

#[test]
fn text_marks_correct_predictions() {
    let output = TestDir::empty().run(&format!("predict {TRAINED} --data {DATA} --index 0,12"));
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines[0], "test:0: Ankle boot (correct)");
    assert!(lines[1].starts_with("  Ankle boot    0."), "{}", lines[1]);
    assert_eq!(lines.len(), 8);
    assert!(lines[4].starts_with("test:12: "), "{}", lines[4]);
}

#[test]
fn why_shows_important_parts() {
    let dir = TestDir::empty();
    let predict = |args: &str| {
        dir.run(&format!("predict {TRAINED} --data {DATA} --index 0 --top 1 --why {args}"))
    };
    let document = predict("--json").ok().json();
    let why = &document["predictions"][0]["why"];
    let falls: Vec<f64> =
        why["falls"].as_array().unwrap().iter().map(|fall| fall.as_f64().unwrap()).collect();
    assert_eq!((why["patch"].as_u64(), falls.len()), (Some(7), 784));
    let largest = falls.iter().fold(0.0, |largest: f64, fall| largest.max(fall.abs()));
    let probability = document["predictions"][0]["probability"].as_f64().unwrap();
    assert!(largest > 0.1 && falls.iter().all(|fall| *fall <= probability), "{largest}");
    // The boot fills the lower part of the image. Covering black pixels changes nothing.
    assert_eq!(falls[0], 0.0);

    let output = predict("--png why.png").ok();
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines[2], "  Drop in P(Ankle boot) if the 7x7 square there is black");
    assert_eq!(lines[3], format!("  (9: by {largest:.4}; -: an increase):"));
    assert_eq!(lines.len(), 32, "{}", output.stdout());
    for (line, row) in lines[4..].iter().zip(falls.chunks(28)) {
        let digits = line.split_whitespace().map(|digit| digit.parse().unwrap_or(0.0));
        for (digit, fall) in digits.zip(row) {
            assert!(*fall < 0.0 || (digit / 9.0 - fall / largest).abs() < 0.056, "{line}");
        }
    }
    let picture = image::open(dir.path("why.png")).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (280, 280));
    // The colour is blue where the fall is largest, and grey where nothing changes.
    let at = falls.iter().position(|fall| fall.abs() == largest).unwrap() as u32;
    let [red, _, blue] = picture.get_pixel(at % 28 * 10 + 5, at / 28 * 10 + 5).0;
    assert!(blue > red, "{red} {blue}");
    assert_eq!(picture.get_pixel(0, 0).0, [0; 3]);
    predict("--png why.png").assert_error(1, "why.png already exists", "--force");
    predict("--png why.png --force").ok();
}
