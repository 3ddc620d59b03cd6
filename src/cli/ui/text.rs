//! A training as lines of text, with a bar on a terminal.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::error::Error;
use crate::train::{EpochRecord, Reporter, RunRecord, RunningSums, TestRecord};

use super::{Out, RunReporter, bar_columns, columns};

/// Writes what the notebook's Keras writes: a line an epoch.
pub struct TextReporter {
    out: Out,
    /// Hidden until there is something to show, or for good.
    bar: ProgressBar,
    has_bar: bool,
    /// The width of the window that the bar was made for.
    columns: usize,
    epochs: usize,
    /// When something was last said about an epoch that takes long.
    last: Instant,
    /// When to say something next.
    pause: Duration,
}

/// Seconds left from which on an epoch is worth a note.
const LONG: f64 = 20.0;

impl TextReporter {
    /// With a bar on standard error where `has_bar` says so.
    pub fn new(has_bar: bool) -> Self {
        Self {
            out: Out::default(),
            bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
            has_bar,
            columns: 0,
            epochs: 0,
            last: Instant::now(),
            pause: Duration::from_secs(3),
        }
    }

    /// Off a terminal, says how long a slow epoch will still take: after the first seconds, then once a minute.
    fn slow(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        let done = sums.batches as f64 / batches as f64;
        let left = sums.seconds / done - sums.seconds;
        if self.last.elapsed() >= self.pause && left > LONG {
            super::note(&format!(
                "note: epoch {epoch}/{} is at {:.0} %, about {} left",
                self.epochs,
                100.0 * done,
                duration(left)
            ));
            self.last = Instant::now();
            self.pause = Duration::from_secs(60);
        }
    }

    /// The bar of this epoch, if there is one more.
    fn begin(&mut self, epoch: usize) {
        self.fit_bar();
        self.bar.reset();
        self.bar.set_prefix(format!("{}/{}", epoch.min(self.epochs), self.epochs));
        self.bar.set_message("");
    }

    /// The window may have another width than when the bar was last drawn.
    fn fit_bar(&mut self) {
        if self.has_bar && self.columns != bar_columns() {
            self.columns = bar_columns();
            self.bar.set_style(bar_style(self.columns));
        }
    }

    fn line(&mut self, text: &str) {
        self.bar.suspend(|| self.out.line(text));
    }
}

impl Reporter for TextReporter {
    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        if !self.has_bar {
            return self.slow(epoch, batches, sums);
        }
        self.fit_bar();
        let bar = &self.bar;
        if bar.length() != Some(batches as u64) {
            bar.set_length(batches as u64);
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_message(format!("loss: {:.4}  accuracy: {:.4}", sums.mean_loss(), sums.accuracy()));
        bar.set_position(sums.batches as u64);
    }

    fn epoch(&mut self, record: &EpochRecord, samples: usize) {
        let EpochRecord { epoch, seconds, loss, accuracy, .. } = record;
        let each = seconds / samples.max(1) as f64;
        // With what is left out first in a narrow window.
        let mut parts = vec![
            (0, format!("Epoch {epoch}/{}", self.epochs)),
            (4, duration(*seconds)),
            (6, format!("{}/sample", duration(each))),
            (3, format!("loss: {loss:.4}")),
            (5, format!("accuracy: {accuracy:.4}")),
        ];
        if let (Some(loss), Some(accuracy)) = (record.val_loss, record.val_accuracy) {
            parts.push((2, format!("val_loss: {loss:.4}")));
            parts.push((1, format!("val_accuracy: {accuracy:.4}")));
        }
        let line = fit(parts, columns());
        self.begin(epoch + 1);
        self.line(&line)
    }
}

impl RunReporter for TextReporter {
    fn start(&mut self, record: &RunRecord, _: Option<&Path>) {
        self.epochs = record.settings.epochs;
        self.begin(record.epochs.len() + 1);
        let RunRecord { train_samples, validation_samples, .. } = record;
        self.line(&match validation_samples {
            0 => format!("Train on {train_samples} samples"),
            _ => format!(
                "Train on {train_samples} samples, validate on {validation_samples} samples"
            ),
        })
    }

    fn test(&mut self, _: &RunRecord, test: &TestRecord) {
        self.line(&format!("test  loss: {:.4}  accuracy: {:.4}", test.loss, test.accuracy))
    }

    fn saved(&mut self, path: &Path) {
        self.line(&format!("saved {}", path.display()))
    }

    fn note(&mut self, text: &str) {
        self.bar.suspend(|| super::note(text));
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.bar.finish_and_clear();
        self.out.finish()
    }
}

/// The parts in a line of at most so many columns, without those of the highest numbers where they are too many; those
/// of number 0 stay.
pub fn fit(mut parts: Vec<(u8, String)>, columns: usize) -> String {
    loop {
        let line = parts.iter().map(|(_, part)| part.as_str());
        let line = line.collect::<Vec<_>>().join("  ");
        let last = parts.iter().map(|(number, _)| *number).max().unwrap_or(0);
        if line.chars().count() <= columns || last == 0 {
            return line;
        }
        parts.retain(|(number, _)| *number != last);
    }
}

/// A bar for a window of so many columns. It leaves some free: the ^C that a terminal echoes would break the line, and
/// leave half of it.
fn bar_style(columns: usize) -> ProgressStyle {
    let template = match columns {
        0..48 => "Epoch {prefix} {percent}%".to_owned(),
        48..72 => "Epoch {prefix} {pos}/{len}  {msg}".to_owned(),
        72..90 => "Epoch {prefix} {pos}/{len}  {msg}  {eta} left".to_owned(),
        _ => {
            let bar = (columns - 70).min(60);
            format!(
                "Epoch {{prefix}} {{bar:{bar}.cyan/blue}} {{pos}}/{{len}}  {{msg}}  {{eta}} left"
            )
        }
    };
    ProgressStyle::with_template(&template).expect("the template is one of these")
}

/// Two digits or so of a time in seconds, with its unit.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 0.95 => format!("{s:.1}s"),
        s if s >= 0.000_95 => format!("{:.0}ms", s * 1e3),
        s if s >= 0.000_009_5 => format!("{:.0}us", s * 1e6),
        s => format!("{:.1}us", s * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, fit};

    #[test]
    fn a_narrow_line_leaves_out_the_least_useful_first() {
        let parts = || [(0, "one"), (2, "two"), (1, "three")].map(|(n, part)| (n, part.to_owned()));
        let line = |columns| fit(parts().to_vec(), columns);
        assert_eq!(line(15), "one  two  three");
        assert_eq!((line(14), line(9)), ("one  three".to_owned(), "one".to_owned()));
        assert_eq!(line(1), "one");
    }

    #[test]
    fn durations_keep_two_digits_and_name_their_unit() {
        let texts = [12.34, 0.97, 0.5, 0.001, 0.000_019, 0.000_009_1].map(duration);
        assert_eq!(texts, ["12.3s", "1.0s", "500ms", "1ms", "19us", "9.1us"]);
    }
}
