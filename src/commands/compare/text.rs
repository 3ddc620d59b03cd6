//! A comparison as text.

use crate::compare::{Comparison, Figure};
use crate::report::probability;

/// Pairs of models that are told one by one.
const PAIRS: usize = 10;
/// Images that are named of those that only one model gets right.
const IMAGES: usize = 10;

/// Everything that the comparison says, in tables.
pub fn text(comparison: &Comparison) -> String {
    let sections = [
        figures(comparison),
        groups(comparison),
        differences(comparison),
        tests(comparison),
        classes(comparison),
        pairs(comparison),
    ];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    sections.join("\n\n")
}

/// Rows of cells as lines, the first column to the left, the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<String> = cells
            .map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

fn header(first: &str, others: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(others).collect()
}

fn figures(comparison: &Comparison) -> Option<String> {
    let names = Figure::ALL.map(|figure| figure.name.replace("validation", "val"));
    let columns = ["seed", "epochs"]
        .map(str::to_owned)
        .into_iter()
        .chain(names);
    let mut rows = vec![header("run", columns)];
    for run in &comparison.runs {
        let seed = run.seed.map_or("-".to_owned(), |seed| seed.to_string());
        let figures = Figure::ALL.map(|figure| number(figure.of(run), figure.digits));
        let cells = [seed, run.epochs.len().to_string()]
            .into_iter()
            .chain(figures);
        rows.push(header(&run.name, cells));
    }
    Some(table(&rows))
}

fn groups(comparison: &Comparison) -> Option<String> {
    let groups = &comparison.groups;
    if groups.iter().all(|group| group.runs.len() == 1) {
        return None;
    }
    let names = Figure::ALL.map(|figure| figure.name.replace("validation", "val"));
    let mut rows = vec![header(
        "mean ± sd",
        std::iter::once("runs".to_owned()).chain(names),
    )];
    for (index, group) in groups.iter().enumerate() {
        let figures = Figure::ALL.map(|figure| match comparison.summary(index, figure) {
            None => "-".to_owned(),
            Some(summary) => {
                let digits = figure.digits;
                let sd = summary
                    .sd
                    .map_or(String::new(), |sd| format!(" ± {sd:.digits$}"));
                format!("{:.digits$}{sd}", summary.mean)
            }
        });
        let cells = std::iter::once(group.runs.len().to_string()).chain(figures);
        rows.push(header(&group.name, cells));
    }
    Some(table(&rows))
}

fn differences(comparison: &Comparison) -> Option<String> {
    let differences = comparison.differences();
    if differences.is_empty() {
        return None;
    }
    let groups = comparison.groups.iter().map(|group| group.name.clone());
    let mut rows = vec![header("set otherwise", groups)];
    for difference in differences {
        let values = difference.values.into_iter().map(|value| match value {
            // A digest is told apart by its start.
            Some(value) if difference.setting.starts_with("sha256.") => {
                value.chars().take(12).collect()
            }
            Some(value) => value,
            None => "-".to_owned(),
        });
        rows.push(header(&difference.setting, values));
    }
    Some(table(&rows))
}

fn tests(comparison: &Comparison) -> Option<String> {
    let tests = comparison.tests();
    if tests.is_empty() {
        return None;
    }
    let columns = ["difference", "t", "df", "p"].map(str::to_owned);
    let mut rows = vec![header("Welch's t-test", columns.into_iter())];
    for test in tests {
        let [a, b] = test.groups.map(|group| &comparison.groups[group].name);
        let digits = test.figure.digits;
        let cells = [
            format!("{:+.digits$}", test.difference),
            format!("{:.2}", test.test.t),
            format!("{:.1}", test.test.df),
            probability(test.test.p),
        ];
        rows.push(header(
            &format!("{}: {a} - {b}", test.figure.name),
            cells.into_iter(),
        ));
    }
    let note = "p: how likely a difference this large is if there is none. Of losses and seconds less is better.";
    Some(format!("{}\n{note}", table(&rows)))
}

fn classes(comparison: &Comparison) -> Option<String> {
    let classes = comparison.class_f1();
    if classes
        .iter()
        .all(|(_, row)| row.iter().all(Option::is_none))
    {
        return None;
    }
    let groups = comparison.groups.iter().map(|group| group.name.clone());
    let mut rows = vec![header("F1 by class", groups)];
    for (class, row) in classes {
        rows.push(header(class, row.into_iter().map(|f1| number(f1, 4))));
    }
    Some(table(&rows))
}

fn pairs(comparison: &Comparison) -> Option<String> {
    let pairs = comparison.model_pairs();
    let first = pairs.first()?;
    let columns = ["both right", "only the 1st", "only the 2nd", "neither", "p"].map(str::to_owned);
    let mut rows = vec![header("McNemar's test", columns.into_iter())];
    for pair in pairs.iter().take(PAIRS) {
        let [a, b] = pair.runs.map(|run| &comparison.runs[run].name);
        let counts = [
            pair.both,
            pair.only[0].len(),
            pair.only[1].len(),
            pair.neither,
        ];
        let cells = counts.map(|count| count.to_string()).into_iter();
        rows.push(header(
            &format!("{a}, {b}"),
            cells.chain([probability(pair.p)]),
        ));
    }
    let mut text = table(&rows);
    if pairs.len() > PAIRS {
        text += &format!("\n{} more pairs with --json", pairs.len() - PAIRS);
    }
    if pairs.len() == 1 {
        for (side, run) in first.runs.iter().enumerate() {
            let images: Vec<String> = first.only[side]
                .iter()
                .take(IMAGES)
                .map(usize::to_string)
                .collect();
            let more = if first.only[side].len() > IMAGES {
                ", .."
            } else {
                ""
            };
            text += &format!(
                "\nonly {} gets right: {}{more}",
                comparison.runs[*run].name,
                images.join(", ")
            );
        }
    }
    Some(text)
}
