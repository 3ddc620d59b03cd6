//! A comparison as text.

use crate::cli::ui::columns;
use crate::cli::ui::table::Table;

use super::{Comparison, ModelPair};

/// Pairs of models that have a row.
const PAIRS: usize = 10;
/// Images that are named of those that only one model gets right.
const IMAGES: usize = 10;

pub fn text(comparison: &Comparison) -> String {
    let pairs = comparison.model_pairs();
    let shown = &pairs[..pairs.len().min(PAIRS)];
    let seeds = "p: how likely a difference this large is if there is none.\n\
                 Of losses and seconds less is better.";
    let models = match pairs.as_slice() {
        [pair] => only(comparison, pair),
        _ if pairs.len() > PAIRS => vec![format!("{} more pairs with --json", pairs.len() - PAIRS)],
        _ => vec![],
    };
    let tables = [
        (comparison.run_table(), vec![]),
        (comparison.group_table(), vec![]),
        (comparison.difference_table(), vec![]),
        (comparison.test_table(), vec![seeds.to_owned()]),
        (comparison.class_table(), vec![]),
        (comparison.pair_table(shown), models),
    ];
    let tables = tables.into_iter().filter(|(table, _)| !table.rows.is_empty());
    let text = |(table, notes): (Table, Vec<String>)| {
        [vec![table.text(columns())], notes].concat().join("\n")
    };
    tables.map(text).collect::<Vec<_>>().join("\n\n")
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
