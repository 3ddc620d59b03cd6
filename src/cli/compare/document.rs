//! The JSON output of a comparison.

use serde_json::{Value, json};

use super::{Comparison, Metric};

/// Returns the JSON document, whose schema is `docs/schema/compare.json`.
pub fn document(comparison: &Comparison) -> Value {
    let (pairs, more_pairs) = comparison.model_pairs();
    let groups = comparison.groups.iter().map(|group| {
        let row = json!({ "name": group.name, "runs": group.runs });
        with_metrics(row, |metric| json!(comparison.summary(group, metric)))
    });
    json!({
        "schema": 1, "runs": runs(comparison).collect::<Vec<_>>(), "groups": groups.collect::<Vec<_>>(),
        "differences": comparison.differences, "tests": comparison.tests(), "classes": comparison.classes(),
        "pairs": pairs, "more_pairs": more_pairs,
    })
}

fn runs(comparison: &Comparison) -> impl Iterator<Item = Value> {
    comparison.runs.iter().zip(&comparison.group_of).map(|(run, group)| {
        let evaluated = run.predictions.as_ref();
        let row = json!({
            "name": run.name, "engine": run.framework, "group": group, "seed": run.seed,
            "epochs": run.epochs.len(), "kept_epoch": run.kept_epoch, "diverged": run.has_diverged(),
            "model_samples": evaluated.map(|predictions| predictions.evaluation.samples()),
        });
        with_metrics(row, |metric| json!((metric.of)(run)))
    })
}

fn with_metrics(mut row: Value, value: impl Fn(Metric) -> Value) -> Value {
    Metric::ALL.into_iter().for_each(|metric| row[metric.key] = value(metric));
    row
}
