//! Keyboard access to the confusion matrix, the curves and the controls, and the page without scripts.

use crate::chromium::View;
use crate::{assert_quiet, start};

const FOCUSED: &str =
    "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent";

#[test]
fn tab_key_reaches_all_controls() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    let expected = "document.querySelectorAll('a, button:not([tabindex=\"-1\"], [hidden]), canvas[tabindex], #network, input, summary, .scroll:not(details .scroll)').length";
    let expected = tab.evaluate(expected).as_u64().unwrap();
    // Press Tab a few more times than there are controls, because a file input may have two tab stops. After the last
    // control the focus returns to the first.
    let mut visited = 0;
    for _ in 0..expected + 20 {
        tab.key("Tab");
        let new = tab.evaluate(
            "(() => { const at = document.activeElement;
               if (at === document.body || 'visited' in at.dataset) return 0;
               at.dataset.visited = '';
               const style = getComputedStyle(at);
               return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 ? 1 : -1; })()",
        );
        let new = new.as_i64().unwrap();
        assert!(new >= 0, "no outline around {}", tab.evaluate(FOCUSED));
        visited += new as u64;
    }
    assert_eq!(visited, expected);
}

#[test]
fn keyboard_opens_matrix_cell() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, View::screen(1280));
    tab.evaluate("document.querySelector('.matrix button[tabindex=\"0\"]').focus()");
    for key in ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowUp", "End", "Home"] {
        tab.key(key);
    }
    let first = tab.evaluate(FOCUSED);
    let first = first.as_str().unwrap();
    assert!(first.starts_with("predicted T-shirt/top, actual T-shirt/top: "), "{first}");
    tab.key("Enter");
    assert_eq!(tab.evaluate("document.querySelectorAll('#cell .pick').length"), 6);
    let text = tab.evaluate("document.querySelector('#cell p').textContent");
    let text = text.as_str().unwrap();
    assert!(text.ends_with("images, showing the 6 most confident:"), "{text}");
    // Select the first image of the cell, which runs the network on it.
    tab.evaluate("document.querySelector('#cell .pick').focus()");
    let label = tab.evaluate(FOCUSED);
    let label = label.as_str().unwrap().strip_prefix("Look inside test image ");
    let (number, _) = label.unwrap().split_once(':').unwrap();
    tab.key("Enter");
    let prediction = tab.evaluate("document.getElementById('prediction').textContent");
    let prediction = prediction.as_str().unwrap();
    assert!(prediction.starts_with("Predicted T-shirt/top, "), "{prediction}");
    assert!(
        prediction.contains("actual T-shirt/top")
            && prediction.contains(&format!("(test image {number})")),
        "{prediction}"
    );
    assert_eq!(tab.evaluate(FOCUSED), "Drawing, 28 by 28 pixels");
    // An empty cell shows a count of 0.
    let empty = tab.evaluate(
        "(() => { const cell = [...document.querySelectorAll('.matrix button')].find((b) => b.textContent === '0');
           cell.click(); return [document.querySelector('#cell p').textContent,
           document.querySelectorAll('#cell .pick').length]; })()",
    );
    assert!(empty[0].as_str().unwrap().ends_with(": 0 images."), "{empty}");
    assert_eq!(empty[1], 0);
    assert_quiet(&tab, &page);
}

#[test]
fn curves_show_values_at_cursor() {
    let (dir, page, mut browser) = start();
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("model.json")).unwrap()).unwrap();
    let mut tab = browser.open(&page, View::screen(1280));
    let shown = "document.querySelector('.scrub output').textContent";
    let values = |epoch: usize| {
        let epoch = &record["epochs"][epoch - 1];
        format!("\nloss {:.4}\n", epoch["loss"].as_f64().unwrap())
    };
    let text = tab.evaluate(shown);
    let text = text.as_str().unwrap();
    assert!(text.starts_with("epoch 3 (kept)") && text.contains(&values(3)), "{text}");
    tab.evaluate("document.getElementById('epoch').focus()");
    tab.key("ArrowLeft");
    let text = tab.evaluate(shown);
    assert!(text.as_str().unwrap().contains(&values(2)), "{text}");
    // Move the pointer over the first epoch of the accuracy chart.
    tab.evaluate(
        "(() => { const svg = document.querySelectorAll('#curves svg')[1]; const box = svg.getBoundingClientRect();
           svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + 0.1 * box.width, clientY: box.top + 9 })); })()",
    );
    let text = tab.evaluate(shown);
    assert!(text.as_str().unwrap().contains(&values(1)), "{text}");
    // Each line has a dot at this epoch.
    assert_eq!(tab.evaluate("document.querySelectorAll('#curves circle.at').length"), 5);
    assert_quiet(&tab, &page);
}

#[test]
fn page_without_scripts_hides_controls() {
    let (_dir, page, mut browser) = start();
    let view = View { scripts: false, ..View::screen(1280) };
    let mut tab = browser.open(&page, view);
    let visible = "[...document.querySelectorAll('button, input, canvas, output')].filter((e) => e.getClientRects().length).length";
    assert_eq!(tab.evaluate(visible), 0);
    assert_eq!(tab.evaluate("document.querySelectorAll('.mistakes img').length"), 36);
    assert_quiet(&tab, &page);
}
