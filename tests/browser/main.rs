//! Tests of the reports in a real browser: wide and narrow, light and dark, for print, and without scripts.
//!
//! These tests need Chromium (`$CHROMIUM`, or `chromium` in the path) and axe-core (`npm ci --prefix tests/browser`). Run
//! them with `cargo test --release --test browser`. With `LENET_SCREENSHOTS=DIR`, screenshots are written to that
//! directory.

#![allow(clippy::unwrap_used)]

mod access;
mod chromium;
mod comparison;
mod input;
mod inside;
mod lesson;
mod parts;
mod replay;
mod why;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use chromium::{Chromium, Tab, View};

/// Script that lists the parts and the defects of a page.
const INSPECT: &str = include_str!("inspect.js");

const VIEWS: [View; 7] = [
    View::screen(360),
    View::screen(360).dark(),
    View::screen(380),
    View::screen(1280),
    View::screen(1280).dark(),
    View { print: true, ..View::screen(720) },
    View { scripts: false, ..View::screen(1280) },
];

/// Runs `lenet` in `dir`, asserts that it succeeds, and returns its standard output.
fn lenet(dir: &Path, args: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lenet"))
        .current_dir(dir)
        .args(args.split_whitespace())
        .env("LENET_DATA_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/data"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Trains a model briefly and writes a report with all sections.
fn report(dir: &TempDir) -> PathBuf {
    let train = "train --recipe tuned --limit 4000 --epochs 3 --batch-size 8 -q";
    lenet(dir.path(), train);
    lenet(dir.path(), "report model.mpk --limit 1000");
    dir.path().join("model.html")
}

/// Returns the URL of a file.
fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Creates a directory with a report and starts a browser. Returns the directory, the URL of the report and the browser.
fn start() -> (TempDir, String, Chromium) {
    let dir = tempfile::tempdir().unwrap();
    let page = url(&report(&dir));
    (dir, page, Chromium::start())
}

/// Asserts that `tab` requested nothing but its page, and that the console is empty.
fn assert_quiet(tab: &Tab<'_>, page: &str) {
    assert_eq!(tab.console(), Vec::<String>::new());
    let outside = tab.requests().into_iter();
    let outside = outside.filter(|url| url != page && !url.starts_with("data:"));
    assert_eq!(outside.collect::<Vec<_>>(), Vec::<String>::new());
}

/// Opens `path` and runs `inspect.js` in the page.
fn inspect<'a>(browser: &'a mut Chromium, path: &Path, view: View) -> (Tab<'a>, Value) {
    let mut tab = browser.open(&url(path), view);
    let found = tab.evaluate(INSPECT);
    (tab, found)
}

/// Writes a screenshot of the page if `LENET_SCREENSHOTS` is set.
fn save_screenshot(tab: &mut Tab<'_>, page: &str, view: View) {
    if let Some(dir) = std::env::var_os("LENET_SCREENSHOTS") {
        let View { width, dark, print, scripts, .. } = view;
        let name = format!("{page}-{width}-dark_{dark}-print_{print}-scripts_{scripts}.png");
        std::fs::write(Path::new(&dir).join(name), tab.screenshot()).unwrap();
    }
}

/// Asserts that `inspect.js` found no defects.
fn assert_no_defects(found: &Value, view: View) {
    for defect in ["overflow", "unlabelled", "unreachable", "pale"] {
        assert_eq!(found[defect], json!([]), "{defect}: {view:?}");
    }
}

#[test]
fn report_is_complete_and_legible() {
    let dir = tempfile::tempdir().unwrap();
    let path = report(&dir);
    let mut browser = Chromium::start();
    for view in VIEWS {
        println!("{view:?}");
        let (mut tab, found) = inspect(&mut browser, &path, view);
        assert_quiet(&tab, &url(&path));
        save_screenshot(&mut tab, "report", view);
        let sections = "inside results curves confusion classes confidence mistakes kernels training layers card";
        let sections: Vec<&str> = sections.split(' ').skip(usize::from(!view.scripts)).collect();
        assert_eq!(found["sections"], json!(sections), "{view:?}");
        assert_eq!(found["headings"][0], "H1", "{view:?}");
        assert_eq!(found["dark"], view.dark, "{view:?}");
        for (part, number) in
            [("charts", 3), ("lines", 5), ("cells", 100), ("pictures", 36), ("kernels", 6)]
        {
            assert_eq!(found[part], number, "{part}: {view:?}");
        }
        assert_no_defects(&found, view);
        // The inspection found no defects although it checked many elements.
        assert!(found["texts"].as_u64().unwrap() > 300, "{view:?}");
    }
}

#[test]
fn inspection_detects_page_defects() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.html");
    std::fs::write(
        &path,
        r#"<!DOCTYPE html><title>bad</title><body style="background:#fff">
        <img src="http://127.0.0.1:9/picture.png"><script>console.error("oh"); nothing.here()</script>
        <p style="width:2000px">wide</p><p style="color:#aaa">pale</p>
        <div class="scroll" style="width:50px;overflow:auto">unreachable-by-keyboard</div>"#,
    )
    .unwrap();
    let mut browser = Chromium::start();
    let (tab, found) = inspect(&mut browser, &path, View::screen(360));
    let console = tab.console().join("\n");
    assert!(console.contains("oh") && console.contains("nothing"), "{console}");
    assert!(tab.requests().iter().any(|url| url == "http://127.0.0.1:9/picture.png"));
    assert_eq!(found["sections"], json!([]));
    for (kind, word) in
        [("overflow", "wide"), ("unlabelled", "img"), ("unreachable", "keyboard"), ("pale", "pale")]
    {
        assert!(found[kind].to_string().contains(word), "{kind}: {found}");
    }
}
