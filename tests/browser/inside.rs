//! The page and `lenet predict` compute the same probabilities for the images of the page, drawings and pictures.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use serde_json::Value;

use crate::chromium::{Chromium, Tab, View};
use crate::{assert_quiet, lenet, start, url};

/// Maximum difference between a probability on the page and one from the program.
const TOLERANCE: f64 = 1e-5;

/// Script that returns the ten probabilities shown on the page.
const SHOWN: &str =
    "[...document.querySelectorAll('.bars data')].map((data) => Number(data.value))";

/// Script that returns the ten probabilities as the page shows them.
const SHOWN_TEXT: &str =
    "[...document.querySelectorAll('.bars data')].map((data) => data.textContent).join('')";

/// Script that selects every image on the page and returns [index, probabilities] for each.
const EVERY_IMAGE: &str = "(() => {
    const found = [];
    const record = () => {
        const index = Number(document.getElementById('prediction').textContent.match(/test image (\\d+)/)[1]);
        found.push([index, [...document.querySelectorAll('.bars data')].map((data) => Number(data.value))]);
    };
    for (const cell of document.querySelectorAll('.matrix button')) {
        cell.click();
        for (const image of document.querySelectorAll('#cell .pick')) { image.click(); record(); }
    }
    for (const image of document.querySelectorAll('.mistakes .pick, #picks .pick')) { image.click(); record(); }
    return found;
})()";

/// Parses the output of `lenet predict --json --top 10` and returns the probabilities of each prediction by class.
fn predictions(output: &str) -> Vec<[f64; 10]> {
    let document: Value = serde_json::from_str(output).unwrap();
    let by_class = |prediction: &Value| {
        let mut row = [f64::NAN; 10];
        for candidate in prediction["top"].as_array().unwrap() {
            let label = candidate["label"].as_u64().unwrap() as usize;
            row[label] = candidate["probability"].as_f64().unwrap();
        }
        row
    };
    let predictions = document["predictions"].as_array().unwrap();
    predictions.iter().map(by_class).collect()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap();
    values.iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Returns the largest absolute difference of two probability vectors.
pub fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!((found.len(), expected.len()), (10, 10));
    let pairs = found.iter().zip(expected);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Asserts that the page shows the probabilities that `lenet predict` computes for the picture `name`.
fn assert_as_predicted(tab: &mut Tab<'_>, dir: &Path, name: &str, args: &str, tolerance: f64) {
    let output = lenet(dir, &format!("predict model.mpk {name} --json --top 10 {args}"));
    let found = numbers(&tab.evaluate(SHOWN));
    let difference = distance(&found, &predictions(&output)[0]);
    println!("{name}: largest difference {difference:.1e}");
    assert!(difference <= tolerance, "{name}: {difference}");
}

/// Returns the 28x28 pixels on the canvas as a PNG.
fn drawn(tab: &mut Tab<'_>) -> Vec<u8> {
    let uri = tab.evaluate("document.getElementById('drawing').toDataURL()");
    let text = uri.as_str().unwrap().strip_prefix("data:image/png;base64,");
    BASE64_STANDARD.decode(text.unwrap()).unwrap()
}

/// Scrolls the canvas into view and returns its left edge, top edge and side length in the window.
pub fn canvas(tab: &mut Tab<'_>) -> [f64; 3] {
    let found = tab.evaluate(
        "(() => { scrollTo(0, 0); const c = document.getElementById('drawing'); c.scrollIntoView();
           const b = c.getBoundingClientRect(); return [b.left, b.top, b.width]; })()",
    );
    let numbers = numbers(&found);
    [numbers[0], numbers[1], numbers[2]]
}

#[test]
fn page_images_match_lenet_predict() {
    let (dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    let found = tab.evaluate(EVERY_IMAGE);
    let found = found.as_array().unwrap();
    assert!(found.len() > 150, "{}", found.len());
    let indices: Vec<String> = found.iter().map(|entry| entry[0].to_string()).collect();
    let args = format!("predict model.mpk --index {} --json --top 10", indices.join(","));
    let expected = predictions(&lenet(dir.path(), &args));
    let pairs = found.iter().zip(&expected);
    let differences = pairs.map(|(entry, expected)| distance(&numbers(&entry[1]), expected));
    let largest = differences.fold(0.0, f64::max);
    println!("{} images: largest difference {largest:.1e}", found.len());
    assert!(largest <= TOLERANCE, "{largest}");
    assert_quiet(&tab, &page);
}

#[test]
fn both_models_classify_same_drawing() {
    let dir = tempfile::tempdir().unwrap();
    crate::report(&dir);
    lenet(dir.path(), "train --limit 4000 --epochs 6 --seed 5 --batch-size 8 -q -o other.mpk");
    lenet(dir.path(), "report model.mpk other.mpk --limit 1000");
    let path = dir.path().join("model-other.html");
    assert!(std::fs::metadata(&path).unwrap().len() < 1_000_000);
    let mut browser = Chromium::start();
    let mut tab = browser.open(&url(&path), View::screen(1280));
    // Each image on which the models differ is a button.
    assert!(
        tab.evaluate("document.querySelectorAll('#differences .pick').length").as_u64() > Some(2)
    );
    tab.evaluate("document.querySelector('#differences .pick').click()");
    std::fs::write(dir.path().join("drawn.png"), drawn(&mut tab)).unwrap();
    for (index, model, other) in [(0, "model.mpk", "other.mpk"), (1, "other.mpk", "model.mpk")] {
        tab.evaluate(&format!("document.querySelectorAll('[name=model]')[{index}].click()"));
        let answers = [model, other].map(|model| {
            let output = lenet(
                dir.path(),
                &format!("predict {model} drawn.png --json --top 10 --invert no"),
            );
            predictions(&output)[0]
        });
        let found = numbers(&tab.evaluate(SHOWN));
        assert!(distance(&found, &answers[0]) <= TOLERANCE, "{model}");
        let bars = tab.evaluate("[...document.querySelectorAll('.bars .other')].map((bar) => parseFloat(bar.style.width) / 100)");
        assert!(distance(&numbers(&bars), &answers[1]) <= TOLERANCE, "{other}");
        let text = tab.evaluate("document.getElementById('other-answer').textContent");
        assert!(text.as_str().unwrap().starts_with(&format!("{other}: ")), "{text}");
    }
    assert_quiet(&tab, &url(&path));
}

#[test]
fn mouse_drawing_matches_lenet_predict() {
    let (dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    let before = drawn(&mut tab);
    tab.evaluate("document.querySelector('[data-tool=clear]').click()");
    // An empty canvas has no prediction.
    let answer = tab.evaluate("document.getElementById('prediction').textContent");
    assert_eq!(answer, "Nothing is drawn, so there is no prediction.");
    assert_eq!(tab.evaluate(SHOWN_TEXT), "––––––––––");
    let [left, top, side] = canvas(&mut tab);
    let path = [[0.3, 0.2], [0.3, 0.8], [0.7, 0.8], [0.7, 0.2], [0.3, 0.25]];
    tab.drag(&path.map(|[x, y]| [left + x * side, top + y * side]));
    for (name, tool) in [
        ("drawn.png", None),
        ("inverted.png", Some("invert")),
        ("flipped.png", Some("flip")),
        ("left.png", Some("left")),
        ("up.png", Some("up")),
    ] {
        if let Some(tool) = tool {
            tab.evaluate(&format!("document.querySelector('[data-tool={tool}]').click()"));
        }
        let png = drawn(&mut tab);
        assert_ne!(png, before, "{name}");
        std::fs::write(dir.path().join(name), png).unwrap();
        assert_as_predicted(&mut tab, dir.path(), name, "--invert no", TOLERANCE);
    }
    let picture = |name: &str| image::open(dir.path().join(name)).unwrap().into_luma8();
    let (first, inverted, up) = (picture("drawn.png"), picture("inverted.png"), picture("up.png"));
    assert_eq!(first.get_pixel(8, 14), &Luma([255]), "the left stroke");
    assert_eq!(first.get_pixel(14, 14), &Luma([0]), "between the strokes");
    for (x, y) in (0..27).flat_map(|x| (0..27).map(move |y| (x, y))) {
        let Luma([grey]) = first.get_pixel(x, y + 1);
        assert_eq!(
            up.get_pixel(26 - x, y),
            &Luma([255 - grey]),
            "flipped, then shifted left and up"
        );
    }
    assert_eq!(inverted.get_pixel(8, 14), &Luma([0]));
    assert_eq!(up.get_pixel(27, 27), &Luma([0]), "shifted-in pixels are black");
    assert_quiet(&tab, &page);
}

#[test]
fn keyboard_drawing_matches_lenet_predict() {
    let (dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    tab.evaluate("document.querySelector('[data-tool=clear]').click()");
    tab.evaluate("document.getElementById('drawing').focus()");
    for _ in 0..6 {
        tab.key(" ");
        tab.key("ArrowDown");
    }
    for _ in 0..3 {
        tab.key("ArrowUp");
    }
    tab.key("Backspace");
    tab.evaluate("document.activeElement.blur()");
    std::fs::write(dir.path().join("keys.png"), drawn(&mut tab)).unwrap();
    let picture = image::open(dir.path().join("keys.png")).unwrap().into_luma8();
    assert_eq!(picture.get_pixel(14, 15), &Luma([255]));
    assert_eq!(picture.get_pixel(14, 17), &Luma([0]), "erased");
    assert_as_predicted(&mut tab, dir.path(), "keys.png", "--invert no", TOLERANCE);
}

/// Writes one picture for each case that the conversion distinguishes, and returns their names and tolerances.
fn pictures(dir: &Path) -> Vec<(&'static str, f64)> {
    let shirt =
        |x: u32, y: u32| (60..240).contains(&x) && (40..370).contains(&y) && (x + y) % 97 > 20;
    let colour = RgbImage::from_fn(301, 409, |x, y| match shirt(x, y) {
        true => Rgb([200, (x % 256) as u8, (y % 200) as u8]),
        false => Rgb([245, 243, 250]),
    });
    colour.save(dir.join("light.png")).unwrap();
    colour.save(dir.join("light.jpg")).unwrap();
    let dark = GrayImage::from_fn(90, 61, |x, y| {
        Luma([if (20..75).contains(&x) && (5..50).contains(&y) { (3 * x) as u8 } else { 6 }])
    });
    dark.save(dir.join("dark.png")).unwrap();
    let small = GrayImage::from_fn(11, 17, |x, y| Luma([((x * y) % 256) as u8]));
    small.save(dir.join("small.png")).unwrap();
    let asis = GrayImage::from_fn(28, 28, |x, y| Luma([(x * y % 200) as u8]));
    asis.save(dir.join("asis.png")).unwrap();
    let clear =
        RgbaImage::from_fn(120, 80, |x, y| match (30..90).contains(&x) && (10..70).contains(&y) {
            true => Rgba([40, 90, (2 * y) as u8, 255]),
            false => Rgba([0, 0, 0, 0]),
        });
    clear.save(dir.join("clear.png")).unwrap();
    for name in ["light.webp", "dark.gif", "dark.bmp"] {
        let source = format!("{}.png", name.split_once('.').unwrap().0);
        image::open(dir.join(source)).unwrap().to_rgb8().save(dir.join(name)).unwrap();
    }
    // The JPEG has a larger tolerance, because grey values from two JPEG decoders may differ by one or two.
    let names = [
        "light.png",
        "dark.png",
        "small.png",
        "asis.png",
        "clear.png",
        "light.webp",
        "dark.gif",
        "dark.bmp",
    ];
    let mut all: Vec<_> = names.map(|name| (name, TOLERANCE)).into();
    all.push(("light.jpg", 0.05));
    all
}

#[test]
fn picture_files_match_lenet_predict() {
    let (dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    let named = |name: &str| {
        format!("document.getElementById('prediction').textContent.includes({name:?})")
    };
    for (name, tolerance) in pictures(dir.path()) {
        let [left, top, side] = canvas(&mut tab);
        let middle = [left + side / 2.0, top + side / 2.0];
        tab.drop_file(&dir.path().join(name), middle);
        tab.wait_for(&named(name));
        assert_as_predicted(&mut tab, dir.path(), name, "", tolerance);
    }
    tab.choose_file("#picture", &dir.path().join("dark.png"));
    tab.wait_for(&named("dark.png"));
    assert_as_predicted(&mut tab, dir.path(), "dark.png", "", TOLERANCE);

    let bytes = BASE64_STANDARD.encode(std::fs::read(dir.path().join("small.png")).unwrap());
    tab.evaluate(&format!(
        "(() => {{ const data = new DataTransfer();
           const bytes = Uint8Array.from(atob('{bytes}'), (c) => c.charCodeAt(0));
           data.items.add(new File([bytes], 'pasted.png', {{ type: 'image/png' }}));
           document.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data }})); }})()"
    ));
    tab.wait_for(&named("pasted.png"));
    assert_as_predicted(&mut tab, dir.path(), "small.png", "", TOLERANCE);

    // A file that is not a picture is reported, and there is no prediction.
    for (name, content) in
        [("text.png", &b"hello there"[..]), ("cut.png", b"\x89PNG\r\n\x1a\n and no more")]
    {
        std::fs::write(dir.path().join(name), content).unwrap();
        let [left, top, side] = canvas(&mut tab);
        tab.drop_file(&dir.path().join(name), [left + side / 2.0, top + side / 2.0]);
        tab.wait_for(&named(&format!("Cannot read {name}.")));
        let notice = tab.evaluate("document.getElementById('warnings').textContent");
        assert!(notice.as_str().unwrap().contains("corrupt, or not a picture"), "{notice}");
        assert_eq!(tab.evaluate(SHOWN_TEXT), "––––––––––", "{name}");
        tab.choose_file("#picture", &dir.path().join("dark.png"));
        tab.wait_for(&named("dark.png"));
    }
    assert_quiet(&tab, &page);
}
