//! One progress bar for several runs.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use crate::train::{Reporter, RunRecord, RunningSums};

use super::RunReporter;

/// Bar units per epoch.
const PER_EPOCH: u64 = 1000;

/// A progress bar on stderr over the epochs of all runs. Each run reports to its own clone.
#[derive(Debug, Clone)]
pub struct Bar {
    bar: ProgressBar,
    /// Units reported by this clone.
    done: u64,
}

impl Bar {
    /// Creates a bar for `epochs` epochs in total.
    pub fn new(epochs: usize) -> Self {
        let style = ProgressStyle::with_template("{wide_bar:.cyan/blue} {percent}%  {eta} left");
        let style = style.expect("the template is a constant");
        // The bar has no update thread, because indicatif panics if it cannot start one. Runs report progress often enough
        // without it.
        let bar = ProgressBar::new(epochs as u64 * PER_EPOCH).with_style(style);
        Self { bar, done: 0 }
    }

    /// Hides the bar while `write` runs.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn advance_to(&mut self, done: u64) {
        self.bar.inc(done.saturating_sub(self.done));
        self.done = self.done.max(done);
    }
}

impl RunReporter for Bar {
    fn start(&mut self, record: &RunRecord, _: Option<&Path>) {
        self.advance_to(record.epochs.len() as u64 * PER_EPOCH);
    }
}

impl Reporter for Bar {
    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        let fraction = sums.batches as u64 * PER_EPOCH / batches.max(1) as u64;
        self.advance_to((epoch as u64 - 1) * PER_EPOCH + fraction);
    }
}
