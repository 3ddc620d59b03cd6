//! Groups of runs, and everything that is compared between them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::data::{CLASSES, DatasetIdentity, DatasetInfo, DatasetNames};

use super::statistics::{Summary, Welch, mcnemar, welch};
use super::{Metric, Run};

/// Runs that differ in nothing but their seed; or logs of another engine whose names differ in nothing but numbers.
pub struct Group {
    pub name: String,
    /// The numbers of its runs.
    pub runs: Vec<usize>,
}

/// A setting that is not the same everywhere.
#[derive(Serialize)]
pub struct Difference {
    /// Its name in the record.
    pub setting: String,
    /// What it is in each group; none where it is not known or not there.
    pub values: Vec<Option<String>>,
}

/// Welch's test of a figure between two groups.
pub struct SeedTest {
    pub figure: Metric,
    /// The numbers of the groups.
    pub groups: [usize; 2],
    pub test: Welch,
}

/// A class with its mean F1 in each group, or `None` for groups of which no model was run.
#[derive(Serialize)]
pub struct ClassF1 {
    pub name: String,
    pub f1: Vec<Option<f64>>,
}

/// How the answers of two models go together.
pub struct ModelPair {
    /// The numbers of the runs.
    pub runs: [usize; 2],
    /// How many images both get right.
    pub both: usize,
    pub neither: usize,
    /// Images that only the first, and that only the second, gets right.
    pub only: [Vec<usize>; 2],
    /// The probability by McNemar's exact test.
    pub p: f64,
}

/// Runs side by side, and their groups in the order of their first runs.
pub struct Comparison {
    pub runs: Vec<Run>,
    pub groups: Vec<Group>,
}

impl Comparison {
    /// Puts `runs` into groups.
    pub fn new(runs: Vec<Run>) -> Self {
        let is_like =
            |a: &Run, b: &Run| (a.engine, &a.kind, &a.settings) == (b.engine, &b.kind, &b.settings);
        let mut groups: Vec<Group> = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            let mut known = groups.iter_mut();
            match known.find(|group| is_like(&runs[group.runs[0]], run)) {
                Some(group) => group.runs.push(number),
                None => groups.push(Group { name: run.kind.clone(), runs: vec![number] }),
            }
        }
        // A name alone is that of the run; two groups of one kind are told apart by their first runs.
        let kinds: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
        for group in &mut groups {
            let first = &runs[group.runs[0]].name;
            let twins = kinds.iter().filter(|kind| **kind == group.name).count();
            match (group.runs.len(), twins) {
                (1, _) => group.name = first.clone(),
                (_, 1) => {}
                _ => group.name = format!("{} ({first}, ..)", group.name),
            }
        }
        Self { runs, groups }
    }

    /// The settings that are not the same in all groups.
    pub fn differences(&self) -> Vec<Difference> {
        let firsts: Vec<&Run> = self.groups.iter().map(|group| &self.runs[group.runs[0]]).collect();
        let names: BTreeSet<&String> = firsts.iter().flat_map(|run| run.settings.keys()).collect();
        // Of another engine no setting is known: that alone is no difference.
        let differs = |name: &&String| {
            let known = firsts.iter().filter(|run| run.engine == "lenet");
            known.map(|run| run.settings.get(*name)).collect::<BTreeSet<_>>().len() > 1
        };
        let differing = names.into_iter().filter(differs).map(|name| Difference {
            setting: name.clone(),
            values: firsts.iter().map(|run| run.settings.get(name).cloned()).collect(),
        });
        differing.collect()
    }

    /// Mean and deviation of a figure in a group, over the runs of which it is known.
    pub fn summary(&self, group: usize, figure: Metric) -> Option<Summary> {
        let runs = self.groups[group].runs.iter();
        let values: Vec<f64> = runs.filter_map(|run| (figure.of)(&self.runs[*run])).collect();
        Summary::of(&values)
    }

    /// The tests of every figure between every two groups that have several runs.
    pub fn tests(&self) -> Vec<SeedTest> {
        let mut tests = Vec::new();
        for figure in Metric::ALL {
            for groups in pairs(self.groups.len()) {
                let [a, b] = groups.map(|group| self.summary(group, figure));
                let (Some(a), Some(b)) = (a, b) else { continue };
                tests.extend(welch(&a, &b).map(|test| SeedTest { figure, groups, test }));
            }
        }
        tests
    }

    /// Every two runs of different groups whose models were asked; all pairs if there is one group.
    pub fn model_pairs(&self) -> Vec<ModelPair> {
        let group = |run: &usize| self.groups.iter().position(|group| group.runs.contains(run));
        let is_apart = |[a, b]: &[usize; 2]| self.groups.len() == 1 || group(a) != group(b);
        let apart = pairs(self.runs.len()).into_iter().filter(is_apart);
        apart.filter_map(|runs| self.model_pair(runs)).collect()
    }

    fn model_pair(&self, runs: [usize; 2]) -> Option<ModelPair> {
        let [Some(a), Some(b)] = runs.map(|run| self.runs[run].answers.as_ref()) else {
            return None;
        };
        let (mut both, mut neither, mut only) = (0, 0, [vec![], vec![]]);
        for (image, right) in a.right.iter().zip(&b.right).enumerate() {
            match right {
                (true, true) => both += 1,
                (false, false) => neither += 1,
                (true, false) => only[0].push(image),
                (false, true) => only[1].push(image),
            }
        }
        let p = mcnemar(only[0].len(), only[1].len());
        Some(ModelPair { runs, both, neither, only, p })
    }

    /// Returns the data set on which the models were run, if any was.
    pub fn measured_on(&self) -> Option<&'static DatasetInfo> {
        self.runs.iter().find_map(|run| Some(run.answers.as_ref()?.evaluation.dataset))
    }

    /// Returns the names of the classes: those of the images on which the models were run, or else of the first run.
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
            let models = group.runs.iter().filter_map(|run| self.runs[*run].answers.as_ref());
            let values: Vec<f64> = models.map(|a| a.evaluation.classes()[class].f1).collect();
            Summary::of(&values).map(|summary| summary.mean)
        };
        let f1 = |class| self.groups.iter().map(|group| mean(group, class)).collect();
        let classes = self.class_names().into_iter().enumerate();
        classes.map(|(class, name)| ClassF1 { name, f1: f1(class) }).collect()
    }
}

/// Every two different numbers below `count`, the smaller first.
fn pairs(count: usize) -> Vec<[usize; 2]> {
    (0..count).flat_map(|a| (a + 1..count).map(move |b| [a, b])).collect()
}
