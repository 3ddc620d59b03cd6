//! A comparison as JSON.

use serde_json::{Value, json};

use super::{Comparison, Metric};

/// Images that are listed of those that only one model gets right.
const LISTED: usize = 100;

/// Its schema is `docs/schema/compare.json`.
pub fn document(comparison: &Comparison) -> Value {
    let groups = &comparison.groups;
    let runs = comparison.runs.iter().enumerate().map(|(number, run)| {
        let mut row = json!({
            "name": run.name,
            "engine": run.engine,
            "group": groups.iter().position(|group| group.runs.contains(&number)),
            "seed": run.seed,
            "epochs": run.epochs.len(),
            "kept_epoch": run.kept_epoch,
            "model_samples": run.answers.as_ref().map(|answers| answers.evaluation.samples()),
        });
        for figure in Metric::ALL {
            row[figure.key] = json!((figure.of)(run));
        }
        row
    });
    let summaries = groups.iter().enumerate().map(|(number, group)| {
        let mut row = json!({ "name": group.name, "runs": group.runs });
        for figure in Metric::ALL {
            row[figure.key] = json!(comparison.summary(number, figure));
        }
        row
    });
    let tests = comparison.tests().into_iter().map(|test| {
        let (figure, [a, b], test) = (test.figure, test.groups, test.test);
        json!({
            "figure": figure.key, "a": a, "b": b,
            "difference": test.difference, "t": test.t, "df": test.df, "p": test.p,
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
    json!({
        "schema": 1,
        "runs": runs.collect::<Vec<_>>(),
        "groups": summaries.collect::<Vec<_>>(),
        "differences": comparison.differences(),
        "tests": tests.collect::<Vec<_>>(),
        "classes": comparison.classes(),
        "pairs": pairs.collect::<Vec<_>>(),
    })
}
