//! A comparison as text.

use crate::compare::{Comparison, ModelPair, Table};

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
            sections.push([vec![lines(&table)], notes].concat().join("\n"));
        }
    };
    tell(comparison.run_table(), vec![]);
    tell(comparison.group_table(), vec![]);
    tell(comparison.difference_table(), vec![]);
    let note = "p: how likely a difference this large is if there is none. Of losses and seconds less is better.";
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

/// The table's lines, the first column to the left, the others to the right.
fn lines(table: &Table) -> String {
    let names = table.columns.iter();
    let names = names.map(|name| name.replace("validation", "val")).collect();
    let rows = || std::iter::once(&names).chain(&table.rows);
    let width = |column: usize| rows().map(|row: &Vec<String>| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..names.len()).filter_map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows().map(line).collect::<Vec<_>>().join("\n")
}

/// The images that only one of two models gets right.
fn only(comparison: &Comparison, pair: &ModelPair) -> Vec<String> {
    let line = |side: usize| {
        let images = pair.only[side].iter().take(IMAGES).map(usize::to_string);
        let images = images.collect::<Vec<_>>().join(", ");
        let more = if pair.only[side].len() > IMAGES { ", .." } else { "" };
        let name = &comparison.runs[pair.runs[side]].name;
        format!("only {name} gets right: {images}{more}")
    };
    vec![line(0), line(1)]
}
