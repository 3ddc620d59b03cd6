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

    /// Returns the lines of the table, with the first column aligned left and the others right. A table wider than `columns`
    /// characters is split into several tables, each with the first column. Cells may come from files, so characters that
    /// would start a line or change the terminal are escaped.
    pub fn lines(&self, columns: usize) -> Vec<String> {
        let escaped = |row: &Vec<String>| {
            row.iter().map(|cell| text::line(cell).into_owned()).collect::<Vec<_>>()
        };
        let rows: Vec<_> = std::iter::once(&self.columns).chain(&self.rows).map(escaped).collect();
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
                let cells =
                    (start..next).map(|column| format!("  {:>1$}", row[column], widths[column]));
                (first + &cells.collect::<String>()).trim_end().to_owned()
            }));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_table_is_split() {
        let cells = ["1", "22", "3"].map(str::to_owned);
        let table = Table::new(["run", "val loss", "loss", "seconds"], [row("a\n", cells)]);
        let one_part = ["run  val loss  loss  seconds", "a\\n         1    22        3"];
        assert_eq!(table.lines(usize::MAX), one_part);
        assert_eq!(table.lines(28), one_part);
        let parts =
            ["run  val loss  loss", "a\\n         1    22", "", "run  seconds", "a\\n        3"];
        assert_eq!(table.lines(27), parts);
        assert_eq!(table.lines(1).concat().matches("run").count(), 3);
    }
}
