//! The page of `lenet compare`: accessible, with tables that can be sorted and images that open larger.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::access::assert_accessible;
use crate::chromium::{Chromium, Tab, View};
use crate::{VIEWS, assert_no_defects, assert_quiet, inspect, lenet, save_screenshot, url};

/// Compares two recipes with two seeds each. Returns the directory with the page `page.html`.
fn comparison() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for recipe in ["classic", "tuned"] {
        let train = "train --seeds 1,2 --limit 1000 --epochs 2 -q";
        lenet(dir.path(), &format!("{train} --recipe {recipe} -o {recipe}-{{seed}}.mpk"));
    }
    let runs = "classic-1.mpk classic-2.mpk tuned-1.mpk tuned-2.mpk";
    lenet(dir.path(), &format!("compare {runs} --limit 500 -o page.html"));
    dir
}

#[test]
fn comparison_is_accessible() {
    let dir = comparison();
    let path = dir.path().join("page.html");
    let mut browser = Chromium::start();
    for view in VIEWS {
        let (mut tab, found) = inspect(&mut browser, &path, view);
        assert_quiet(&tab, &url(&path));
        let sections = ["metrics", "curves", "tests", "classes", "models", "only"];
        assert_eq!(found["sections"], json!(sections), "{view:?}");
        assert_eq!(found["charts"], 6, "{view:?}");
        assert_no_defects(&found, view);
        save_screenshot(&mut tab, "comparison", view);
        let buttons = tab.evaluate("document.querySelectorAll('button').length");
        assert_eq!(buttons == 0, !view.scripts, "{view:?}");
        if !view.print && view.scripts {
            tab.evaluate("document.querySelector('details').open = true");
            tab.evaluate("document.querySelector('thead button').click()");
            assert_accessible(&mut tab, view, 15);
            tab.evaluate("document.querySelector('#only .pick').click()");
            assert_accessible(&mut tab, view, 5);
            save_screenshot(&mut tab, "comparison-image", view);
        }
    }
}

/// Returns the texts of a column of the table of classes, without its heading.
fn column(tab: &mut Tab<'_>, index: usize) -> Vec<String> {
    let cells = format!(
        "[...document.querySelectorAll('#classes tbody tr')].map((row) => row.cells[{index}].textContent)"
    );
    serde_json::from_value(tab.evaluate(&cells)).unwrap()
}

#[test]
fn columns_sort_by_click_and_keyboard() {
    let dir = comparison();
    let page = url(&dir.path().join("page.html"));
    let mut browser = Chromium::start();
    let mut tab = browser.open(&page, View::screen(1280));
    let states = "[...document.querySelectorAll('#classes thead th')].map((th) => th.ariaSort)";
    assert_eq!(tab.evaluate(states), json!([null, null, null]));
    let names = column(&mut tab, 0);
    let numbers: Vec<f64> = column(&mut tab, 1).iter().map(|cell| cell.parse().unwrap()).collect();
    let sorted = |tab: &mut Tab<'_>| -> Vec<f64> {
        column(tab, 1).iter().map(|cell| cell.parse().unwrap()).collect()
    };
    tab.evaluate("document.querySelectorAll('#classes thead button')[1].click()");
    assert_eq!(tab.evaluate(states), json!([null, "ascending", null]));
    let mut expected = numbers.clone();
    expected.sort_by(f64::total_cmp);
    assert_eq!(sorted(&mut tab), expected);
    tab.evaluate("document.querySelectorAll('#classes thead button')[1].focus()");
    tab.key("Enter");
    assert_eq!(tab.evaluate(states), json!([null, "descending", null]));
    expected.reverse();
    assert_eq!(sorted(&mut tab), expected);
    // The heading of a row stays with its numbers.
    let first = names.iter().position(|name| *name == column(&mut tab, 0)[0]).unwrap();
    assert_eq!(numbers[first], expected[0]);
    tab.evaluate("document.querySelectorAll('#classes thead button')[0].focus()");
    tab.key(" ");
    assert_eq!(tab.evaluate(states), json!(["ascending", null, null]));
    let mut alphabetical = names;
    alphabetical.sort();
    assert_eq!(column(&mut tab, 0), alphabetical);
    // Means with a standard deviation and p-values count as numbers, and unknown values come last.
    let order = "(() => {
        const table = document.querySelector('#tests table');
        const cells = [...table.tBodies[0].rows].map((row) => row.cells[4]);
        const texts = ['0.5', '–', '< 0.001', '3 ± 9', '0.001', '12,000', '-1'];
        cells.forEach((cell, i) => { cell.textContent = texts[i] ?? '–'; });
        table.tHead.querySelectorAll('button')[4].click();
        return [...table.tBodies[0].rows].map((row) => row.cells[4].textContent);
    })()";
    let found: Vec<String> = serde_json::from_value(tab.evaluate(order)).unwrap();
    assert_eq!(found[..3], ["< 0.001", "0.001", "0.5"], "{found:?}");
    assert_eq!(found.last().map(String::as_str), Some("–"), "{found:?}");
    assert_quiet(&tab, &page);
}

#[test]
fn images_open_larger_by_keyboard() {
    let dir = comparison();
    let page = url(&dir.path().join("page.html"));
    let mut browser = Chromium::start();
    let mut tab = browser.open(&page, View::screen(1280));
    let caption = |tab: &mut Tab<'_>, of: &str| -> String {
        let text = tab.evaluate(&format!("document.querySelector({of:?}).innerText"));
        text.as_str().unwrap().to_owned()
    };
    let first = caption(&mut tab, "#only li figcaption");
    let parts: Vec<&str> = first.lines().collect();
    let actual = parts[0].strip_prefix("actual ").unwrap();
    // Only the first model is correct.
    assert_eq!(parts[1], format!("classic-1: {actual}"));
    assert!(parts[2].starts_with("tuned-1: ") && !parts[2].ends_with(actual), "{first}");
    let index = parts[3].strip_prefix("no. ").unwrap();
    for (model, expected) in [("classic-1", parts[1]), ("tuned-1", parts[2])] {
        let predicted = lenet(dir.path(), &format!("predict {model}.mpk --index {index} --json"));
        let predicted: Value = serde_json::from_str(&predicted).unwrap();
        let class = predicted["predictions"][0]["class"].as_str().unwrap();
        assert_eq!(format!("{model}: {class}"), expected);
    }

    tab.evaluate("document.querySelector('#only .pick').focus()");
    tab.key("Enter");
    let width = tab.evaluate("document.querySelector('dialog[open] img').clientWidth");
    assert!(width.as_u64().unwrap() > 400, "{width}");
    assert_eq!(caption(&mut tab, "dialog figcaption"), first);
    for key in ["ArrowRight", "ArrowRight", "ArrowLeft"] {
        tab.key(key);
    }
    let second = caption(&mut tab, "#only li:nth-child(2) figcaption");
    assert_eq!(caption(&mut tab, "dialog figcaption"), second);
    tab.key("Escape");
    assert_eq!(tab.evaluate("document.querySelector('dialog').open"), false);
    // The focus moves to the image that was shown last, in the handler of an event that is still queued.
    let focused = "document.activeElement.closest('li')?.querySelector('figcaption').innerText";
    tab.wait_for(&format!("{focused} === {second:?}"));
    assert_quiet(&tab, &page);
}
