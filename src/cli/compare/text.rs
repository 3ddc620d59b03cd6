//! The text output of a comparison.

use crate::cli::ui::columns;
use crate::cli::ui::table::Table;

use super::{Comparison, ModelPair};

/// Maximum number of model pairs in the table.
const PAIRS: usize = 10;
/// Maximum number of listed images that only one model classifies correctly.
const IMAGES: usize = 10;

/// Returns the tables, with notes.
pub fn text(comparison: &Comparison) -> String {
    let pairs = comparison.model_pairs();
    let shown = &pairs[..pairs.len().min(PAIRS)];
    let note = "p: probability of a difference at least this large if the groups have the same mean.\n\
                For losses and seconds, lower is better.";
    let models = match pairs.as_slice() {
        [pair] => only(comparison, pair),
        _ if pairs.len() > PAIRS => {
            vec![format!("{} more pairs; use --json to list them all", pairs.len() - PAIRS)]
        }
        _ => vec![],
    };
    let tables = [
        (comparison.run_table(), vec![]),
        (comparison.group_table(), vec![]),
        (comparison.difference_table(), vec![]),
        (comparison.test_table(), vec![note.to_owned()]),
        (comparison.class_table(), vec![]),
        (comparison.pair_table(shown), models),
    ];
    let tables = tables.into_iter().filter(|(table, _)| !table.rows.is_empty());
    let text = |(table, notes): (Table, Vec<String>)| {
        [vec![table.text(columns())], notes].concat().join("\n")
    };
    tables.map(text).collect::<Vec<_>>().join("\n\n")
}

/// Lists the images that only one of two models classifies correctly.
fn only(comparison: &Comparison, pair: &ModelPair) -> Vec<String> {
    let line = |side: usize| {
        let numbers = pair.only[side].iter().take(IMAGES).map(usize::to_string);
        let mut images = numbers.collect::<Vec<_>>().join(", ");
        match pair.only[side].len() {
            0 => images += "none",
            1..=IMAGES => {}
            _ => images += ", ..",
        }
        format!(
            "images that only {} classifies correctly:\n  {images}",
            comparison.runs[pair.runs[side]].name
        )
    };
    vec![line(0), line(1)]
}
