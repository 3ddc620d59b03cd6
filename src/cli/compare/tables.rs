//! The tables of a comparison, for the text and the HTML report.

use crate::cli::ui::format::count;
use crate::cli::ui::table::{Table, row};

use super::{Comparison, Metric, ModelPair};

/// Text of a cell whose value is unknown.
const UNKNOWN: &str = "–";
/// Number of leading characters of a digest that are shown.
const DIGEST: usize = 12;

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or(UNKNOWN.to_owned(), |value| format!("{value:.digits$}"))
}

impl Comparison {
    /// Returns the metrics of each run.
    pub fn run_table(&self) -> Table {
        let rows = self.runs.iter().map(|run| {
            let seed = run.seed.map_or(UNKNOWN.to_owned(), |seed| seed.to_string());
            let metrics = Metric::ALL.map(|metric| number((metric.of)(run), metric.digits));
            row(&run.name, [seed, count(run.epochs.len())].into_iter().chain(metrics))
        });
        let [a, b, c, d, e] = Metric::ALL.map(|metric| metric.name);
        Table::new(["run", "seed", "epochs", a, b, c, d, e], rows)
    }

    /// Returns mean and standard deviation of each group. The table is empty if every group is a single run.
    pub fn group_table(&self) -> Table {
        let cell = |group: usize, metric: Metric| {
            let summary = self.summary(group, metric);
            let mean = number(summary.map(|summary| summary.mean), metric.digits);
            match summary.and_then(|summary| summary.sd) {
                Some(sd) => format!("{mean} ± {}", number(Some(sd), metric.digits)),
                None => mean,
            }
        };
        let are_groups = self.groups.iter().any(|group| group.runs.len() > 1);
        let groups = self.groups.iter().enumerate().filter(|_| are_groups);
        let rows = groups.map(|(index, group)| {
            let metrics = Metric::ALL.map(|metric| cell(index, metric));
            row(&group.name, [count(group.runs.len())].into_iter().chain(metrics))
        });
        let [a, b, c, d, e] = Metric::ALL.map(|metric| metric.name);
        Table::new(["mean ± sd", "runs", a, b, c, d, e], rows)
    }

    /// Returns the settings that differ between groups.
    pub fn difference_table(&self) -> Table {
        let rows = self.differences().into_iter().map(|difference| {
            let is_digest = difference.setting.starts_with("sha256.");
            let length = if is_digest { DIGEST } else { usize::MAX };
            let values = difference.values.into_iter().map(|value| match value {
                Some(value) => value.chars().take(length).collect(),
                None => UNKNOWN.to_owned(),
            });
            row(&difference.setting, values)
        });
        self.by_group("setting", rows)
    }

    /// Returns Welch's t-tests between groups of several runs.
    pub fn test_table(&self) -> Table {
        let rows = self.tests().into_iter().map(|test| {
            let [a, b] = test.groups.map(|group| &self.groups[group].name);
            let digits = test.metric.digits;
            let cells = [
                format!("{:+.digits$}", test.test.difference),
                format!("{:.2}", test.test.t),
                format!("{:.1}", test.test.df),
                p_value(test.test.p),
            ];
            row(&format!("{}: {a} − {b}", test.metric.name), cells)
        });
        Table::new(["Welch's t-test", "difference", "t", "df", "p"], rows)
    }

    /// Returns the F1 of each class, with a column per group. The table is empty without predictions.
    pub fn class_table(&self) -> Table {
        let is_known = self.runs.iter().any(|run| run.predictions.is_some());
        let classes = self.classes().into_iter().filter(|_| is_known);
        let rows =
            classes.map(|class| row(&class.name, class.f1.into_iter().map(|f1| number(f1, 4))));
        self.by_group("F1 by class", rows)
    }

    /// Returns a table of McNemar's exact tests, with one row per pair of models.
    pub fn pair_table(&self, pairs: &[ModelPair]) -> Table {
        let rows = pairs.iter().map(|pair| {
            let [a, b] = pair.runs.map(|run| &self.runs[run].name);
            let [only_a, only_b] = [0, 1].map(|side| pair.only[side].len());
            let counts = [pair.both, only_a, only_b, pair.neither].map(count);
            row(&format!("{a}, {b}"), counts.into_iter().chain([p_value(pair.p)]))
        });
        let columns =
            ["McNemar's test", "both correct", "only the 1st", "only the 2nd", "neither", "p"];
        Table::new(columns, rows)
    }

    /// Creates a table with a column per group.
    fn by_group(&self, heading: &str, rows: impl Iterator<Item = Vec<String>>) -> Table {
        let names = self.groups.iter().map(|group| group.name.clone());
        Table { columns: row(heading, names), rows: rows.collect() }
    }
}

/// Formats a p-value with two significant digits: 0.34, 0.00049, 5.3e-70.
fn p_value(p: f64) -> String {
    match p {
        p if p >= 0.1 => format!("{p:.2}"),
        p if p >= 1e-4 => {
            let digits = (1.0 - p.log10().floor()) as usize;
            format!("{p:.digits$}")
        }
        p => format!("{p:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::p_value;

    #[test]
    fn p_values_have_two_digits() {
        let texts = [1.0, 0.344, 0.0844, 0.000_488, 5.34e-70, 0.0].map(p_value);
        assert_eq!(texts, ["1.00", "0.34", "0.084", "0.00049", "5.3e-70", "0.0e0"]);
    }
}
