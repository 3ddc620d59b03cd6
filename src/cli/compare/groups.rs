//! Groups of runs and the comparisons between them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::data::{CLASSES, DatasetIdentity, DatasetInfo, DatasetNames};

use super::statistics::{Summary, Welch, mcnemar, welch};
use super::{Metric, Run};

/// Runs that differ only in their seed, or logs of another framework whose names differ only in numbers.
pub struct Group {
    pub name: String,
    /// Indices of the runs.
    pub runs: Vec<usize>,
}

/// A setting that differs between groups.
#[derive(Serialize)]
pub struct Difference {
    /// Name in the run record.
    pub setting: String,
    /// Value in each group, or `None` if it is unknown or not set.
    pub values: Vec<Option<String>>,
}

/// Welch's t-test of a metric between two groups.
pub struct SeedTest {
    pub metric: Metric,
    /// Indices of the groups.
    pub groups: [usize; 2],
    pub test: Welch,
}

/// A class with its mean F1 in each group, or `None` for a group without predictions.
#[derive(Serialize)]
pub struct ClassF1 {
    pub name: String,
    pub f1: Vec<Option<f64>>,
}

/// Agreement of the predictions of two models.
pub struct ModelPair {
    /// Indices of the runs.
    pub runs: [usize; 2],
    /// Number of images that both models classify correctly.
    pub both: usize,
    /// Number of images that neither model classifies correctly.
    pub neither: usize,
    /// Images that only the first model classifies correctly, and images that only the second classifies correctly.
    pub only: [Vec<usize>; 2],
    /// The p-value of McNemar's exact test.
    pub p: f64,
}

/// Runs and their groups, in the order of the first run of each group.
pub struct Comparison {
    pub runs: Vec<Run>,
    pub groups: Vec<Group>,
}

impl Comparison {
    /// Groups `runs`.
    pub fn new(runs: Vec<Run>) -> Self {
        let is_same_group = |a: &Run, b: &Run| {
            (a.framework, &a.kind, &a.settings) == (b.framework, &b.kind, &b.settings)
        };
        let mut groups: Vec<Group> = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            let mut known = groups.iter_mut();
            match known.find(|group| is_same_group(&runs[group.runs[0]], run)) {
                Some(group) => group.runs.push(number),
                None => groups.push(Group { name: run.kind.clone(), runs: vec![number] }),
            }
        }
        // A group of one run has the name of the run. Two groups of one kind are distinguished by their first runs.
        let kinds: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        for group in &mut groups {
            let first = &runs[group.runs[0]].name;
            let count = kinds.iter().filter(|kind| **kind == group.name).count();
            match (group.runs.len(), count) {
                (1, _) => group.name = first.clone(),
                (_, 1) => {}
                _ => group.name = format!("{} ({first}, ..)", group.name),
            }
        }
        Self { runs, groups }
    }

    /// Returns the settings that differ between groups.
    pub fn differences(&self) -> Vec<Difference> {
        let firsts: Vec<&Run> = self.groups.iter().map(|group| &self.runs[group.runs[0]]).collect();
        let names: BTreeSet<&String> = firsts.iter().flat_map(|run| run.settings.keys()).collect();
        // Runs of other frameworks have unknown settings, which do not count as a difference.
        let differs = |name: &&String| {
            let known = firsts.iter().filter(|run| run.framework == "lenet");
            known.map(|run| run.settings.get(*name)).collect::<BTreeSet<_>>().len() > 1
        };
        let differing = names.into_iter().filter(differs).map(|name| Difference {
            setting: name.clone(),
            values: firsts.iter().map(|run| run.settings.get(name).cloned()).collect(),
        });
        differing.collect()
    }

    /// Summarises a metric over the runs of a group for which it is known.
    pub fn summary(&self, group: usize, metric: Metric) -> Option<Summary> {
        let runs = self.groups[group].runs.iter();
        let values: Vec<f64> = runs.filter_map(|run| (metric.of)(&self.runs[*run])).collect();
        Summary::of(&values)
    }

    /// Tests every metric between all pairs of groups that have several runs.
    pub fn tests(&self) -> Vec<SeedTest> {
        let mut tests = Vec::new();
        for metric in Metric::ALL {
            for groups in pairs(self.groups.len()) {
                let [a, b] = groups.map(|group| self.summary(group, metric));
                let (Some(a), Some(b)) = (a, b) else { continue };
                tests.extend(welch(&a, &b).map(|test| SeedTest { metric, groups, test }));
            }
        }
        tests
    }

    /// Compares the predictions of all pairs of runs in different groups, or of all pairs if all runs are in one group.
    pub fn model_pairs(&self) -> Vec<ModelPair> {
        let group = |run: &usize| self.groups.iter().position(|group| group.runs.contains(run));
        let is_compared = |[a, b]: &[usize; 2]| self.groups.len() == 1 || group(a) != group(b);
        let compared = pairs(self.runs.len()).into_iter().filter(is_compared);
        compared.filter_map(|runs| self.model_pair(runs)).collect()
    }

    fn model_pair(&self, runs: [usize; 2]) -> Option<ModelPair> {
        let [Some(a), Some(b)] = runs.map(|run| self.runs[run].predictions.as_ref()) else {
            return None;
        };
        let (mut both, mut neither, mut only) = (0, 0, [vec![], vec![]]);
        for (image, correct) in a.correct.iter().zip(&b.correct).enumerate() {
            match correct {
                (true, true) => both += 1,
                (false, false) => neither += 1,
                (true, false) => only[0].push(image),
                (false, true) => only[1].push(image),
            }
        }
        let p = mcnemar(only[0].len(), only[1].len());
        Some(ModelPair { runs, both, neither, only, p })
    }

    /// Returns the data set on which the models were evaluated, or `None` if no model was evaluated.
    pub fn measured_on(&self) -> Option<&'static DatasetInfo> {
        self.runs.iter().find_map(|run| Some(run.predictions.as_ref()?.evaluation.dataset))
    }

    /// Returns the class names of the data set on which the models were evaluated, or else of the first run.
    fn class_names(&self) -> [String; CLASSES] {
        let measured_on = self.measured_on().map(DatasetNames::from);
        let recorded =
            || Some(self.runs.iter().find_map(|run| run.trained_on.as_ref())?.names.clone());
        let names = measured_on.or_else(recorded);
        names.unwrap_or_else(|| DatasetIdentity::assumed().names).classes
    }

    /// Returns the mean F1 of each class in each group.
    pub fn classes(&self) -> Vec<ClassF1> {
        let mean = |group: &Group, class: usize| {
            let models = group.runs.iter().filter_map(|run| self.runs[*run].predictions.as_ref());
            let values: Vec<f64> =
                models.map(|model| model.evaluation.classes()[class].f1).collect();
            Summary::of(&values).map(|summary| summary.mean)
        };
        let f1 = |class| self.groups.iter().map(|group| mean(group, class)).collect();
        let classes = self.class_names().into_iter().enumerate();
        classes.map(|(class, name)| ClassF1 { name, f1: f1(class) }).collect()
    }
}

/// Returns all pairs of indices below `count`, the smaller index first.
fn pairs(count: usize) -> Vec<[usize; 2]> {
    (0..count).flat_map(|a| (a + 1..count).map(move |b| [a, b])).collect()
}
