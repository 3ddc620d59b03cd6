//! `lenet compare`.

use std::fs;

use serde_json::Value;

use super::{CommandOutput, TestDir};

impl TestDir {
    fn compare(&self, words: &str) -> Value {
        let models = if words.contains("--records-only") { "" } else { "--any-dataset" };
        let output = self.run(&format!("compare {words} {models} --json")).ok();
        output.events().remove(0)
    }
}

/// Two groups of three seeds that differ in their learning rate.
fn two_groups() -> TestDir {
    let dir = TestDir::with_images(400, 100);
    dir.train("--epochs 2 --seeds 1..3 -o slow-{seed}.mpk --lr 0.01 -q");
    dir.train("--epochs 2 --seeds 1..3 -o fast-{seed}.mpk --recipe tuned --batch-size 8 -q");
    dir
}

const ALL: &str = "slow-1.json slow-2.json slow-3.json fast-1.mpk fast-2.mpk fast-3.mpk";

#[test]
fn seeds_form_groups_with_statistics() {
    let dir = two_groups();
    let found = dir.compare(ALL);
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!((&groups[0]["name"], &groups[1]["name"]), (&"classic".into(), &"tuned".into()));
    assert_eq!(groups[1]["runs"], serde_json::json!([3, 4, 5]));
    let accuracies: Vec<f64> = (1..=3)
        .map(|seed| dir.json(&format!("fast-{seed}.json"))["test"]["accuracy"].as_f64().unwrap())
        .collect();
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    let sd = accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 2.0;
    let told = &groups[1]["test_accuracy"];
    assert!((told["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!((told["sd"].as_f64().unwrap() - sd.sqrt()).abs() < 1e-12);
    let test = &found["tests"][0];
    assert_eq!(
        (&test["figure"], &test["a"], &test["b"]),
        (&"test_accuracy".into(), &0.into(), &1.into())
    );
    let setting = |name: &str| {
        let all = found["differences"].as_array().unwrap().iter();
        let mut all = all.filter(|difference| difference["setting"] == name);
        all.next().map(|difference| difference["values"].clone())
    };
    assert_eq!(setting("recipe.learning_rate"), Some(serde_json::json!(["0.01", "0.02"])));
    assert_eq!(setting("batch_size"), Some(serde_json::json!(["32", "8"])));
    assert_eq!((setting("seed"), setting("epochs")), (None, None));
    // Three models against three.
    assert_eq!(found["pairs"].as_array().unwrap().len(), 9);
}

#[test]
fn models_are_compared_per_image() {
    let dir = two_groups();
    let found = dir.compare("slow-1.json fast-1.json");
    let pair = &found["pairs"][0];
    let count = |name: &str| pair[name].as_u64().unwrap();
    assert_eq!(count("both") + count("only_a") + count("only_b") + count("neither"), 100);
    let correct = |name: &str| dir.json(name)["test"]["correct"].as_u64().unwrap();
    assert_eq!(count("both") + count("only_a"), correct("slow-1.json"));
    assert_eq!(count("both") + count("only_b"), correct("fast-1.json"));
    let images = pair["images_b"].as_array().unwrap();
    assert!(!images.is_empty() && images.len() as u64 == count("only_b").min(100));
    // The first of them is right in the one and wrong in the other.
    let answer = |model: &str| {
        let words = format!("predict {model} --any-dataset --index {} --json", images[0]);
        let event = dir.run(&words).events().remove(0)["predictions"][0].clone();
        event["label"] == event["true_label"]
    };
    assert!(!answer("slow-1.mpk") && answer("fast-1.mpk"));

    let without = dir.compare("slow-1.json fast-1.json --records-only");
    assert_eq!(without["pairs"], serde_json::json!([]));
    dir.remove("fast-1.mpk");
    assert_eq!(dir.compare("slow-1.json fast-1.json")["pairs"], serde_json::json!([]));
}

#[test]
fn text_and_html_contain_all_sections() {
    let dir = two_groups();
    fs::write(
        dir.path("keras-1.csv"),
        "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.25,0.6,1.1\n",
    )
    .unwrap();
    let output = dir.run(&format!("compare {ALL} keras-1.csv --any-dataset -o page.html")).ok();
    for words in [
        "run      seed  epochs  test accuracy",
        "mean ± sd",
        "setting ",
        "Welch's t-test",
        "test accuracy: classic − tuned",
        "F1 by class",
        "McNemar's test",
        "keras-1     –       1              –",
        "\nsaved page.html",
    ] {
        assert!(output.stdout().contains(words), "no {words:?} in\n{}", output.stdout());
    }
    let page = dir.read_text("page.html");
    assert!(page.len() < 1_000_000);
    for section in ["metrics", "curves", "tests", "settings", "classes", "models", "only"] {
        assert!(page.contains(&format!("<section id=\"{section}\">")), "{section}");
    }
    assert!(page.contains("Validation accuracy by second: ") && !page.contains("NaN"));
    dir.run("compare slow-1.json slow-2.json --any-dataset -o page.html").assert_error(
        1,
        "page.html exists already",
        "--force",
    );
}

#[test]
fn compare_rejects_invalid_runs() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    dir.write("b.json", "{}");
    dir.write("c.csv", "a,b\n1,2\n");
    let run = |words: &str| -> CommandOutput { dir.run(&format!("compare --any-dataset {words}")) };
    run("a.json b.json").assert_error(1, "b.json: not a record of lenet train", "");
    run("a.json c.csv").assert_error(
        1,
        "c.csv: not a log of Keras' CSVLogger: there is no column",
        "",
    );
    run("a.json none.json").assert_error(1, "cannot compare none.json", "");
    run("a.json").assert_error(2, "2 values required", "");
    // A model that is not its record's is told of and not asked.
    dir.train("--epochs 1 -o d.mpk --seed 2");
    fs::copy(dir.path("a.mpk"), dir.path("d.mpk")).unwrap();
    let output = run("a.json d.json --json");
    output.assert_stderr_contains("d.mpk is not the model of its record");
    assert_eq!(output.json()["pairs"], serde_json::json!([]));
}
