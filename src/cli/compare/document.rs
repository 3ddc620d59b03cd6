//! The JSON output of a comparison.

use serde_json::{Value, json};

use super::{Comparison, Metric};

/// Maximum number of listed images that only one model classifies correctly.
const LISTED: usize = 100;

/// Returns the JSON document, whose schema is `docs/schema/compare.json`.
pub fn document(comparison: &Comparison) -> Value {
    let groups = &comparison.groups;
    let runs = comparison.runs.iter().enumerate().map(|(number, run)| {
        let mut row = json!({
            "name": run.name,
            "engine": run.framework,
            "group": groups.iter().position(|group| group.runs.contains(&number)),
            "seed": run.seed,
            "epochs": run.epochs.len(),
            "kept_epoch": run.kept_epoch,
            "model_samples": run.predictions.as_ref().map(|predictions| predictions.evaluation.samples()),
        });
        for metric in Metric::ALL {
            row[metric.key] = json!((metric.of)(run));
        }
        row
    });
    let summaries = groups.iter().enumerate().map(|(number, group)| {
        let mut row = json!({ "name": group.name, "runs": group.runs });
        for metric in Metric::ALL {
            row[metric.key] = json!(comparison.summary(number, metric));
        }
        row
    });
    let tests = comparison.tests().into_iter().map(|test| {
        let (metric, [a, b], test) = (test.metric, test.groups, test.test);
        json!({
            "figure": metric.key, "a": a, "b": b,
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
