//! One bar for several trainings at once.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::train::{Reporter, RunRecord, RunningSums};

use super::RunReporter;

/// How finely an epoch moves the bar.
const PER_EPOCH: u64 = 1000;

/// A bar on standard error that counts the epochs of all trainings.
#[derive(Debug, Clone)]
pub struct Bar {
    bar: ProgressBar,
    /// How far the training is that reports to this value.
    done: u64,
}

impl Bar {
    /// A bar for so many epochs in all.
    pub fn new(epochs: usize) -> Self {
        let style = ProgressStyle::with_template("{wide_bar:.cyan/blue} {percent}%  {eta} left");
        let style = style.expect("the template is a constant");
        let bar = ProgressBar::new(epochs as u64 * PER_EPOCH).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, done: 0 }
    }

    /// The same bar, for one of the trainings to report to.
    pub fn part(&self) -> Self {
        self.clone()
    }

    /// Writes something above the bar.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn is_at(&mut self, done: u64) {
        self.bar.inc(done.saturating_sub(self.done));
        self.done = self.done.max(done);
    }
}

impl RunReporter for Bar {
    fn start(&mut self, record: &RunRecord, _: Option<&Path>) {
        self.is_at(record.epochs.len() as u64 * PER_EPOCH);
    }
}

impl Reporter for Bar {
    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        let part = sums.batches as u64 * PER_EPOCH / batches.max(1) as u64;
        self.is_at((epoch as u64 - 1) * PER_EPOCH + part);
    }
}
