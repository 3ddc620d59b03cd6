//! One bar for several trainings at once.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::train::{Reporter, RunRecord, RunningSums};

/// How finely an epoch moves the bar.
const PER_EPOCH: u64 = 1000;

/// A bar on standard error that counts the epochs of all trainings.
#[derive(Debug, Clone)]
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar for so many epochs in all.
    #[must_use]
    pub fn new(epochs: usize) -> Self {
        let style = ProgressStyle::with_template("{wide_bar:.cyan/blue} {percent}%  {eta} left");
        let style = style.expect("the template is a constant");
        let bar = ProgressBar::new(epochs as u64 * PER_EPOCH).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// What one of the trainings reports to.
    #[must_use]
    pub fn part(&self) -> impl Reporter + use<> {
        Part { bar: self.0.clone(), done: 0 }
    }

    /// Writes something above the bar.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// One training's part of a bar.
struct Part {
    bar: ProgressBar,
    done: u64,
}

impl Part {
    fn is_at(&mut self, done: u64) {
        self.bar.inc(done.saturating_sub(self.done));
        self.done = self.done.max(done);
    }
}

impl Reporter for Part {
    fn start(&mut self, record: &RunRecord, _: Option<&Path>) {
        self.is_at(record.epochs.len() as u64 * PER_EPOCH);
    }

    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        let part = sums.batches as u64 * PER_EPOCH / batches.max(1) as u64;
        self.is_at((epoch as u64 - 1) * PER_EPOCH + part);
    }
}
