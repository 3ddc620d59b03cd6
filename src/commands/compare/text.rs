//! A comparison as text.

use crate::compare::{Comparison, ModelPair, Table};
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
            sections.push([vec![lines(&table, columns())], notes].concat().join("\n"));
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

/// The table's lines, the first column to the left, the others to the right. Where the window is too narrow it comes in
/// parts, one below the other, each with the first column.
fn lines(table: &Table, room: usize) -> String {
    let names = table.columns.iter();
    let names = names.map(|name| name.replace("validation", "val")).collect();
    let rows = || std::iter::once(&names).chain(&table.rows);
    let width = |column: usize| rows().map(|row: &Vec<String>| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..names.len()).filter_map(width).collect();
    let line = |row: &Vec<String>, part: &[usize]| {
        let first = format!("{:<1$}", row[0], widths[0]);
        let cells = part.iter().map(|&column| format!("  {:>1$}", row[column], widths[column]));
        (first + &cells.collect::<String>()).trim_end().to_owned()
    };
    let mut parts: Vec<Vec<usize>> = vec![];
    let mut left = 0;
    for (column, width) in widths.iter().enumerate().skip(1) {
        match parts.last_mut() {
            Some(part) if left >= width + 2 => part.push(column),
            _ => {
                left = room.saturating_sub(widths[0]);
                parts.push(vec![column]);
            }
        }
        left = left.saturating_sub(width + 2);
    }
    let parts = parts.iter().map(|part| rows().map(|row| line(row, part)).collect::<Vec<_>>());
    parts.map(|lines| lines.join("\n")).collect::<Vec<_>>().join("\n\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_too_wide_for_the_window_comes_in_parts() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let columns = row(["run", "validation loss", "loss", "seconds"]);
        let table = Table { columns, rows: vec![row(["a", "1", "22", "3"])] };
        let whole = "run  val loss  loss  seconds\na           1    22        3";
        assert_eq!(lines(&table, usize::MAX), whole);
        assert_eq!(lines(&table, 28), whole);
        let parts = "run  val loss  loss\na           1    22\n\nrun  seconds\na          3";
        assert_eq!(lines(&table, 27), parts);
        assert_eq!(lines(&table, 1).matches("run").count(), 3);
    }
}
