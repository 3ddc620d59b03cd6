//! The JSON and CSV output of a comparison.

use serde_json::{Value, json};

use crate::io::text;

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
            "epochs": run.epochs.len(), "kept_epoch": run.kept_epoch, "diverged": run.has_diverged,
            "model_samples": evaluated.map(|predictions| predictions.evaluation.samples()),
        });
        with_metrics(row, |metric| json!((metric.of)(run)))
    })
}

fn with_metrics(mut row: Value, value: impl Fn(Metric) -> Value) -> Value {
    Metric::ALL.into_iter().for_each(|metric| row[metric.key] = value(metric));
    row
}

/// Returns one CSV row per run: the fields of the run in the JSON document, then the settings that differ.
pub fn csv(comparison: &Comparison) -> String {
    let mut csv = csv::Writer::from_writer(Vec::new());
    // A line break inside a cell would let a run record write lines of its own.
    let mut write = |cells: Vec<String>| {
        let cells = cells.iter().map(|cell| text::line(cell).into_owned());
        csv.write_record(cells).expect("writing to memory cannot fail");
    };
    for (number, mut row) in runs(comparison).enumerate() {
        for difference in &comparison.differences {
            row[&difference.setting] = json!(difference.values[comparison.group_of[number]]);
        }
        let fields = row.as_object().into_iter().flatten();
        let (names, values): (Vec<_>, Vec<_>) = fields
            .map(|(name, value)| {
                let value = match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                };
                (name.clone(), value)
            })
            .unzip();
        if number == 0 {
            write(names);
        }
        write(values);
    }
    String::from_utf8_lossy(&csv.into_inner().unwrap_or_default()).into_owned()
}
