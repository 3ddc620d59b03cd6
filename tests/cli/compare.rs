//! Tests that `lenet compare` groups runs, compares their models image by image, and rejects invalid runs.

use std::fs;

use serde_json::Value;

use super::{CommandOutput, TestDir};

impl TestDir {
    /// Runs `lenet compare --json` and returns its output.
    fn compare(&self, args: &str) -> Value {
        let models = if args.contains("--records-only") { "" } else { "--any-dataset" };
        self.run(&format!("compare {args} {models} --json")).ok().json()
    }
}

/// Trains two groups of three seeds. The groups differ in recipe, learning rate and batch size.
fn train_two_groups() -> TestDir {
    let dir = TestDir::with_images(400, 100);
    dir.train("--epochs 2 --seeds 1..3 -o slow-{seed}.mpk --lr 0.01 -q");
    dir.train("--epochs 2 --seeds 1..3 -o fast-{seed}.mpk --recipe tuned --batch-size 8 -q");
    dir
}

const ALL: &str = "slow-1.json slow-2.json slow-3.json fast-1.mpk fast-2.mpk fast-3.mpk";

#[test]
fn seeds_form_groups_with_statistics() {
    let dir = train_two_groups();
    let found = dir.compare(ALL);
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!((&groups[0]["name"], &groups[1]["name"]), (&"classic".into(), &"tuned".into()));
    assert_eq!(groups[1]["runs"], serde_json::json!([3, 4, 5]));
    let accuracies: Vec<f64> = (1..=3)
        .map(|seed| dir.json(&format!("fast-{seed}.json"))["test"]["accuracy"].as_f64().unwrap())
        .collect();
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    let variance = accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 2.0;
    let reported = &groups[1]["test_accuracy"];
    assert!((reported["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!((reported["sd"].as_f64().unwrap() - variance.sqrt()).abs() < 1e-12);
    // The accuracies of a group are equal: 0.1 and 1. Without variance, there is no test.
    let test = &found["tests"][0];
    assert_eq!(
        (&test["figure"], &test["a"], &test["b"]),
        (&"test_loss".into(), &0.into(), &1.into())
    );
    let setting = |name: &str| {
        let all = found["differences"].as_array().unwrap().iter();
        let mut all = all.filter(|difference| difference["setting"] == name);
        all.next().map(|difference| difference["values"].clone())
    };
    assert_eq!(setting("recipe.learning_rate"), Some(serde_json::json!(["0.01", "0.02"])));
    assert_eq!(setting("batch_size"), Some(serde_json::json!(["32", "8"])));
    assert_eq!((setting("seed"), setting("epochs")), (None, None));
    // Each of the three models of one group is compared with each of the three models of the other group.
    assert_eq!(found["pairs"].as_array().unwrap().len(), 9);
}

#[test]
fn models_are_compared_per_image() {
    let dir = train_two_groups();
    let found = dir.compare("slow-1.json fast-1.json");
    let pair = &found["pairs"][0];
    let count = |name: &str| pair[name].as_u64().unwrap();
    assert_eq!(count("both") + count("only_a") + count("only_b") + count("neither"), 100);
    let correct = |name: &str| dir.json(name)["test"]["correct"].as_u64().unwrap();
    assert_eq!(count("both") + count("only_a"), correct("slow-1.json"));
    assert_eq!(count("both") + count("only_b"), correct("fast-1.json"));
    let images = pair["images_b"].as_array().unwrap();
    assert!(!images.is_empty() && images.len() as u64 == count("only_b").min(100));
    // `images_b` lists images that only the second model classifies correctly. Check the first of them.
    let is_correct = |model: &str| {
        let args = format!("predict {model} --any-dataset --index {} --json", images[0]);
        let prediction = dir.run(&args).json()["predictions"][0].clone();
        prediction["label"] == prediction["true_label"]
    };
    assert!(!is_correct("slow-1.mpk") && is_correct("fast-1.mpk"));

    let without = dir.compare("slow-1.json fast-1.json --records-only");
    assert_eq!(without["pairs"], serde_json::json!([]));
    dir.remove("fast-1.mpk");
    assert_eq!(dir.compare("slow-1.json fast-1.json")["pairs"], serde_json::json!([]));
}

#[test]
fn text_and_html_contain_all_sections() {
    let dir = train_two_groups();
    fs::write(
        dir.path("keras-1.csv"),
        "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.25,0.6,1.1\n",
    )
    .unwrap();
    let output = dir.run(&format!("compare {ALL} keras-1.csv --any-dataset -o page.html")).ok();
    for text in [
        "run      seed  epochs  batch size  learning rate   recipe  test accuracy",
        "mean ± sd",
        "Welch's t-test",
        "test loss: classic − tuned",
        "F1 by class",
        "McNemar's test",
        "keras-1     –       1           –",
        "\nsaved page.html",
    ] {
        assert!(output.stdout().contains(text), "no {text:?} in\n{}", output.stdout());
    }
    let page = dir.read_text("page.html");
    assert!(page.len() < 1_000_000);
    for section in ["metrics", "curves", "tests", "classes", "models", "only"] {
        assert!(page.contains(&format!("<section id=\"{section}\">")), "{section}");
    }
    assert!(page.contains("Validation accuracy by second: ") && !page.contains("NaN"));
    dir.run("compare slow-1.json slow-2.json --any-dataset -o page.html").assert_error(
        1,
        "page.html already exists",
        "--force",
    );
}

#[test]
fn compare_rejects_invalid_runs() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    dir.write("b.json", "{}");
    dir.write("c.csv", "a,b\n1,2\n");
    let run = |args: &str| -> CommandOutput { dir.run(&format!("compare --any-dataset {args}")) };
    run("a.json b.json").assert_error(1, "b.json: not a lenet run record", "");
    run("a.json c.csv").assert_error(1, "c.csv: not a Keras CSVLogger log: missing column", "");
    run("a.json none.json").assert_error(1, "cannot compare none.json", "");
    run("a.json").assert_error(2, "2 values required", "");
    // A model that does not match its run record is skipped with a warning.
    dir.train("--epochs 1 -o d.mpk --seed 2");
    fs::copy(dir.path("a.mpk"), dir.path("d.mpk")).unwrap();
    let output = run("a.json d.json --json");
    output.assert_stderr_contains(
        "warning: skipping d.mpk: it does not match the SHA-256 in its run record",
    );
    assert_eq!(output.json()["pairs"], serde_json::json!([]));
}
