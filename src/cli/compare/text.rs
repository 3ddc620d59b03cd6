//! The text output of a comparison.

use crate::cli::ui::Out;

use super::Comparison;
use super::groups::ModelPair;

/// Maximum number of model pairs in the table.
const PAIRS: usize = 10;
/// Maximum number of listed images that only one model classifies correctly.
const IMAGES: usize = 10;

/// Prints the tables, with notes.
pub fn text(comparison: &Comparison, out: &mut Out) {
    let (pairs, more) = comparison.model_pairs();
    let (shown, hidden) = pairs.split_at(pairs.len().min(PAIRS));
    let note = "p: probability of a difference at least this large if the groups have the same mean.\n\
                For losses and seconds, lower is better.";
    let tables = [
        (comparison.run_table(), vec![]),
        (comparison.group_table(), vec![]),
        (comparison.test_table(), note.lines().map(str::to_owned).collect()),
        (comparison.class_table(), vec![]),
        (comparison.pair_table(shown), only(comparison, &pairs)),
    ];
    let tables = tables.iter().filter(|(table, _)| !table.rows.is_empty());
    for (number, (table, notes)) in tables.enumerate() {
        if number > 0 {
            out.line("");
        }
        out.table(table);
        out.lines(notes);
    }
    if let Some(omitted) = comparison.omitted(more + hidden.len()) {
        out.lines(["", &omitted]);
    }
}

/// Lists the images that only one of two models classifies correctly.
fn only(comparison: &Comparison, pairs: &[ModelPair]) -> Vec<String> {
    let [pair] = pairs else { return Vec::new() };
    let lines = |run: usize, images: &[usize]| {
        let shown: Vec<String> = images.iter().take(IMAGES).map(usize::to_string).collect();
        let shown = match images.len() {
            0 => "none".to_owned(),
            1..=IMAGES => shown.join(", "),
            _ => shown.join(", ") + ", ..",
        };
        let name = &comparison.runs[run].name;
        [format!("images that only {name} classifies correctly:"), format!("  {shown}")]
    };
    [lines(pair.a, &pair.images_a), lines(pair.b, &pair.images_b)].concat()
}
