//! Accessibility of the pages, checked with all rules of axe-core at several widths and colour schemes.

use std::fs;

use serde_json::Value;

use crate::chromium::{Chromium, Tab, View};
use crate::{report, url};

const AXE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/node_modules/axe-core/axe.min.js");

/// Script that returns the violations, as "rule: element", and the number of rules that passed.
const RUN: &str = "axe.run().then((found) => [
    found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 120)} ${node.failureSummary}`)),
    found.passes.length])";

fn run_axe(tab: &mut Tab<'_>) -> Value {
    let axe = fs::read_to_string(AXE).unwrap_or_else(|error| {
        panic!("{AXE}: {error}; npm ci --prefix tests/browser installs it")
    });
    tab.evaluate(&axe);
    tab.evaluate(RUN)
}

/// Asserts that the page violates no rule and passes more than `min_passes` rules.
pub fn assert_accessible(tab: &mut Tab<'_>, view: View, min_passes: u64) {
    let found = run_axe(tab);
    assert_eq!(found[0], serde_json::json!([]), "{view:?}");
    assert!(found[1].as_u64().unwrap() > min_passes, "{view:?}: {found}");
}

#[test]
fn report_is_accessible() {
    let dir = tempfile::tempdir().unwrap();
    let page = url(&report(&dir));
    let mut browser = Chromium::start();
    for view in [View::screen(380), View::screen(1280), View::screen(1280).dark()] {
        let mut tab = browser.open(&page, view);
        // Show the images of a cell, the table of epochs, and a warning about the drawing.
        tab.evaluate("document.querySelector('.matrix button').click()");
        tab.evaluate("document.querySelector('details').open = true");
        tab.evaluate("document.querySelector('[data-tool=clear]').click()");
        assert_accessible(&mut tab, view, 25);
    }
}

#[test]
fn axe_detects_violations() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.html");
    fs::write(&path, "<!DOCTYPE html><title>bad</title><button></button><img src='data:,'>")
        .unwrap();
    let mut browser = Chromium::start();
    let mut tab = browser.open(&url(&path), View::screen(1280));
    let found = run_axe(&mut tab)[0].to_string();
    for rule in ["button-name", "image-alt", "html-has-lang"] {
        assert!(found.contains(rule), "{rule}: {found}");
    }
}
