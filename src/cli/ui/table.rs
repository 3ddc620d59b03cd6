//! A table, as text or for an HTML report.

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

    /// Formats the table as text, with the first column aligned left and the others right. A table wider than `columns`
    /// characters is split into several tables, each with the first column.
    pub fn text(&self, columns: usize) -> String {
        let names = self.columns.iter();
        let names = names.map(|name| name.replace("validation", "val")).collect();
        let rows = || std::iter::once(&names).chain(&self.rows);
        let width =
            |column: usize| rows().map(|row: &Vec<String>| row[column].chars().count()).max();
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
                    left = columns.saturating_sub(widths[0]);
                    parts.push(vec![column]);
                }
            }
            left = left.saturating_sub(width + 2);
        }
        let parts = parts.iter().map(|part| rows().map(|row| line(row, part)).collect::<Vec<_>>());
        parts.map(|lines| lines.join("\n")).collect::<Vec<_>>().join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_table_is_split() {
        let cells = ["1", "22", "3"].map(str::to_owned);
        let table = Table::new(["run", "validation loss", "loss", "seconds"], [row("a", cells)]);
        let one_part = "run  val loss  loss  seconds\na           1    22        3";
        assert_eq!(table.text(usize::MAX), one_part);
        assert_eq!(table.text(28), one_part);
        let parts = "run  val loss  loss\na           1    22\n\nrun  seconds\na          3";
        assert_eq!(table.text(27), parts);
        assert_eq!(table.text(1).matches("run").count(), 3);
    }
}
