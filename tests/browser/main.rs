//! The report in a real browser, wide and narrow, light and dark. Needs Chromium, as `$CHROMIUM` or `chromium` in
//! the path: `cargo test --release --features browser-tests --test browser`.

#![allow(clippy::unwrap_used)]

mod chromium;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use chromium::{Chromium, Look, Tab};

/// Finds out about a page what cannot be seen from outside.
const INSPECT: &str = include_str!("inspect.js");

const LOOKS: [Look; 4] = [
    Look {
        width: 360,
        dark: false,
    },
    Look {
        width: 360,
        dark: true,
    },
    Look {
        width: 1280,
        dark: false,
    },
    Look {
        width: 1280,
        dark: true,
    },
];

/// A report of a model that was trained for a moment, with all of its parts.
fn report(dir: &TempDir) -> PathBuf {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    for words in [
        "train --limit 2000 --epochs 2 --batch-size 8 -q".to_owned(),
        "report model.mpk --limit 1000".to_owned(),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_lenet"))
            .current_dir(dir.path())
            .args(words.split_whitespace())
            .args(["--data", data])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    dir.path().join("report.html")
}

/// Opens `path` and asks `inspect.js` about it.
fn inspect<'a>(browser: &'a mut Chromium, path: &Path, look: Look) -> (Tab<'a>, Value) {
    let mut tab = browser.open(&format!("file://{}", path.display()), look);
    let found = tab.evaluate(INSPECT);
    (tab, found)
}

#[test]
fn the_report_is_whole_quiet_and_legible_at_every_width_and_in_every_light() {
    let dir = tempfile::tempdir().unwrap();
    let path = report(&dir);
    let mut browser = Chromium::start();
    for look in LOOKS {
        let (tab, found) = inspect(&mut browser, &path, look);
        assert_eq!(tab.complaints(), Vec::<String>::new(), "{look:?}");
        let page = format!("file://{}", path.display());
        let outside = tab
            .requests()
            .into_iter()
            .filter(|url| *url != page && !url.starts_with("data:"));
        assert_eq!(
            outside.collect::<Vec<_>>(),
            Vec::<String>::new(),
            "{look:?}"
        );

        let sections = [
            "curves",
            "confusion",
            "classes",
            "confidence",
            "mistakes",
            "kernels",
        ];
        assert_eq!(found["sections"], serde_json::json!(sections), "{look:?}");
        assert_eq!(found["headings"][0], "H1", "{look:?}");
        assert_eq!(found["charts"], 2, "{look:?}");
        assert_eq!(found["lines"], 4, "{look:?}");
        assert_eq!(found["cells"], 100, "{look:?}");
        assert_eq!(found["pictures"], 36, "{look:?}");
        assert_eq!(found["kernels"], 6, "{look:?}");

        assert_eq!(found["dark"], look.dark, "{look:?}");
        assert_eq!(found["overflow"], serde_json::json!([]), "{look:?}");
        assert_eq!(found["mute"], serde_json::json!([]), "{look:?}");
        assert_eq!(found["unreachable"], serde_json::json!([]), "{look:?}");
        assert_eq!(found["pale"], serde_json::json!([]), "{look:?}");
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
    let (tab, found) = inspect(&mut browser, &path, LOOKS[0]);
    let complaints = tab.complaints().join("\n");
    assert!(
        complaints.contains("oh") && complaints.contains("nothing"),
        "{complaints}"
    );
    assert!(
        tab.requests()
            .iter()
            .any(|url| url == "http://127.0.0.1:9/picture.png")
    );
    assert_eq!(found["sections"], serde_json::json!([]));
    for (kind, word) in [
        ("overflow", "wide"),
        ("mute", "img"),
        ("unreachable", "keyboard"),
        ("pale", "pale"),
    ] {
        assert!(found[kind].to_string().contains(word), "{kind}: {found}");
    }
}
