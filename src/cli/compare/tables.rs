//! The tables of a comparison, for the text and the HTML report.

use crate::cli::ui::format::{UNKNOWN, count, decimals, plural, significant};
use crate::cli::ui::table::{Table, row};

use super::groups::{Difference, Group, MAX_GROUPS, ModelPair};
use super::{Comparison, Metric, Setting};

/// Number of leading characters of a digest that are shown.
const DIGEST: usize = 12;

impl Comparison {
    /// Returns the settings that differ and the metrics of each run.
    pub fn run_table(&self) -> Table {
        let rows = self.runs.iter().zip(&self.group_of).map(|(run, group)| {
            let name =
                format!("{}{}", run.name, if run.has_diverged() { " (diverged)" } else { "" });
            let seed = run.seed.map_or(UNKNOWN.to_owned(), |seed| seed.to_string());
            let metrics = Metric::ALL.map(|metric| decimals((metric.of)(run), metric.digits));
            let cells = [seed, count(run.epochs.len())].into_iter();
            row(&name, cells.chain(self.settings(*group)).chain(metrics))
        });
        self.with_settings(&["run", "seed", "epochs"], rows)
    }

    /// Returns the settings that differ, and mean and standard deviation of each group. The table is empty if every group is
    /// a single run.
    pub fn group_table(&self) -> Table {
        let cell = |group: &Group, metric: Metric| {
            let summary = self.summary(group, metric);
            let mean = decimals(summary.map(|summary| summary.mean), metric.digits);
            match summary.and_then(|summary| summary.sd) {
                Some(sd) => format!("{mean} ± {}", decimals(Some(sd), metric.digits)),
                None => mean,
            }
        };
        let are_groups = self.groups.len() < self.runs.len();
        let groups = self.groups.iter().enumerate().filter(|_| are_groups);
        let rows = groups.map(|(index, group)| {
            let metrics = Metric::ALL.map(|metric| cell(group, metric));
            let cells = [count(group.runs.len())].into_iter();
            row(&group.name, cells.chain(self.settings(index)).chain(metrics))
        });
        self.with_settings(&["mean ± sd", "runs"], rows)
    }

    /// Creates a table whose columns are `first`, the settings that differ, and the metrics.
    fn with_settings(&self, first: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Table {
        let first = first.iter().map(|name| (*name).to_owned());
        let settings = self.shown().map(|difference| match &*difference.setting {
            "recipe.name" => "recipe".to_owned(),
            // The number of finished epochs has its own column.
            "epochs" => "total epochs".to_owned(),
            name => name.trim_start_matches("recipe.").replace('_', " "),
        });
        let metrics = Metric::ALL.map(|metric| metric.name.to_owned());
        Table { columns: first.chain(settings).chain(metrics).collect(), rows: rows.collect() }
    }

    /// Returns the settings that differ, without those that the name of the recipe implies.
    fn shown(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| !difference.is_implied)
    }

    /// Returns the values of the settings that differ in a group.
    fn settings(&self, group: usize) -> impl Iterator<Item = String> {
        self.shown().map(move |difference| {
            let is_digest = difference.setting.starts_with("sha256.");
            let length = if is_digest { DIGEST } else { usize::MAX };
            let value = difference.values[group].as_ref().map_or(UNKNOWN, Setting::as_str);
            value.chars().take(length).collect()
        })
    }

    /// Returns Welch's t-tests between groups of several runs.
    pub fn test_table(&self) -> Table {
        let rows = self.tests().into_iter().map(|test| {
            let [a, b] = [test.a, test.b].map(|group| &self.groups[group].name);
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

    /// Returns the F1 of each class, with a column per group. The table is empty if there are no predictions, or too many
    /// groups.
    pub fn class_table(&self) -> Table {
        let is_known = self.measured_on().is_some() && self.has_few_groups();
        let rows = self
            .classes()
            .into_iter()
            .filter(|_| is_known)
            .map(|class| row(&class.name, class.f1.into_iter().map(|f1| decimals(f1, 4))));
        let names = self.groups.iter().map(|group| group.name.clone());
        Table { columns: row("F1 by class", names), rows: rows.collect() }
    }

    /// Returns a table of McNemar's exact tests, with one row per pair of models.
    pub fn pair_table(&self, pairs: &[ModelPair]) -> Table {
        let rows = pairs.iter().map(|pair| {
            let [a, b] = [pair.a, pair.b].map(|run| &self.runs[run].name);
            let counts = [pair.both, pair.only_a, pair.only_b, pair.neither].map(count);
            row(&format!("{a}, {b}"), counts.into_iter().chain([p_value(pair.p)]))
        });
        let columns =
            ["McNemar's test", "both correct", "only the 1st", "only the 2nd", "neither", "p"];
        Table::new(columns, rows)
    }

    /// Describes the omitted comparisons, if any: all tests if there are too many groups, or `more_pairs` pairs of models.
    pub fn omitted(&self, more_pairs: usize) -> Option<String> {
        let groups = plural(self.groups.len(), "group");
        let pairs = (more_pairs > 0).then(|| plural(more_pairs, "pair") + " of models");
        match self.has_few_groups() {
            true => pairs.map(|pairs| format!("not shown: {pairs}")),
            false => Some(format!(
                "{groups} are too many for pairwise tests; choose runs of at most {MAX_GROUPS} groups"
            )),
        }
    }
}

/// Formats a p-value with two significant digits: 0.34, 0.0049, < 0.001.
fn p_value(p: f64) -> String {
    if p < 1e-3 { "< 0.001".to_owned() } else { significant(p, 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_have_two_significant_digits() {
        for (p, expected) in
            [(0.3421, "0.34"), (0.00491, "0.0049"), (0.001, "0.0010"), (0.00099, "< 0.001")]
        {
            assert_eq!(p_value(p), expected);
        }
    }
}
