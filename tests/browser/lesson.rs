//! Tests the picture of the network: it fits on one screen, and each value shows how it is computed.

use serde_json::{Value, json};

use crate::chromium::{Tab, View};
use crate::inside::{canvas, numbers};
use crate::{assert_quiet, start};

/// The heading of the panel that shows how the selected value is computed.
const SELECTED: &str = "document.querySelector('#origin h3').textContent";

/// Returns the heading of the panel, which must also be announced to screen readers.
fn selected(tab: &mut Tab<'_>) -> String {
    let shown = tab.evaluate(SELECTED);
    assert_eq!(tab.evaluate("document.getElementById('selected').textContent"), shown);
    shown.as_str().unwrap().to_owned()
}

/// Returns the number in the panel for the step named `term`.
fn step(tab: &mut Tab<'_>, term: &str) -> f64 {
    let text = tab.evaluate(&format!(
        "[...document.querySelectorAll('.formula .steps div')]
           .find((step) => step.querySelector('dt').textContent === {term:?}).querySelector('dd').textContent.replace('−', '-')"
    ));
    text.as_str().unwrap().parse().unwrap()
}

/// Clicks the picture of map number `map` of a layer, near its middle.
fn click(tab: &mut Tab<'_>, layer: &str, map: usize) {
    let middle = tab.evaluate(&format!(
        "(() => {{ const b = document.querySelectorAll('canvas.{layer}')[{map}].getBoundingClientRect();
           return [b.left + 0.47 * b.width, b.top + 0.47 * b.height]; }})()"
    ));
    let [x, y] = numbers(&middle)[..] else { panic!("{middle}") };
    tab.drag(&[[x, y]]);
}

#[test]
fn lesson_fits_one_screen() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View { height: 900, ..View::screen(1280) });
    let click_all = [
        ("conv1", 2),
        ("pool1", 5),
        ("conv2", 9),
        ("pool2", 0),
        ("fc1", 0),
        ("fc2", 0),
        ("fc3", 3),
    ];
    for (layer, map) in click_all {
        click(&mut tab, layer, map);
        let outside = tab.evaluate(
            "[...document.querySelectorAll('#drawing, #network canvas, #prediction, .bars tr, .why > *, #origin, #network-keys')]
               .filter((e) => { const b = e.getBoundingClientRect();
                 return b.width === 0 || b.left < 0 || b.top < 0 || b.right > innerWidth || b.bottom > innerHeight; })
               .map((e) => e.outerHTML)",
        );
        assert_eq!(outside, json!([]), "{layer}");
    }
    assert_eq!(tab.evaluate("scrollY"), 0);
    // The picture has six kernels, maps and pooled maps, sixteen maps and pooled maps, the dense layers, and ten outputs.
    for (layer, number) in [
        ("kernel", 6),
        ("conv1", 6),
        ("pool1", 6),
        ("conv2", 16),
        ("pool2", 16),
        ("fc1", 1),
        ("fc2", 1),
        ("fc3", 10),
    ] {
        let found = tab.evaluate(&format!("document.querySelectorAll('canvas.{layer}').length"));
        assert_eq!(found, number, "{layer}");
    }
    assert_quiet(&tab, &page);
}

#[test]
fn values_show_their_computation() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View { height: 900, ..View::screen(1280) });
    for (layer, map, name, frames) in [
        ("conv1", 2, "conv1, map 3, row 12, column 12", 3),
        ("conv2", 9, "conv2, map 10, row 4, column 4", 8),
        ("fc1", 0, "fc1, unit 57", 14),
        ("fc2", 0, "fc2, unit 38", 14),
        ("fc3", 3, "fc3, output for Dress", 14),
    ] {
        click(&mut tab, layer, map);
        let heading = selected(&mut tab);
        let (found, output) = heading.split_once(" = ").unwrap();
        assert_eq!(found, name);
        // The steps add up to the output.
        let [products, bias, sum] =
            ["sum of products", "+ bias", "= sum"].map(|term| step(&mut tab, term));
        assert!(
            (products + bias - sum).abs() <= 0.02 * (1.0 + sum.abs()),
            "{products} {bias} {sum}"
        );
        let output: f64 = output.parse().unwrap();
        assert!((1.0 / (1.0 + (-sum).exp()) - output).abs() < 5e-3, "{sum} {output}");
        let found = tab.evaluate("document.querySelectorAll('.links rect').length");
        assert_eq!(found, frames, "{name}");
    }
    // For a convolution of the drawing, the panel shows patch, kernel and products, whose numbers must agree.
    click(&mut tab, "conv1", 2);
    let grids = tab.evaluate(
        "[...document.querySelectorAll('.formula .numbers')].map((grid) => [...grid.children].map((n) => Number(n.textContent.replace('−', '-'))))",
    );
    let [patch, kernel, products] = [0, 1, 2].map(|grid| numbers(&grids[grid]));
    assert_eq!((patch.len(), kernel.len(), products.len()), (25, 25, 25));
    for ((pixel, weight), product) in patch.iter().zip(&kernel).zip(&products) {
        assert!(
            (pixel * weight - product).abs() <= 0.02 * product.abs() + 0.02,
            "{pixel} {weight} {product}"
        );
    }
    // A pooled value shows the four values and marks the largest.
    click(&mut tab, "pool1", 2);
    let window = tab.evaluate(
        "[[...document.querySelectorAll('.formula .numbers span')].map((n) => Number(n.textContent)),
          Number(document.querySelector('.formula .largest').textContent)]",
    );
    let (values, largest) = (numbers(&window[0]), window[1].as_f64().unwrap());
    assert_eq!((values.len(), values.iter().fold(0.0, |a: f64, b| a.max(*b))), (4, largest));
    // The selected value stays when the drawing changes.
    let before = selected(&mut tab);
    tab.evaluate("document.querySelector('[data-tool=invert]').click()");
    let after = tab.evaluate(SELECTED);
    assert_eq!(before.split(" = ").next(), after.as_str().unwrap().split(" = ").next());
    assert_quiet(&tab, &page);
}

#[test]
fn arrow_keys_move_through_network() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View { height: 900, ..View::screen(1280) });
    tab.evaluate("document.getElementById('network').focus()");
    let mut visited = |keys: &[&str]| {
        keys.iter().for_each(|key| tab.key(key));
        selected(&mut tab).split(" = ").next().unwrap().to_owned()
    };
    assert_eq!(visited(&["Home"]), "conv1, map 1, row 1, column 1");
    assert_eq!(visited(&["ArrowRight", "ArrowDown", "ArrowDown"]), "conv1, map 1, row 3, column 2");
    assert_eq!(visited(&["PageDown"]), "pool1, map 1, row 1, column 1");
    // At the edge of a map, the arrow key moves to the next picture.
    assert_eq!(visited(&["ArrowLeft"]), "conv1, map 1, row 5, column 24");
    assert!(visited(&[["ArrowRight"; 13], ["ArrowRight"; 13]].concat()).starts_with("conv2, map "));
    assert_eq!(visited(&["End"]), "fc3, output for T-shirt/top");
    assert_eq!(visited(&["ArrowDown"]), "fc3, output for Trouser");
    assert!(visited(&["ArrowLeft"]).starts_with("fc2, unit "));
    assert_quiet(&tab, &page);
}

#[test]
fn stroke_updates_page_within_50_ms() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View { height: 900, ..View::screen(1280) });
    let [left, top, side] = canvas(&mut tab);
    // Dispatched events run their handlers before `dispatchEvent` returns. The median ignores pauses of a busy machine.
    let times = tab.evaluate(&format!(
        "(() => {{ const drawing = document.getElementById('drawing'); drawing.setPointerCapture = () => {{}};
           const send = (kind, i) => drawing.dispatchEvent(new PointerEvent(kind,
             {{ clientX: {left} + {side} * (0.2 + 0.02 * i), clientY: {top} + {side} / 2, button: 0, buttons: 1 }}));
           send('pointerdown', 0);
           const times = Array.from({{ length: 21 }}, (_, i) => {{
             const start = performance.now(); send('pointermove', i); document.body.getBoundingClientRect();
             return performance.now() - start; }});
           send('pointerup', 20);
           return times.sort((a, b) => a - b); }})()"
    ));
    let median = numbers(&times)[10];
    println!("stroke: {median:.1} ms");
    assert!(median < 50.0, "{times}");
    assert_quiet(&tab, &page);
}

#[test]
fn contents_link_to_sections() {
    let (_dir, page, mut browser) = start();
    for scripts in [true, false] {
        let mut tab = browser.open(&page, View { scripts, ..View::screen(1280) });
        let found = tab.evaluate(
            "[[...document.querySelectorAll('.contents li:not([hidden]) a')].map((a) => a.hash.slice(1)),
              [...document.querySelectorAll('main > section:not([hidden])')].map((section) => section.id)]",
        );
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0].as_array().map(Vec::len), Some(if scripts { 11 } else { 10 }));
        assert_ne!(found[0], Value::Null);
    }
}
