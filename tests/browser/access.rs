//! axe-core's rules for accessible pages, all of them, in every look.

use std::fs;

use serde_json::Value;

use crate::chromium::{Chromium, Look, Tab};
use crate::{assert_faultless, assert_quiet, inspect, lenet, report, url};

const AXE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/node_modules/axe-core/axe.min.js");

/// What breaks a rule, as "rule: element", and the number of rules that were kept.
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

/// Asserts that the page breaks no rule, and keeps more than `least`.
fn assert_accessible(tab: &mut Tab<'_>, look: Look, least: u64) {
    let found = run_axe(tab);
    assert_eq!(found[0], serde_json::json!([]), "{look:?}");
    assert!(found[1].as_u64().unwrap() > least, "{look:?}: {found}");
}

#[test]
fn axe_finds_no_violation_at_any_width_or_light() {
    let dir = tempfile::tempdir().unwrap();
    let page = url(&report(&dir));
    let mut browser = Chromium::start();
    for look in [Look::screen(380), Look::screen(1280), Look::screen(1280).dark()] {
        let mut tab = browser.open(&page, look);
        // With the images of a cell, the table of the epochs, and a warning about the drawing.
        tab.evaluate("document.querySelector('.matrix button').click()");
        tab.evaluate("document.querySelector('details').open = true");
        tab.evaluate("document.querySelector('[data-tool=clear]').click()");
        assert_accessible(&mut tab, look, 25);
    }
}

#[test]
fn a_comparison_is_quiet_and_accessible() {
    let dir = tempfile::tempdir().unwrap();
    for recipe in ["classic", "tuned"] {
        let train = "train --seeds 1,2 --limit 1000 --epochs 2 -q";
        lenet(dir.path(), &format!("{train} --recipe {recipe} -o {recipe}-{{seed}}.mpk"));
    }
    let runs = "classic-1.mpk classic-2.mpk tuned-1.mpk tuned-2.mpk";
    lenet(dir.path(), &format!("compare {runs} --limit 500 -o page.html"));
    let path = dir.path().join("page.html");
    let mut browser = Chromium::start();
    for look in [Look::screen(380), Look::screen(1280), Look::screen(1280).dark()] {
        let (mut tab, found) = inspect(&mut browser, &path, look);
        assert_quiet(&tab, &url(&path));
        let sections = ["figures", "curves", "tests", "settings", "classes", "models", "only"];
        assert_eq!(found["sections"], serde_json::json!(sections), "{look:?}");
        assert_eq!(found["charts"], 6, "{look:?}");
        assert_faultless(&found, look);
        tab.evaluate("document.querySelector('details').open = true");
        assert_accessible(&mut tab, look, 15);
    }
}

#[test]
fn axe_finds_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.html");
    fs::write(&path, "<!DOCTYPE html><title>bad</title><button></button><img src='data:,'>")
        .unwrap();
    let mut browser = Chromium::start();
    let mut tab = browser.open(&url(&path), Look::screen(1280));
    let found = run_axe(&mut tab)[0].to_string();
    for rule in ["button-name", "image-alt", "html-has-lang"] {
        assert!(found.contains(rule), "{rule}: {found}");
    }
}
