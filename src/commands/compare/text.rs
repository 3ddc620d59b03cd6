//! A comparison as text.

use crate::compare::{Comparison, ModelPair};
use crate::io::table::Table;
use crate::ui::columns;

/// Pairs of models that are told one by one.
const PAIRS: usize = 10;
/// Images that are named of those that only one model gets right.
const IMAGES: usize = 10;

/// Everything that the comparison says, in tables.
pub fn text(comparison: &Comparison) -> String {
    let pairs = comparison.model_pairs();
    let shown = &pairs[..pairs.len().min(PAIRS)];
    let mut sections = Vec::new();
    let mut tell = |table: Table, notes: Vec<String>| {
        if !table.rows.is_empty() {
            sections.push([vec![table.text(columns())], notes].concat().join("\n"));
        }
    };
    tell(comparison.run_table(), vec![]);
    tell(comparison.group_table(), vec![]);
    tell(comparison.difference_table(), vec![]);
    let note = "p: how likely a difference this large is if there is none.\n\
                Of losses and seconds less is better.";
    tell(comparison.test_table(), vec![note.to_owned()]);
    tell(comparison.class_table(), vec![]);
    let notes = match pairs.as_slice() {
        [pair] => only(comparison, pair),
        _ if pairs.len() > PAIRS => vec![format!("{} more pairs with --json", pairs.len() - PAIRS)],
        _ => vec![],
    };
    tell(comparison.pair_table(shown), notes);
    sections.join("\n\n")
}

/// The images that only one of two models gets right.
fn only(comparison: &Comparison, pair: &ModelPair) -> Vec<String> {
    let line = |side: usize| {
        let numbers = pair.only[side].iter().take(IMAGES).map(usize::to_string);
        let mut images = numbers.collect::<Vec<_>>().join(", ");
        match pair.only[side].len() {
            0 => images += "none",
            1..=IMAGES => {}
            _ => images += ", ..",
        }
        format!("only {} gets right:\n  {images}", comparison.runs[pair.runs[side]].name)
    };
    vec![line(0), line(1)]
}
