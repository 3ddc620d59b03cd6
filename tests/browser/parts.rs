//! The matrix, the curves and the controls by keyboard; the page without scripts.

use crate::chromium::Look;
use crate::{assert_quiet, start};

const FOCUSED: &str =
    "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent";

#[test]
fn everything_that_can_be_used_is_reached_by_tabs_and_shows_it() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, Look::screen(1280));
    let expected = "document.querySelectorAll('button:not([tabindex=\"-1\"]), canvas[tabindex], input, summary, .scroll:not(details .scroll)').length";
    let expected = tab.evaluate(expected).as_u64().unwrap();
    // A picture field may have two stops of its own; the round ends where it began.
    let mut seen = 0;
    for _ in 0..expected + 20 {
        tab.key("Tab");
        let new = tab.evaluate(
            "(() => { const at = document.activeElement;
               if (at === document.body || 'seen' in at.dataset) return 0;
               at.dataset.seen = '';
               const style = getComputedStyle(at);
               return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 ? 1 : -1; })()",
        );
        let new = new.as_i64().unwrap();
        assert!(new >= 0, "no outline around {}", tab.evaluate(FOCUSED));
        seen += new as u64;
    }
    assert_eq!(seen, expected);
}

#[test]
fn a_cell_of_the_matrix_opens_its_images_by_keyboard() {
    let (_dir, page, mut browser) = start();
    let mut tab = browser.open(&page, Look::screen(1280));
    tab.evaluate("document.querySelector('.matrix button[tabindex=\"0\"]').focus()");
    for key in ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowUp", "End", "Home"] {
        tab.key(key);
    }
    let first = tab.evaluate(FOCUSED);
    let first = first.as_str().unwrap();
    assert!(first.starts_with("said T-shirt/top, truly T-shirt/top: "), "{first}");
    tab.key("Enter");
    assert_eq!(tab.evaluate("document.querySelectorAll('#cell .pick').length"), 6);
    let words = tab.evaluate("document.querySelector('#cell p').textContent");
    let words = words.as_str().unwrap();
    assert!(words.ends_with("images; the 6 surest are"), "{words}");
    // From the cell on to its first image, and with it into the network.
    tab.evaluate("document.querySelector('#cell .pick').focus()");
    let label = tab.evaluate(FOCUSED);
    let label = label.as_str().unwrap().strip_prefix("Look inside test image ");
    let (number, _) = label.unwrap().split_once(':').unwrap();
    tab.key("Enter");
    let said = tab.evaluate("document.getElementById('said').textContent");
    let said = said.as_str().unwrap();
    assert!(said.starts_with("Said T-shirt/top, "), "{said}");
    assert!(
        said.contains("truly T-shirt/top") && said.contains(&format!("(test image {number})")),
        "{said}"
    );
    assert_eq!(tab.evaluate(FOCUSED), "Drawing, 28 by 28 pixels");
    // An empty cell says so.
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
fn the_curves_show_their_values_to_pointer_and_keys() {
    let (dir, page, mut browser) = start();
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("model.json")).unwrap()).unwrap();
    let mut tab = browser.open(&page, Look::screen(1280));
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
    // Over the first epoch of the accuracy chart.
    tab.evaluate(
        "(() => { const svg = document.querySelectorAll('#curves svg')[1]; const box = svg.getBoundingClientRect();
           svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + 0.1 * box.width, clientY: box.top + 9 })); })()",
    );
    let text = tab.evaluate(shown);
    assert!(text.as_str().unwrap().contains(&values(1)), "{text}");
    // A dot on each line at this epoch.
    assert_eq!(tab.evaluate("document.querySelectorAll('#curves circle.at').length"), 5);
    assert_quiet(&tab, &page);
}

#[test]
fn without_scripts_nothing_that_needs_them_is_seen() {
    let (_dir, page, mut browser) = start();
    let look = Look { scripts: false, ..Look::screen(1280) };
    let mut tab = browser.open(&page, look);
    let seen = "[...document.querySelectorAll('button, input, canvas, output')].filter((e) => e.getClientRects().length).length";
    assert_eq!(tab.evaluate(seen), 0);
    assert_eq!(tab.evaluate("document.querySelectorAll('.mistakes img').length"), 36);
    assert_quiet(&tab, &page);
}
