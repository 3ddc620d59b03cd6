//! A comparison as JSON.

use serde_json::{Map, Value, json};

use crate::compare::{Comparison, Figure, Run};

/// Images that are listed of those that only one model gets right.
const LISTED: usize = 100;

/// The document; its schema is `lenet schema compare`.
pub fn document(comparison: &Comparison) -> Value {
    let groups = &comparison.groups;
    let runs = comparison.runs.iter().enumerate().map(|(number, run)| {
        let group = groups.iter().position(|group| group.runs.contains(&number));
        document_of(run, group.unwrap_or_default())
    });
    let summaries = groups.iter().enumerate().map(|(number, group)| {
        let mut row = Map::new();
        row.insert("name".to_owned(), json!(group.name));
        row.insert("runs".to_owned(), json!(group.runs));
        for figure in Figure::ALL {
            row.insert(figure.key.to_owned(), json!(comparison.summary(number, figure)));
        }
        Value::Object(row)
    });
    let differences = comparison.differences().into_iter();
    let differences = differences.map(|d| json!({ "setting": d.setting, "values": d.values }));
    let tests = comparison.tests().into_iter().map(|test| {
        json!({
            "figure": test.figure.key, "a": test.groups[0], "b": test.groups[1],
            "difference": test.difference, "t": test.test.t, "df": test.test.df, "p": test.test.p,
        })
    });
    let pairs = comparison.model_pairs().into_iter().map(|pair| {
        let listed = |side: usize| &pair.only[side][..pair.only[side].len().min(LISTED)];
        json!({
            "a": pair.runs[0], "b": pair.runs[1], "both": pair.both, "only_a": pair.only[0].len(),
            "only_b": pair.only[1].len(), "neither": pair.neither, "p": pair.p,
            "images_a": listed(0), "images_b": listed(1),
        })
    });
    let classes = comparison.class_f1().into_iter();
    let classes = classes.map(|(name, f1)| json!({ "name": name, "f1": f1 }));
    json!({
        "schema": 1,
        "runs": runs.collect::<Vec<_>>(),
        "groups": summaries.collect::<Vec<_>>(),
        "differences": differences.collect::<Vec<_>>(),
        "tests": tests.collect::<Vec<_>>(),
        "classes": classes.collect::<Vec<_>>(),
        "pairs": pairs.collect::<Vec<_>>(),
    })
}

fn document_of(run: &Run, group: usize) -> Value {
    let mut row = Map::new();
    let samples = run.answers.as_ref().map(|answers| answers.evaluation.samples());
    for (key, value) in [
        ("name", json!(run.name)),
        ("engine", json!(run.engine)),
        ("group", json!(group)),
        ("seed", json!(run.seed)),
        ("epochs", json!(run.epochs.len())),
        ("kept_epoch", json!(run.kept_epoch)),
        ("model_samples", json!(samples)),
    ] {
        row.insert(key.to_owned(), value);
    }
    for figure in Figure::ALL {
        row.insert(figure.key.to_owned(), json!(figure.of(run)));
    }
    Value::Object(row)
}
