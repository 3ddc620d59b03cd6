//! `lenet train --seeds`: the same training from several seeds, a row for each, their mean and deviation.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::{TrainArgs, Typed};
use crate::error::Error;
use crate::ops::LeNetBackend;
use crate::train::{Output, Quiet, Saved, Settings};
use crate::ui::Out;

use crate::commands::gate;

use super::run::{Inputs, Run};
use super::settings;

/// What stands for the seed in the name of an output file.
const PLACE: &str = "{seed}";

/// One run's figures, as its event has them.
#[derive(Debug, Serialize)]
struct Row {
    seed: u64,
    /// Of training, over all epochs.
    seconds: f64,
    val_loss: Option<f64>,
    val_accuracy: Option<f64>,
    test_loss: f64,
    test_accuracy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
}

/// Trains from each of `seeds`, one after the other.
pub(super) fn train<B: LeNetBackend>(
    args: &TrainArgs,
    seeds: &[u64],
    device: &B::Device,
    device_name: &str,
) -> Result<(), Error> {
    // All names before the first run: a name that is taken should not cost the runs before it.
    let outputs = claim(args, seeds)?;
    let first = settings(args, None)?;
    let inputs = Inputs::load(args, &first, device, device_name)?;
    let mut out = Table::new(args);
    let mut rows = Vec::new();
    for (seed, output) in seeds.iter().zip(outputs) {
        let run = Run {
            inputs: &inputs,
            settings: Settings {
                seed: *seed,
                ..first.clone()
            },
            output,
        };
        if rows.is_empty() {
            out.start(&run, seeds);
        }
        let earlier = match &run.output {
            Some(output) if args.resume => output.read_state()?,
            _ => None,
        };
        let row =
            row::<B>(&run, earlier).map_err(|error| advise(error, args, seeds, rows.len()))?;
        out.row(&row);
        rows.push(row);
    }
    out.summary(&rows);
    out.out.finish()?;
    gate(
        figures(&rows, |row| row.test_accuracy).mean,
        args.min_accuracy,
    )
}

fn row<B: LeNetBackend>(run: &Run<'_, B::Device>, earlier: Option<Saved>) -> Result<Row, Error> {
    let (state, test) = run.train::<B>(earlier, &mut Quiet)?;
    let last = state.history.last();
    Ok(Row {
        seed: run.settings.seed,
        seconds: state.history.iter().map(|epoch| epoch.seconds).sum(),
        val_loss: last.and_then(|epoch| epoch.val_loss),
        val_accuracy: last.and_then(|epoch| epoch.val_accuracy),
        test_loss: test.loss(),
        test_accuracy: test.accuracy(),
        path: run.output.as_ref().map(|o| o.model_path().to_owned()),
    })
}

/// A claim to each seed's files, where files are wanted.
fn claim(args: &TrainArgs, seeds: &[u64]) -> Result<Vec<Option<Output>>, Error> {
    let Some(pattern) = &args.output else {
        return Ok(seeds.iter().map(|_| None).collect());
    };
    let pattern = pattern.to_string_lossy();
    if !pattern.contains(PLACE) {
        return Err(Error::Usage(format!(
            "with --seeds, -o needs {PLACE} in the name, as in -o model-{PLACE}.mpk"
        )));
    }
    let name = |seed: &u64| PathBuf::from(pattern.replace(PLACE, &seed.to_string()));
    let claim = |path: &Path| Output::claim(Some(path), args.resume, args.force);
    seeds
        .iter()
        .map(|seed| claim(&name(seed)).map(Some))
        .collect()
}

/// Says how to come by the seeds that are left after a signal.
fn advise(error: Error, args: &TrainArgs, seeds: &[u64], done: usize) -> Error {
    let Error::Stopped { signal, .. } = error else {
        return error;
    };
    let typed = Typed::now().without("--force").without("--resume");
    let advice = match args.output {
        Some(_) => format!(
            "everything is saved; go on with: {}",
            typed.with(["--resume"])
        ),
        None => {
            let left: Vec<String> = seeds[done..].iter().map(u64::to_string).collect();
            let others = typed.without_value("--seeds");
            format!(
                "the rows above are whole; the others come with: {}",
                others.with(["--seeds", &left.join(",")])
            )
        }
    };
    Error::Stopped { signal, advice }
}

/// Mean and sample standard deviation (n - 1; none for a single run), least and greatest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Figures {
    mean: f64,
    sd: Option<f64>,
    min: f64,
    max: f64,
}

fn figures(rows: &[Row], of: impl Fn(&Row) -> f64) -> Figures {
    let n = rows.len() as f64;
    let values = || rows.iter().map(&of);
    let mean = values().sum::<f64>() / n;
    let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
    Figures {
        mean,
        sd: (rows.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
        min: values().fold(f64::INFINITY, f64::min),
        max: values().fold(f64::NEG_INFINITY, f64::max),
    }
}

/// The rows on standard output, as a table or as events.
struct Table {
    out: Out,
    json: bool,
    quiet: bool,
}

impl Table {
    fn new(args: &TrainArgs) -> Self {
        Self {
            out: Out::default(),
            json: args.json,
            quiet: args.quiet && !args.json,
        }
    }

    fn line(&mut self, text: &str) {
        if !self.quiet {
            self.out.line(text);
        }
    }

    fn start<D>(&mut self, run: &Run<'_, D>, seeds: &[u64]) {
        let start = run.start(0);
        if self.json {
            let mut event = event("start", &start);
            event.shift_remove("seed");
            event.insert("seeds".to_owned(), json!(seeds));
            self.out.json(&event);
            return;
        }
        let (train, validation) = (start.train_samples, start.validation_samples);
        self.line(&format!(
            "Train on {train} samples, validate on {validation} samples, {} epochs, from {} seeds",
            start.epochs,
            seeds.len()
        ));
        self.line("seed  seconds  val_loss  val_accuracy  test_loss  test_accuracy");
    }

    fn row(&mut self, row: &Row) {
        if self.json {
            self.out.json(&event("seed", row));
            return;
        }
        let seed = row.seed.to_string();
        let values = [
            row.val_loss,
            row.val_accuracy,
            Some(row.test_loss),
            Some(row.test_accuracy),
        ];
        self.line(&line(&seed, Some(row.seconds), values));
    }

    fn summary(&mut self, rows: &[Row]) {
        let validated = rows.iter().all(|row| row.val_accuracy.is_some());
        let of = |value: fn(&Row) -> Option<f64>| {
            validated.then(|| figures(rows, |row| value(row).unwrap_or_default()))
        };
        let [val_loss, val_accuracy] = [of(|row| row.val_loss), of(|row| row.val_accuracy)];
        let seconds = figures(rows, |row| row.seconds);
        let test_loss = figures(rows, |row| row.test_loss);
        let test_accuracy = figures(rows, |row| row.test_accuracy);
        if self.json {
            self.out.json(&json!({
                "event": "summary", "runs": rows.len(), "seconds": seconds,
                "val_loss": val_loss, "val_accuracy": val_accuracy,
                "test_loss": test_loss, "test_accuracy": test_accuracy,
            }));
            return;
        }
        let all = [val_loss, val_accuracy, Some(test_loss), Some(test_accuracy)];
        let means = all.map(|figures| figures.map(|f| f.mean));
        self.line(&line("mean", Some(seconds.mean), means));
        let deviations = all.map(|figures| figures.and_then(|f| f.sd));
        self.line(&line("sd", seconds.sd, deviations));
    }
}

/// An event of this name with the fields of `value`.
fn event(name: &str, value: &impl Serialize) -> Map<String, Value> {
    let mut event = Map::from_iter([("event".to_owned(), json!(name))]);
    let fields = serde_json::to_value(value).expect("numbers and strings always become JSON");
    if let Value::Object(fields) = fields {
        event.extend(fields);
    }
    event
}

/// One line of the table.
fn line(name: &str, seconds: Option<f64>, values: [Option<f64>; 4]) -> String {
    let number = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    };
    let [a, b, c, d] = values.map(|value| number(value, 4));
    let seconds = number(seconds, 1);
    format!("{name:>4}  {seconds:>7}  {a:>8}  {b:>12}  {c:>9}  {d:>13}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(test_accuracy: f64) -> Row {
        Row {
            seed: 1,
            seconds: 1.0,
            val_loss: None,
            val_accuracy: None,
            test_loss: 0.5,
            test_accuracy,
            path: None,
        }
    }

    #[test]
    fn the_deviation_is_the_samples_and_a_single_run_has_none() {
        let found = figures(&[row(0.7), row(0.8), row(0.9)], |row| row.test_accuracy);
        assert!((found.mean - 0.8).abs() < 1e-12);
        assert!((found.sd.unwrap() - 0.1).abs() < 1e-12);
        assert_eq!((found.min, found.max), (0.7, 0.9));
        assert_eq!(figures(&[row(0.7)], |row| row.test_accuracy).sd, None);
    }
}
