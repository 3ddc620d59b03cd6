//! The report in a real browser, wide and narrow, light, dark and on paper. Needs Chromium, as `$CHROMIUM` or
//! `chromium` in the path, and axe-core, which `npm ci --prefix tests/browser` installs:
//! `cargo test --release --test browser`. With `LENET_SCREENSHOTS=DIR` it leaves pictures of what it saw in that folder.

#![allow(clippy::unwrap_used)]

mod access;
mod chromium;
mod input;
mod inside;
mod parts;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use chromium::{Chromium, Look, Tab};

/// Finds out about a page what cannot be seen from outside.
const INSPECT: &str = include_str!("inspect.js");

const LOOKS: [Look; 7] = [
    Look::screen(360),
    Look::screen(360).dark(),
    Look::screen(380),
    Look::screen(1280),
    Look::screen(1280).dark(),
    Look { print: true, ..Look::screen(720) },
    Look { scripts: false, ..Look::screen(1280) },
];

/// Runs the program in `dir` with these words behind its name, which must succeed; what it printed.
fn lenet(dir: &Path, words: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lenet"))
        .current_dir(dir)
        .args(words.split_whitespace())
        .env("LENET_DATA_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/data"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// A report of a model that was trained for a moment, with all of its parts.
fn report(dir: &TempDir) -> PathBuf {
    let train = "train --recipe tuned --limit 4000 --epochs 3 --batch-size 8 -q";
    lenet(dir.path(), train);
    lenet(dir.path(), "report model.mpk --limit 1000");
    dir.path().join("report.html")
}

/// A page's address.
fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A folder with a report, the report's address, and a browser to open it in.
fn start() -> (TempDir, String, Chromium) {
    let dir = tempfile::tempdir().unwrap();
    let page = url(&report(&dir));
    (dir, page, Chromium::start())
}

/// Asserts that `tab` asked for nothing but its page, and that nothing is in the console.
fn assert_quiet(tab: &Tab<'_>, page: &str) {
    assert_eq!(tab.complaints(), Vec::<String>::new());
    let outside = tab.requests().into_iter();
    let outside = outside.filter(|url| url != page && !url.starts_with("data:"));
    assert_eq!(outside.collect::<Vec<_>>(), Vec::<String>::new());
}

/// Opens `path` and asks `inspect.js` about it.
fn inspect<'a>(browser: &'a mut Chromium, path: &Path, look: Look) -> (Tab<'a>, Value) {
    let mut tab = browser.open(&url(path), look);
    let found = tab.evaluate(INSPECT);
    (tab, found)
}

/// Asserts that `inspect.js` found nothing that is too wide, has no words, cannot be reached or cannot be read.
fn assert_faultless(found: &Value, look: Look) {
    for fault in ["overflow", "mute", "unreachable", "pale"] {
        assert_eq!(found[fault], json!([]), "{fault}: {look:?}");
    }
}

#[test]
fn the_report_is_whole_quiet_and_legible_at_every_width_and_in_every_light() {
    let dir = tempfile::tempdir().unwrap();
    let path = report(&dir);
    let mut browser = Chromium::start();
    for look in LOOKS {
        println!("{look:?}");
        let (mut tab, found) = inspect(&mut browser, &path, look);
        assert_quiet(&tab, &url(&path));
        if let Some(dir) = std::env::var_os("LENET_SCREENSHOTS") {
            let Look { width, dark, print, scripts } = look;
            let name = format!("{width}-dark_{dark}-print_{print}-scripts_{scripts}.png");
            std::fs::write(Path::new(&dir).join(name), tab.screenshot()).unwrap();
        }
        let sections =
            "inside curves confusion classes confidence mistakes kernels training layers card";
        let sections: Vec<&str> = sections.split(' ').skip(usize::from(!look.scripts)).collect();
        assert_eq!(found["sections"], json!(sections), "{look:?}");
        assert_eq!(found["headings"][0], "H1", "{look:?}");
        assert_eq!(found["dark"], look.dark, "{look:?}");
        for (part, number) in
            [("charts", 3), ("lines", 5), ("cells", 100), ("pictures", 36), ("kernels", 6)]
        {
            assert_eq!(found[part], number, "{part}: {look:?}");
        }
        assert_faultless(&found, look);
        // So that the line above has looked at something.
        assert!(found["texts"].as_u64().unwrap() > 300, "{look:?}");
    }
}

#[test]
fn a_page_with_every_fault_is_found_out() {
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
    let (tab, found) = inspect(&mut browser, &path, Look::screen(360));
    let complaints = tab.complaints().join("\n");
    assert!(complaints.contains("oh") && complaints.contains("nothing"), "{complaints}");
    assert!(tab.requests().iter().any(|url| url == "http://127.0.0.1:9/picture.png"));
    assert_eq!(found["sections"], json!([]));
    for (kind, word) in
        [("overflow", "wide"), ("mute", "img"), ("unreachable", "keyboard"), ("pale", "pale")]
    {
        assert!(found[kind].to_string().contains(word), "{kind}: {found}");
    }
}
