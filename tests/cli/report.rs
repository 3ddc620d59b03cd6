//! Tests the HTML page that `lenet report` writes. tests/browser opens it in a browser.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{DATA, PATIENCE, TRAINED, TestDir};

impl TestDir {
    /// Writes a report, asserts that it succeeds, and returns the page.
    fn report(&self, args: &str) -> String {
        let output = self.run(&format!("report {args} -o page.html --force")).ok();
        assert_eq!(output.stdout(), "saved page.html\n");
        self.read_text("page.html")
    }
}

#[test]
fn report_matches_keras_metrics() {
    let dir = TestDir::empty();
    let page = dir.report(&format!("{TRAINED} --data {DATA}"));
    assert!(page.len() < 1_000_000, "{}", page.len());
    assert!(page.contains("<dd>66.78%</dd>") && page.contains("<dd>0.9088</dd>"));
    assert!(page.contains("mistakes: predicted <b>Pullover</b>, actual <b>Coat</b> (517)"));
    let cell = r#"<td class="incorrect" style="--shade:71.9%" title="predicted Pullover, actual Coat: 51.70%">517</td>"#;
    assert!(page.contains(cell) && page.contains("<td class=\"correct\""));
    assert!(page.contains("10,000 test images of Fashion-MNIST"));
    assert!(page.contains("the run record <code>trained.safetensors.json</code> does not exist"));
    assert!(!page.contains("Learning curves"));
    assert_eq!(page.matches("<img src=\"data:image/png;base64,iVBORw0KGgo").count(), 36);
    assert_eq!(page.matches("<img").count(), 36);
    for external in ["http:", "https:", "\"//", "src=\"h", "url(", "@import"] {
        assert!(!page.contains(external), "{external}");
    }
    assert_eq!(page.matches("<script").count(), 2, "the data and the program");
    assert!(page.contains("script-src 'sha256-"));
}

#[test]
fn report_contains_settings_and_curves() {
    let dir = TestDir::new();
    dir.train("--epochs 3 --seed 11 --batch-size 20");
    let page = dir.report("model.mpk --any-dataset");
    assert!(page.contains("Trained for 3 epochs on 180 images, plus 20 for validation"));
    for (name, value) in [("Batch size", "20"), ("Seed", "11"), ("Learning rate", "0.9")] {
        let row = format!("<th scope=\"row\">{name}</th><td>{value}</td>");
        assert!(page.contains(&row), "{row}");
    }
    assert!(page.contains("<td>(1, 16, 4, 4)</td>") && page.contains("<td>44,426</td>"));
    // Rows of the confusion matrix without images are blank.
    assert!(!page.contains("NaN%"));
    assert!(page.contains("Measured on the 40 test images of an unknown data set"));
    assert!(page.contains("Loss by epoch: training from ") && page.contains(" in epoch 3"));
    let record = dir.json("model.json");
    // The time at which the run started does not change when the run is resumed.
    let started = record["started"].as_str().unwrap();
    assert!(
        started.starts_with("20") && started.ends_with('Z') && started.len() == 20,
        "{started}"
    );
    assert!(page.contains(&format!("started <time datetime=\"{started}\">")));
    dir.train("--resume --epochs 4");
    assert_eq!(dir.json("model.json")["started"], record["started"]);
    let loss = record["epochs"][2]["val_loss"].as_f64().unwrap();
    assert!(page.contains(&format!("<td>{loss:.4}</td>")));
    // Three epochs of 180 images are too few to learn anything, so the only warning is about the collapsed model.
    assert!(record["test"]["collapsed"].as_bool().unwrap());
    assert_eq!(page.matches("Warning:").count(), 1);
}

/// Changes the run record of a model and asserts that its report contains `expected`.
fn assert_record_is_shown(change: impl Fn(&mut Value), expected: &[&str]) {
    let dir = TestDir::new();
    dir.train("--epochs 2 --seed 7 -o a&b.mpk");
    let mut record = dir.json("a&b.json");
    change(&mut record);
    dir.write("a&b.json", record.to_string());
    let page = dir.report("a&b.mpk --any-dataset");
    for text in expected {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
}

#[test]
fn names_in_record_are_escaped() {
    let expected = [
        "<b>a&amp;b.mpk</b> predicts",
        "recipe classic and seed 7",
        "on &lt;b&gt;CPU&lt;/b&gt;, started",
        "<dt>Validation accuracy</dt>",
        "<code>lenet report 'a&amp;b.mpk'</code>",
    ];
    assert_record_is_shown(|record| record["device"] = "<b>CPU</b>".into(), &expected);
}

#[test]
fn unprintable_file_name_is_escaped() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a\u{202e}b.mpk");
    let page = dir.report("a\u{202e}b.mpk --any-dataset");
    assert!(!page.contains('\u{202e}') && page.contains(r"<b>a\u{202e}b.mpk</b>"));
    // The script shows the name that is in its data.
    assert!(page.contains(r#"{"model":"a\\u{202e}b.mpk","#));
    // The command in the footer can be typed.
    assert!(page.contains(r"printf '\141\342\200\256\142"));
}

#[test]
fn kept_epoch_is_shown_unless_last() {
    let early = |record: &mut Value| {
        record["kept_epoch"] = 1.into();
        let settings = &mut record["settings"];
        (settings["keep"], settings["patience"], settings["epochs"]) =
            ("best".into(), 1.into(), 9.into());
    };
    let expected = [
        "The model has the weights of epoch 1, which has the lowest validation loss.",
        "<dt>Validation accuracy, epoch 1</dt>",
        r#"<tr class="kept"><th scope="row">1 (kept)</th>"#,
        "Only 2 of 9 epochs were trained: the validation loss did not improve for 1 epoch.",
        "<td>2 of 9: the validation loss did not improve for 1 epoch</td>",
    ];
    assert_record_is_shown(early, &expected);
}

#[test]
fn mismatched_record_shows_warning() {
    let differs = |record: &mut Value| {
        let samples = record["test"]["samples"].as_f64().unwrap();
        record["test"]["correct"] = 40.into();
        record["test"]["accuracy"] = (40.0 / samples).into();
    };
    assert_record_is_shown(differs, &["has 40 correct predictions, but the model has "]);
}

#[test]
fn unfinished_run_is_reported() {
    let unfinished = |record: &mut Value| {
        (record["test"], record["stop_reason"]) = (Value::Null, Value::Null);
        (record["settings"]["epochs"], record["settings"]["patience"]) = (9.into(), 1.into());
    };
    let expected = [
        "the run had not finished when its record was written",
        "Only 2 of 9 epochs were trained: the run is not finished.",
        "<td>2 of 9: the run is not finished</td>",
        "<td>epoch 2, the last one</td>",
    ];
    assert_record_is_shown(unfinished, &expected);
}

#[test]
fn report_is_deterministic() {
    // The page depends neither on the directory nor on the number of threads.
    let dir = TestDir::new();
    dir.train("--epochs 1");
    let page = dir.report("model.mpk --any-dataset");
    let copied = TestDir::new();
    for name in ["model.mpk", "model.json"] {
        std::fs::copy(dir.path(name), copied.path(name)).unwrap();
    }
    let absolute = copied.path("model.mpk");
    let again = copied.report(&format!("{} --any-dataset --threads 1", absolute.display()));
    assert!(page == again);
    assert!(!page.contains(&*dir.path("").to_string_lossy()));
}

#[test]
fn report_replaces_only_its_own_pages() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    let report = |args: &str| dir.run(&format!("report model.mpk --any-dataset {args}"));
    assert_eq!(report("").stdout(), "saved model.html\n");
    let page = dir.read("model.html");
    // A report is replaced, even that of another model, but no other file is.
    dir.train("--epochs 1 --seed 3 -o other.mpk");
    dir.run("report other.mpk --any-dataset -o model.html").ok();
    assert!(dir.read("model.html") != page);
    assert_eq!(report("").stdout(), "saved model.html\n");
    assert!(dir.read("model.html") == page);
    for other in ["mine", "<!DOCTYPE html><html><head><title>mine</title></head></html>"] {
        dir.write("model.html", other);
        report("").assert_error(1, "model.html already exists", "--force");
        report("-o model.html").assert_error(1, "model.html already exists", "--force");
        assert_eq!(dir.read("model.html"), other.as_bytes());
    }
    assert_eq!(report("--force").code(), 0);
    assert!(dir.read("model.html") == page);
    // --force does not replace the model.
    report("-o ./model.mpk --force").assert_error(2, "would overwrite", "");
    report("-o nowhere/page.html").assert_error(1, "nowhere/page.html", "");
    dir.run("eval model.mpk --any-dataset").ok();
}

#[test]
fn report_compares_two_models() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    dir.train("--epochs 3 --recipe tuned -o b.mpk");
    let output = dir.run("report a.mpk b.mpk --any-dataset").ok();
    assert_eq!(output.stdout(), "saved a-b.html\n");
    let page = dir.read_text("a-b.html");
    let accuracy = |model: &str| dir.json(model)["test"]["accuracy"].as_f64().unwrap();
    for (model, accuracy) in [("a.mpk", accuracy("a.json")), ("b.mpk", accuracy("b.json"))] {
        assert!(page.contains(&format!("<b>{model}</b>")), "{model}");
        assert!(page.contains(&format!("{:.2}%</b>", 100.0 * accuracy)), "{model} {accuracy}");
    }
    assert!(
        page.contains("<h2>Differences</h2>") && page.contains("b.mpk correct, a.mpk incorrect: ")
    );
    let three = dir.run("report a.mpk b.mpk a.mpk --any-dataset");
    three.assert_error(2, "expected one or two models, found 3", "");
    dir.run("report a.mpk b.mpk --any-dataset -o b.mpk --force").assert_error(
        2,
        "would overwrite",
        "",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn report_opens_in_browser() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TestDir::new();
    dir.train("--epochs 1");
    let program = dir.path("xdg-open");
    dir.write("xdg-open", "#!/bin/sh\necho \"$1\" > opened.new && mv opened.new opened\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let report = |path: &str| {
        let args = "report model.mpk --any-dataset --open";
        dir.lenet(args).env("PATH", path).output().unwrap()
    };
    let path = format!("{}:{}", dir.path("").display(), std::env::var("PATH").unwrap());
    assert!(report(&path).status.success());
    let opened = dir.path("opened");
    let begin = Instant::now();
    while !opened.exists() && begin.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20));
    }
    let page = dir.path("model.html").canonicalize().unwrap();
    assert_eq!(dir.read_text("opened"), format!("{}\n", page.display()));
    // The page is saved even if there is no browser.
    let output = report("/nonexistent");
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b"saved model.html\n"[..]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("cannot open model.html in the browser: xdg-open"), "{stderr}");
    assert!(stderr.contains("hint: the report is saved"), "{stderr}");
}

#[test]
fn report_omits_corrupt_run_record() {
    let dir = TestDir::new();
    dir.train("--epochs 1");
    dir.write("model.json", "{\"schema\": 1");
    let output = dir.run("report model.mpk --any-dataset");
    assert_eq!(output.code(), 0);
    output.assert_stderr_contains("warning: ignoring model.json: not a lenet run record");
    let page = dir.read_text("model.html");
    assert!(page.contains("<code>model.json</code> cannot be used"));
}
