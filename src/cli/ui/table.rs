//! A table, as text or for an HTML report.

use crate::io::text;

/// A table whose rows start with their heading and have one cell per column.
pub struct Table {
    /// Headings of the columns.
    pub columns: Vec<String>,
    /// Rows, each with its heading first.
    pub rows: Vec<Vec<String>>,
}

/// Joins a heading and the other cells to a row.
pub fn row(heading: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(heading.to_owned()).chain(cells).collect()
}

impl Table {
    /// Creates a table from its column headings and rows.
    pub fn new<const N: usize>(
        columns: [&str; N],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Self {
        Self { columns: columns.map(str::to_owned).to_vec(), rows: rows.into_iter().collect() }
    }

    /// Returns the best value of each column, or `None` if it is not a metric or has the same value in all rows.
    pub fn best(&self) -> Vec<Option<f64>> {
        let best = |column: usize| {
            let direction = direction(&self.columns[column])?;
            let numbers = || self.rows.iter().filter_map(|row| number(&row[column]));
            let best = numbers().min_by(|a, b| (direction * a).total_cmp(&(direction * b)))?;
            numbers().any(|number| number != best).then_some(best)
        };
        (0..self.columns.len()).map(best).collect()
    }

    /// Returns the lines of the table, with the first column aligned left and the others right. A table wider than `columns`
    /// characters is split into several tables, each with the first column. Cells may come from files, so characters that
    /// would start a line or change the terminal are escaped. In colour, the best value of each metric is highlighted.
    pub fn lines(&self, columns: usize, in_colour: bool) -> Vec<String> {
        let best = if in_colour { self.best() } else { vec![None; self.columns.len()] };
        let rows = std::iter::once(&self.columns).chain(&self.rows);
        let rows: Vec<Vec<_>> =
            rows.map(|row| row.iter().map(|cell| text::line(cell)).collect()).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..self.columns.len()).filter_map(width).collect();
        let mut lines = Vec::new();
        let mut next = 1;
        while next < widths.len() {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            let (start, mut left) = (next, columns.saturating_sub(widths[0]));
            while next < widths.len() && (next == start || left >= widths[next] + 2) {
                left = left.saturating_sub(widths[next] + 2);
                next += 1;
            }
            lines.extend(rows.iter().map(|row| {
                let first = format!("{:<1$}", row[0], widths[0]);
                let cells = (start..next).map(|column| {
                    let cell = format!("{:>1$}", row[column], widths[column]);
                    let is_best = best[column].is_some() && number(&cell) == best[column];
                    format!("  {}", if is_best { highlighted(&cell) } else { cell })
                });
                (first + &cells.collect::<String>()).trim_end().to_owned()
            }));
        }
        lines
    }
}

/// Returns 1 if lower values of this column are better, -1 if higher ones are, or `None` if it is not a metric.
pub fn direction(column: &str) -> Option<f64> {
    match column {
        _ if column.ends_with("accuracy") => Some(-1.0),
        _ if column.ends_with("loss") || column == "seconds" => Some(1.0),
        _ => None,
    }
}

/// Returns the number in a cell, which is the mean in "mean ± sd", or `None` for any other text.
pub fn number(cell: &str) -> Option<f64> {
    cell.split_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Returns a cell, with spaces in front of it, in bold green.
pub fn highlighted(cell: &str) -> String {
    let text = cell.trim_start();
    format!("{}\u{1b}[1;32m{text}\u{1b}[0m", &cell[..cell.len() - text.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_table_is_split() {
        let cells = ["1", "22", "3"].map(str::to_owned);
        let table = Table::new(["run", "val loss", "loss", "seconds"], [row("a\n", cells)]);
        let one_part = ["run  val loss  loss  seconds", "a\\n         1    22        3"];
        assert_eq!(table.lines(usize::MAX, true), one_part);
        assert_eq!(table.lines(28, false), one_part);
        let parts =
            ["run  val loss  loss", "a\\n         1    22", "", "run  seconds", "a\\n        3"];
        assert_eq!(table.lines(27, false), parts);
        assert_eq!(table.lines(1, false).concat().matches("run").count(), 3);
    }
    #[test]
    fn best_values_are_highlighted() {
        let rows = [["0.7 ± 0.1", "2", "-"], ["0.8", "-", "1"], ["0.80", "1", "1"]];
        let rows = rows.map(|cells| row("a", cells.map(str::to_owned)));
        let table = Table::new(["run", "val accuracy", "loss", "epochs"], rows);
        let green = |cell: &str| format!("\u{1b}[1;32m{cell}\u{1b}[0m");
        let lines = table.lines(usize::MAX, true);
        assert_eq!(lines[1], "a       0.7 ± 0.1     2       -");
        assert_eq!(lines[2], format!("a             {}     -       1", green("0.8")));
        assert_eq!(lines[3], format!("a            {}     {}       1", green("0.80"), green("1")));
        assert!(!table.lines(usize::MAX, false).concat().contains('\u{1b}'));
    }
}
