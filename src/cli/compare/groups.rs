//! Groups of runs and the comparisons between them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cli::report::differences::only_correct;
use crate::data::{DatasetIdentity, DatasetInfo, DatasetNames, ImageDataset};

use super::setting::{Setting, defaults};
use super::statistics::{Summary, Welch, mcnemar, welch};
use super::{Metric, Run};

/// Maximum number of groups for pairwise tests.
pub const MAX_GROUPS: usize = 6;
/// Maximum number of pairs of models to compare.
const MAX_PAIRS: usize = 50;
/// Maximum number of listed images that only one model classifies correctly.
const MAX_LISTED: usize = 100;

/// Runs that differ only in their seed, or logs of another framework whose names differ only in numbers.
#[derive(Default)]
pub struct Group {
    pub name: String,
    /// Indices of the runs.
    pub runs: Vec<usize>,
}

/// A setting that differs between groups or runs.
#[derive(Serialize)]
pub struct Difference {
    /// Name in the run record.
    pub setting: String,
    /// Value in each group or run, or `None` if it is unknown or not set.
    pub values: Vec<Option<Setting>>,
    /// Whether each value is the default of its recipe. If so, the name of the recipe already distinguishes them.
    #[serde(skip)]
    pub is_implied: bool,
}

/// Welch's t-test of a metric between the groups with the indices `a` and `b`.
#[derive(Serialize)]
pub struct SeedTest {
    #[serde(flatten)]
    pub metric: Metric,
    pub a: usize,
    pub b: usize,
    #[serde(flatten)]
    pub test: Welch,
}

/// A class with its mean F1 in each group, or `None` for a group without predictions.
#[derive(Serialize)]
pub struct ClassF1 {
    pub name: String,
    pub f1: Vec<Option<f64>>,
}

/// Comparison of the predictions of two models, those of the runs with the indices `a` and `b`.
#[derive(Serialize)]
pub struct ModelPair {
    pub a: usize,
    pub b: usize,
    /// Number of images that both models classify correctly.
    pub both: usize,
    /// Number of images that only the first model classifies correctly.
    pub only_a: usize,
    pub only_b: usize,
    /// Number of images that neither model classifies correctly.
    pub neither: usize,
    /// The p-value of McNemar's exact test.
    pub p: f64,
    /// The first images that only the first model classifies correctly.
    pub images_a: Vec<usize>,
    pub images_b: Vec<usize>,
}

/// Runs and their groups, in the order of the first run of each group.
pub struct Comparison {
    pub runs: Vec<Run>,
    /// The test images, if models were evaluated.
    pub dataset: Option<ImageDataset>,
    pub groups: Vec<Group>,
    /// Index of the group of each run.
    pub group_of: Vec<usize>,
    /// The settings that differ between groups.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Groups `runs`, whose predictions are for the images of `dataset`.
    pub fn new(runs: Vec<Run>, dataset: Option<ImageDataset>) -> Self {
        let (groups, group_of) = grouped(&runs);
        let firsts: Vec<&Run> = groups.iter().map(|group| &runs[group.runs[0]]).collect();
        let differences = differences(&firsts);
        Self { runs, dataset, groups, group_of, differences }
    }

    /// Returns whether there are few enough groups for pairwise tests.
    pub fn has_few_groups(&self) -> bool {
        self.groups.len() <= MAX_GROUPS
    }

    /// Summarises a metric over the runs of a group for which it is known.
    pub fn summary(&self, group: &Group, metric: Metric) -> Option<Summary> {
        let values = group.runs.iter().filter_map(|run| (metric.of)(&self.runs[*run]));
        Summary::of(&values.collect::<Vec<_>>())
    }

    /// Tests every metric between all pairs of groups that have several runs, if there are at most [`MAX_GROUPS`] groups.
    pub fn tests(&self) -> Vec<SeedTest> {
        let mut tests = Vec::new();
        for metric in Metric::ALL {
            for [a, b] in pairs(self.groups.len()).filter(|_| self.has_few_groups()) {
                let summaries = [a, b].map(|group| self.summary(&self.groups[group], metric));
                let [Some(first), Some(second)] = summaries else { continue };
                tests.extend(welch(&first, &second).map(|test| SeedTest { metric, a, b, test }));
            }
        }
        tests
    }

    /// Compares the predictions of the first pairs of models in different groups, or in one group if there is only one.
    /// Returns these pairs and the number of the others. With more than [`MAX_GROUPS`] groups, no pair is compared.
    pub fn model_pairs(&self) -> (Vec<ModelPair>, usize) {
        let runs = 0..self.runs.len();
        let models: Vec<_> = runs.filter(|run| self.runs[*run].predictions.is_some()).collect();
        let is_compared =
            |[a, b]: &[usize; 2]| self.groups.len() == 1 || self.group_of[*a] != self.group_of[*b];
        let all = pairs(models.len()).map(|pair| pair.map(|index| models[index]));
        let mut all = all.filter(is_compared);
        let most = if self.has_few_groups() { MAX_PAIRS } else { 0 };
        let first = all.by_ref().take(most).filter_map(|[a, b]| self.model_pair(a, b)).collect();
        (first, all.count())
    }

    fn model_pair(&self, a: usize, b: usize) -> Option<ModelPair> {
        let [first, second] = [a, b].map(|run| self.runs[run].predictions.as_ref());
        let (first, second, labels) = (first?, second?, self.dataset.as_ref()?.labels());
        let [mut images_a, mut images_b] =
            only_correct(labels, [&first.predicted, &second.predicted]);
        let (only_a, only_b) = (images_a.len(), images_b.len());
        let both = first.evaluation.correct() - only_a;
        let neither = labels.len() - both - only_a - only_b;
        images_a.truncate(MAX_LISTED);
        images_b.truncate(MAX_LISTED);
        let p = mcnemar(only_a, only_b);
        Some(ModelPair { a, b, both, only_a, only_b, neither, p, images_a, images_b })
    }

    /// Returns the data set on which the models were evaluated, or `None` if no model was evaluated.
    pub fn measured_on(&self) -> Option<&DatasetInfo> {
        self.runs.iter().find_map(|run| Some(&run.predictions.as_ref()?.evaluation.dataset))
    }

    /// Returns the class names of the data set on which the models were evaluated, or else of the first run.
    fn class_names(&self) -> Vec<String> {
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
            let values = models.filter_map(|model| Some(model.evaluation.classes().get(class)?.f1));
            Summary::of(&values.collect::<Vec<_>>()).map(|summary| summary.mean)
        };
        let f1 = |class| self.groups.iter().map(|group| mean(group, class)).collect();
        let classes = self.class_names().into_iter().enumerate();
        classes.map(|(class, name)| ClassF1 { name, f1: f1(class) }).collect()
    }
}

/// Groups `runs`. Returns the groups, and the index of the group of each run.
fn grouped(runs: &[Run]) -> (Vec<Group>, Vec<usize>) {
    let (mut groups, mut known, mut group_of) = (Vec::<Group>::new(), BTreeMap::new(), Vec::new());
    for (number, run) in runs.iter().enumerate() {
        let group = *known.entry((run.framework, &run.kind, &run.settings)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Group::default());
        }
        groups[group].runs.push(number);
        group_of.push(group);
    }
    let mut kinds = BTreeMap::<&String, usize>::new();
    groups.iter().for_each(|group| *kinds.entry(&runs[group.runs[0]].kind).or_default() += 1);
    for group in &mut groups {
        let Run { name: first, kind, .. } = &runs[group.runs[0]];
        // A group of one run has the name of the run. Groups of one kind are distinguished by their first runs.
        group.name = match (group.runs.len(), kinds[kind]) {
            (1, _) => first.clone(),
            (_, 1) => kind.clone(),
            _ => format!("{kind} ({first}, ..)"),
        };
    }
    (groups, group_of)
}

/// Returns the settings that differ between `runs`, with their value in each run.
pub fn differences(runs: &[&Run]) -> Vec<Difference> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.settings.keys()).collect();
    // Runs of other frameworks have unknown settings, which do not count as a difference.
    let differs = |name: &&String| {
        let known = runs.iter().filter(|run| run.framework == "lenet");
        known.map(|run| run.settings.get(*name)).collect::<BTreeSet<_>>().len() > 1
    };
    let kinds: BTreeSet<&String> = runs.iter().map(|run| &run.kind).collect();
    let defaults: BTreeMap<_, _> = kinds.into_iter().map(|kind| (kind, defaults(kind))).collect();
    let is_default = |run: &&Run, name| run.settings.get(name) == defaults[&run.kind].get(name);
    let differing = names.into_iter().filter(differs).map(|name| Difference {
        setting: name.clone(),
        values: runs.iter().map(|run| run.settings.get(name).cloned()).collect(),
        is_implied: name != "recipe.name" && runs.iter().all(|run| is_default(run, name)),
    });
    differing.collect()
}

/// Returns all pairs of indices below `count`, the smaller index first.
fn pairs(count: usize) -> impl Iterator<Item = [usize; 2]> {
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| [a, b]))
}
