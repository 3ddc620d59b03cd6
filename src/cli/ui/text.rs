//! A training run as lines of text, with a progress bar on a terminal.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::error::Error;
use crate::train::{EpochRecord, Reporter, RunRecord, RunningSums, TestRecord};

use super::format::count;
use super::{Out, RunReporter, bar_columns, columns};

/// Prints one line per epoch, as Keras does in the notebook.
pub struct TextReporter {
    out: Out,
    /// The progress bar, hidden until the first progress update, or for the whole run without `has_bar`.
    bar: ProgressBar,
    has_bar: bool,
    /// Terminal width for which the bar was laid out.
    columns: usize,
    epochs: usize,
    /// Time of the last note about a long epoch.
    last: Instant,
    /// Time until the next note.
    pause: Duration,
}

/// An epoch whose remaining time, in seconds, is longer than this gets a note.
const LONG: f64 = 20.0;

impl TextReporter {
    /// Creates a reporter, with a progress bar on stderr if `has_bar` is set.
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

    /// Prints the remaining time of a long epoch if there is no progress bar: after three seconds, then once per minute.
    fn note_long_epoch(&mut self, epoch: usize, batches: usize, sums: &RunningSums) {
        let done = sums.batches as f64 / batches as f64;
        let left = sums.seconds / done - sums.seconds;
        if self.last.elapsed() >= self.pause && left > LONG {
            super::note(&format!(
                "note: epoch {epoch}/{} is at {:.0}%, about {} left",
                self.epochs,
                100.0 * done,
                duration(left)
            ));
            self.last = Instant::now();
            self.pause = Duration::from_secs(60);
        }
    }

    /// Resets the bar for the next epoch.
    fn begin(&mut self, epoch: usize) {
        self.fit_bar();
        self.bar.reset();
        self.bar.set_prefix(format!("{}/{}", epoch.min(self.epochs), self.epochs));
        self.bar.set_message("");
    }

    /// Adapts the layout of the bar to the current width of the terminal.
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
            return self.note_long_epoch(epoch, batches, sums);
        }
        self.fit_bar();
        let bar = &self.bar;
        if bar.length() != Some(batches as u64) {
            bar.set_length(batches as u64);
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let message = format!("accuracy: {:.4}", sums.accuracy());
        bar.set_message(match self.columns {
            0..NARROW => message,
            NARROW..WIDE => format!("loss: {:.4}  {message}", sums.mean_loss()),
            _ => {
                let rate = sums.samples as f64 / sums.seconds.max(f64::MIN_POSITIVE);
                let rate = count(rate as usize);
                format!("loss: {:.4}  {message}  {rate} images/s", sums.mean_loss())
            }
        });
        bar.set_position(sums.batches as u64);
    }

    fn epoch(&mut self, record: &EpochRecord, samples: usize) {
        let EpochRecord { epoch, seconds, loss, accuracy, .. } = record;
        let each = seconds / samples.max(1) as f64;
        // A narrow window omits the parts with the highest numbers first.
        let mut parts = vec![
            (0, format!("Epoch {epoch}/{}", self.epochs)),
            (5, duration(*seconds)),
            (6, format!("{}/sample", duration(each))),
            (4, format!("loss: {loss:.4}")),
            (2, format!("accuracy: {accuracy:.4}")),
        ];
        if let (Some(loss), Some(accuracy)) = (record.val_loss, record.val_accuracy) {
            parts.push((3, format!("val_loss: {loss:.4}")));
            parts.push((1, format!("val_accuracy: {accuracy:.4}")));
        }
        let line = fit(parts, columns());
        self.begin(epoch + 1);
        self.line(&line)
    }
}

impl RunReporter for TextReporter {
    fn start(&mut self, record: &RunRecord, output: Option<&Path>) {
        self.epochs = record.settings.epochs;
        self.begin(record.epochs.len() + 1);
        let RunRecord { train_samples, validation_samples, .. } = record;
        self.line(&match validation_samples {
            0 => format!("Train on {train_samples} samples"),
            _ => format!(
                "Train on {train_samples} samples, validate on {validation_samples} samples"
            ),
        });
        self.line(&fit(setup(record, output), columns()));
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

/// Returns the values that distinguish a run from others, for [`fit`].
fn setup(record: &RunRecord, output: Option<&Path>) -> Vec<(u8, String)> {
    let settings = &record.settings;
    let dataset = record.dataset.as_ref().filter(|dataset| dataset.is_named());
    let dataset = dataset.map(|dataset| match &dataset.name {
        Some(name) => name.clone(),
        None => format!("data set of {} classes", dataset.classes.len()),
    });
    // The instruction set in `CPU (avx2)` is a detail for `lenet doctor`.
    let device = record.device.split(" (").next().unwrap_or_default();
    let mut parts = vec![
        (0, dataset.unwrap_or_else(|| "unknown data set".to_owned())),
        (1, format!("recipe: {}", settings.recipe.name)),
        (2, format!("seed: {}", settings.seed)),
        (4, format!("device: {device}")),
    ];
    parts.extend(output.map(|output| (3, format!("model: {}", output.display()))));
    parts
}

/// Joins parts to a line of at most `columns` characters. If the line is too long, the parts with the highest numbers
/// are omitted first. Parts with number 0 are always kept.
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

/// Minimum widths, in columns, at which the bar also shows the loss, and the images per second.
const NARROW: usize = 96;
const WIDE: usize = 120;

/// Returns the style of a progress bar for a window with `columns` columns. Some columns stay free, because the `^C` that a
/// terminal echoes would otherwise wrap the line.
fn bar_style(columns: usize) -> ProgressStyle {
    let (reserved, middle) = match columns {
        0..40 => (columns, ""),
        40..72 => (52, "{percent}%  {msg}  "),
        72..NARROW => (60, "{pos}/{len}  {msg}  "),
        NARROW..WIDE => (74, "{pos}/{len}  {msg}  "),
        _ => (92, "{pos}/{len}  {msg}  "),
    };
    let template = match columns.saturating_sub(reserved).min(60) {
        0..4 if middle.is_empty() => "Epoch {prefix} {percent}%".to_owned(),
        0..4 => format!("Epoch {{prefix}}  {middle}{{eta}} left"),
        bar => format!("Epoch {{prefix}} {{bar:{bar}.cyan/blue}} {middle}{{eta}} left"),
    };
    ProgressStyle::with_template(&template).expect("the template is one of these")
}

/// Formats a duration with about two digits and its unit.
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
    fn narrow_line_omits_highest_numbers_first() {
        let parts = || [(0, "one"), (2, "two"), (1, "three")].map(|(n, part)| (n, part.to_owned()));
        let line = |columns| fit(parts().to_vec(), columns);
        assert_eq!(line(15), "one  two  three");
        assert_eq!((line(14), line(9)), ("one  three".to_owned(), "one".to_owned()));
        assert_eq!(line(1), "one");
    }

    #[test]
    fn durations_have_two_digits_and_unit() {
        let texts = [12.34, 0.97, 0.5, 0.001, 0.000_019, 0.000_009_1].map(duration);
        assert_eq!(texts, ["12.3s", "1.0s", "500ms", "1ms", "19us", "9.1us"]);
    }
}
