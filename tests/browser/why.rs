//! Tests the explanation of a prediction: gradients, covered squares, the slider, and values that are switched off.

use burn::backend::Autodiff;
use burn::tensor::{Int, Tensor, TensorData};
use burn_ndarray::NdArray;
use lenet::model::{LeNet, cross_entropy};
use serde_json::Value;

use crate::chromium::{Tab, View};
use crate::inside::{distance, numbers};
use crate::{assert_quiet, lenet, start};

/// The arithmetic of the page.
const NETWORK: &str = include_str!("../../src/cli/report/script/network.js");

const PREDICTION: &str = "document.getElementById('prediction').textContent";

/// Loads the arithmetic and the weights for the scripts of a test, and defines `pixels()`, which returns the drawing.
fn load_network(tab: &mut Tab<'_>) {
    tab.evaluate(NETWORK);
    tab.evaluate(
        "const data = JSON.parse(document.getElementById('data').textContent);
         const weights = readWeights(data.weights, data.tensors);
         const pixels = () => { const copy = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
           copy.drawImage(document.getElementById('drawing'), 0, 0);
           const p = copy.getImageData(0, 0, 28, 28).data;
           return Uint8Array.from({ length: 784 }, (_, i) => p[4 * i]); }; 0",
    );
}

/// Selects the test image with this index in the list on the page, and returns its pixels.
fn select(tab: &mut Tab<'_>, index: usize) -> Vec<f64> {
    tab.evaluate(&format!("document.querySelectorAll('#picks .pick')[{index}].click()"));
    numbers(&tab.evaluate("[...pixels()]"))
}

/// Returns the index of the test image that the page shows.
fn shown_index(tab: &mut Tab<'_>) -> String {
    let text = tab.evaluate(PREDICTION);
    let (_, rest) = text.as_str().unwrap().split_once("test image ").unwrap();
    rest.split(')').next().unwrap().to_owned()
}

#[test]
fn gradients_match_library() {
    let (dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    load_network(&mut tab);
    let device = Default::default();
    let file = lenet::format::read(&dir.path().join("model.mpk")).unwrap();
    let network = LeNet::<Autodiff<NdArray>>::from_weights(&file.weights, &device);
    for image in [0, 3, 8] {
        let image: Vec<f32> = select(&mut tab, image).iter().map(|pixel| *pixel as f32).collect();
        for class in [2, 5, 8] {
            let pixels = TensorData::new(image.clone(), [1, 1, 28, 28]);
            let pixels = Tensor::from_data(pixels, &device).require_grad();
            let label = Tensor::<_, 1, Int>::from_data([class], &device);
            // The loss is the negative logarithm of the probability.
            let loss = cross_entropy(network.forward(pixels.clone()), label).sum();
            let gradient = pixels.grad(&loss.backward()).unwrap().into_data();
            let expected: Vec<f64> = gradient.iter::<f32>().map(|d| -f64::from(d)).collect();
            let script = format!("[...gradient(weights, forward(weights, pixels()), {class})]");
            let found = numbers(&tab.evaluate(&script));
            let largest = expected.iter().fold(0.0, |largest: f64, d| largest.max(d.abs()));
            let differences = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let difference = differences.fold(0.0, f64::max) / largest;
            println!("class {class}: largest relative difference {difference:.1e}");
            assert!(largest > 0.0 && difference < 1e-4, "class {class}: {difference}");
        }
    }
    assert_quiet(&tab, &page);
}

#[test]
fn covered_squares_match_lenet_predict() {
    let (dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    load_network(&mut tab);
    select(&mut tab, 4);
    // The map is ready within half a second. The best of five tries ignores pauses of a busy machine.
    let times = tab.evaluate(
        "(async () => { const [box, map] = ['covering', 'overlay'].map((id) => document.getElementById(id)); const times = [];
           for (let i = 0; i < 5; i++) { if (box.checked) box.click(); const start = performance.now(); box.click();
             while (!('ready' in map.dataset)) await new Promise((done) => setTimeout(done, 1));
             times.push(performance.now() - start); } return times.sort((a, b) => a - b); })()",
    );
    println!("covered squares: {times} ms");
    assert!(numbers(&times)[0] < 500.0, "{times}");
    let index = shown_index(&mut tab);
    let output = lenet(dir.path(), &format!("predict model.mpk --index {index} --why --json"));
    let document: Value = serde_json::from_str(&output).unwrap();
    let prediction = &document["predictions"][0];
    let expected = numbers(&prediction["why"]["falls"]);
    let found = numbers(&tab.evaluate(
        "(() => { const layers = forward(weights, pixels()); const c = answerOf(layers);
           return [...occlusion(weights, pixels(), {})].map((after) => layers.probabilities[c] - after[c]); })()",
    ));
    assert_eq!((found.len(), expected.len()), (784, 784));
    let differences = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    let difference = differences.fold(0.0, f64::max);
    println!("largest difference {difference:.1e}");
    assert!(difference < 1e-5, "{difference}");
    // The page names the square with the largest effect, and draws it in the deepest blue.
    let largest = expected.iter().fold(0.0, |largest: f64, fall| largest.max(*fall));
    let at = expected.iter().position(|fall| *fall == largest).unwrap();
    let text = tab.evaluate("document.getElementById('covering-text').textContent");
    let place = format!("around row {}, column {} changes", at / 28 + 1, at % 28 + 1);
    assert!(text.as_str().unwrap().contains(&place), "{place}: {text}");
    let alpha = tab.evaluate(&format!(
        "document.getElementById('overlay').getContext('2d').getImageData({}, {}, 1, 1).data[3]",
        at % 28,
        at / 28
    ));
    assert_eq!(alpha, 255);
    assert_quiet(&tab, &page);
}

#[test]
fn evidence_is_shown_for_each_class() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    load_network(&mut tab);
    select(&mut tab, 4);
    tab.evaluate("document.getElementById('covering').click()");
    tab.wait_for("'ready' in document.getElementById('overlay').dataset");
    let answer = tab.evaluate("answerOf(forward(weights, pixels()))").as_u64().unwrap();
    let names = tab.evaluate("data.classes");
    for class in (0..10).filter(|class| *class != answer) {
        tab.evaluate(&format!("document.querySelectorAll('.bars button')[{class}].click()"));
        let text = tab.evaluate("document.getElementById('covering-text').textContent");
        let (name, other) = (&names[class as usize], &names[answer as usize]);
        let expected = format!(
            "Blue parts are evidence for {}, orange parts for {}.",
            name.as_str().unwrap(),
            other.as_str().unwrap()
        );
        assert!(text.as_str().unwrap().starts_with(&expected), "{text}");
        let pressed = "[...document.querySelectorAll('.bars button')].findIndex((b) => b.ariaPressed === 'true')";
        assert_eq!(tab.evaluate(pressed), class);
        assert_eq!(&tab.evaluate("document.getElementById('target').textContent"), name);
    }
    assert_quiet(&tab, &page);
}

#[test]
fn slider_changes_prediction() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    load_network(&mut tab);
    let before = select(&mut tab, 6);
    let target = tab.evaluate("document.getElementById('target').textContent");
    let target = target.as_str().unwrap();
    tab.evaluate("document.getElementById('push').focus()");
    tab.key("End");
    let answer = tab.evaluate(PREDICTION);
    assert!(answer.as_str().unwrap().starts_with(&format!("Predicted {target}, ")), "{answer}");
    let text = tab.evaluate("document.getElementById('pushed').textContent");
    assert!(
        text.as_str().unwrap().ends_with(&format!("The prediction is now {target}.")),
        "{text}"
    );
    // The prediction is for the pixels on the canvas.
    assert_ne!(numbers(&tab.evaluate("[...pixels()]")), before);
    let shown = "[...document.querySelectorAll('.bars data')].map((data) => Number(data.value))";
    let found = numbers(&tab.evaluate(shown));
    let expected = numbers(&tab.evaluate("[...forward(weights, pixels()).probabilities]"));
    assert!(distance(&found, &expected) < 1e-9);
    tab.key("Home");
    assert_eq!(numbers(&tab.evaluate("[...pixels()]")), before);
    assert_quiet(&tab, &page);
}

#[test]
fn parts_are_switched_off_and_on() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    load_network(&mut tab);
    select(&mut tab, 2);
    let shown = "[...document.querySelectorAll('.bars data')].map((data) => Number(data.value))";
    let before = numbers(&tab.evaluate(shown));
    tab.evaluate("document.getElementById('network').focus()");
    tab.key("Home");
    for id in ["off-map", "off-value"] {
        tab.evaluate(&format!("document.getElementById('{id}').focus()"));
        tab.key("Enter");
    }
    // The map is off except for its first value.
    let text = tab.evaluate("document.getElementById('off-text').textContent");
    assert!(text.as_str().unwrap().starts_with("Switched off: 575 values of conv1."), "{text}");
    let expected = numbers(&tab.evaluate(
        "[...forward(weights, pixels(), { conv1: Uint8Array.from({ length: 3456 }, (_, i) => i > 0 && i < 576) }).probabilities]",
    ));
    let found = numbers(&tab.evaluate(shown));
    assert!(distance(&found, &expected) < 1e-9 && distance(&found, &before) > 1e-6, "{found:?}");
    tab.wait_for("document.getElementById('off-text').textContent.includes(' now.')");
    let text = tab.evaluate("document.getElementById('off-text').textContent");
    assert!(text.as_str().unwrap().contains("Correct on the first 200 test images: "), "{text}");
    tab.evaluate("document.getElementById('all-on').click()");
    assert_eq!(numbers(&tab.evaluate(shown)), before);
    assert_eq!(tab.evaluate("document.getElementById('off-text').textContent"), "");
    assert_quiet(&tab, &page);
}
