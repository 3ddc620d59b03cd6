//! `lenet report`; what a browser makes of the page is tested in tests/browser.

use super::{DATA, Place, TRAINED};

impl Place {
    /// Writes a report, which must succeed, and returns the page.
    fn report(&self, words: &str) -> String {
        let ran = self.run(&format!("report {words} -o page.html --force")).ok();
        assert_eq!(ran.stdout(), "saved page.html\n");
        self.text("page.html")
    }
}

#[test]
fn the_report_of_the_model_that_keras_trained_has_keras_figures() {
    let place = Place::empty();
    let page = place.report(&format!("{TRAINED} --data {DATA}"));
    assert!(page.len() < 1_000_000, "{}", page.len());
    assert!(page.contains("<dd>66.78%</dd>") && page.contains("<dd>0.9088</dd>"));
    assert!(page.contains("predicted <b>Pullover</b>, actual <b>Coat</b> (517)"));
    assert!(page.contains("10,000 test images of Fashion-MNIST"));
    assert!(page.contains("the run record <code>trained.safetensors.json</code> does not exist"));
    assert_eq!(page.matches("<img").count(), 36);
}

#[test]
fn a_trained_model_comes_with_its_settings_and_its_curves() {
    let place = Place::new();
    place.train("--epochs 3 --seed 11 --batch-size 20");
    let page = place.report("model.mpk --any-dataset");
    assert!(page.contains("Trained for 3 epochs on 180 images, plus 20 for validation"));
    for (name, value) in [("Batch size", "20"), ("Seed", "11"), ("Learning rate", "0.9")] {
        let row = format!("<th scope=\"row\">{name}</th><td>{value}</td>");
        assert!(page.contains(&row), "{row}");
    }
    assert!(page.contains("<td>(1, 16, 4, 4)</td>") && page.contains("<td>44,426</td>"));
    assert!(page.contains("first 40 test images of an unknown data set"));
    assert!(page.contains("Loss by epoch: training from ") && page.contains(" in epoch 3"));
    let record = place.json("model.json");
    // Begun at a time that stays when the training goes on.
    let started = record["started"].as_str().unwrap();
    assert!(
        started.starts_with("20") && started.ends_with('Z') && started.len() == 20,
        "{started}"
    );
    assert!(page.contains(&format!("started {started}.")));
    place.train("--resume --epochs 4");
    assert_eq!(place.json("model.json")["started"], record["started"]);
    let loss = record["epochs"][2]["val_loss"].as_f64().unwrap();
    assert!(page.contains(&format!("<td>{loss:.4}</td>")));
    // Its three epochs of few images taught it nothing.
    assert!(record["test"]["collapsed"].as_bool().unwrap());
    assert_eq!(page.matches("Warning:").count(), 1);
}

#[test]
fn equal_inputs_give_equal_bytes_and_the_folder_leaves_no_trace() {
    let place = Place::new();
    place.train("--epochs 1");
    let page = place.report("model.mpk --any-dataset");
    let copied = Place::new();
    for name in ["model.mpk", "model.json"] {
        std::fs::copy(place.path(name), copied.path(name)).unwrap();
    }
    let absolute = copied.path("model.mpk");
    let again = copied.report(&format!("{} --any-dataset --threads 1", absolute.display()));
    assert!(page == again);
    assert!(!page.contains(&*place.path("").to_string_lossy()));
}

#[test]
fn a_report_is_replaced_only_with_force_and_a_model_never() {
    let place = Place::new();
    place.train("--epochs 1");
    let report = |words: &str| place.run(&format!("report model.mpk --any-dataset {words}"));
    assert_eq!(report("").stdout(), "saved report.html\n");
    let before = place.read("report.html");
    place.write("report.html", "mine");
    report("").assert_error(1, "report.html exists already", "--force");
    assert_eq!(place.read("report.html"), b"mine");
    assert_eq!(report("--force").code(), 0);
    assert!(place.read("report.html") == before);
    report("-o ./model.mpk --force").assert_error(2, "would replace the model", "");
    report("-o nowhere/page.html").assert_error(1, "nowhere/page.html", "");
    place.run("eval model.mpk --any-dataset").ok();
}

#[test]
fn a_damaged_record_is_told_and_left_out() {
    let place = Place::new();
    place.train("--epochs 1");
    place.write("model.json", "{\"schema\": 1");
    let ran = place.run("report model.mpk --any-dataset");
    assert_eq!(ran.code(), 0);
    ran.assert_says("warning: ignoring model.json: not a record");
    let page = place.text("report.html");
    assert!(page.contains("<code>model.json</code> cannot be used"));
}
