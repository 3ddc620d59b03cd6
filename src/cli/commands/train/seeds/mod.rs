//! `lenet train --seeds`: the same training from several seeds, a row for each, their mean and deviation.

mod table;

use std::path::PathBuf;
use std::sync::{Mutex, mpsc};

use crate::backend::LeNetBackend;
use crate::cli::args::{self, ComputeArgs, TrainArgs};
use crate::cli::error::Error;
use crate::cli::ui::{Bar, RunReporter, bars_wanted};
use crate::train::{Quiet, RunFiles, RunRecord, Settings};

use crate::cli::commands::gate;

use super::run::{Splits, TrainingRun};
use super::{like, note_differences, settings};
use table::{Row, Table};

/// What stands for the seed in the name of an output file.
const PLACE: &str = "{seed}";

/// Trains from each of `seeds`, as many side by side as is fastest. Each is the run that it would be alone, so neither its weights
/// nor its row depend on the others.
pub(super) fn train<B: LeNetBackend>(
    args: &TrainArgs,
    seeds: &[u64],
    device: &B::Device,
    device_name: &str,
) -> Result<(), Error> {
    // All names before the first run: a name that is taken should not cost the runs before it.
    let outputs = claim(args, seeds)?;
    let like = like(args)?;
    let settings = settings(args, like.as_ref())?;
    let (splits, record) = Splits::load(args, settings, device_name)?;
    note_differences(like.as_ref(), &record);
    let of = |(seed, output): (&u64, _)| {
        let settings = Settings { seed: *seed, ..record.settings.clone() };
        TrainingRun {
            splits: &splits,
            device,
            record: RunRecord { settings, ..record.clone() },
            output,
        }
    };
    let runs: Vec<_> = seeds.iter().zip(outputs).map(of).collect();
    let mut table = Table::new(args);
    let output = runs.first().and_then(|run| run.output.as_ref());
    table.start(&record, output.map(RunFiles::model_path), seeds);
    table.bar = bars_wanted(args.progress).then(|| Bar::new(runs.len() * record.settings.epochs));
    let (rows, failure) = run_in_parallel::<B>(runs, args, &mut table);
    if let Some(bar) = table.bar.take() {
        bar.finish();
    }
    if let Some(error) = failure {
        let is_left = |seed: &u64| rows.iter().all(|row| row.seed() != *seed);
        let left: Vec<u64> = seeds.iter().copied().filter(is_left).collect();
        return Err(error.with_advice(|| advice(args, &left)));
    }
    table.summary(&rows);
    table.finish()?;
    let accuracies = rows.iter().map(|row| row.test.accuracy);
    gate(accuracies.sum::<f64>() / rows.len() as f64, args.min_accuracy)
}

/// Returns the number of runs to train in parallel for the best throughput on `threads` CPU threads.
///
/// On the CPU, a run on one thread never waits for another thread. A GPU has one queue for all runs.
fn parallel_runs(compute: &ComputeArgs, threads: usize) -> usize {
    match args::name(&compute.backend).as_str() {
        "ndarray" => threads,
        _ => 1,
    }
}

/// Trains all runs and returns their rows in order. Each row is printed as soon as all rows before it are. If a run fails, returns the
/// first error with the rows of the runs that completed nevertheless.
fn run_in_parallel<B: LeNetBackend>(
    runs: Vec<TrainingRun<'_, B::Device>>,
    args: &TrainArgs,
    table: &mut Table,
) -> (Vec<Row>, Option<Error>) {
    let bar = table.bar.clone();
    let threads = rayon::current_num_threads();
    let workers = parallel_runs(&args.compute, threads).clamp(1, runs.len().max(1));
    let mut rows: Vec<Option<Row>> = runs.iter().map(|_| None).collect();
    let queue = Mutex::new(runs.into_iter().enumerate());
    let (sender, receiver) = mpsc::channel();
    let work = |sender: mpsc::Sender<_>| {
        let next = || queue.lock().ok()?.next();
        while let Some((number, run)) = next() {
            let row = row::<B>(run, args.resume, bar.as_ref());
            let has_failed = row.is_err();
            if sender.send((number, row)).is_err() || has_failed {
                break;
            }
        }
    };
    let mut failure = None;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads / workers);
            let started = pool.build().map_err(|error| error.to_string()).and_then(|pool| {
                let (work, sender) = (&work, sender.clone());
                let thread = std::thread::Builder::new();
                let thread = thread.spawn_scoped(scope, move || pool.install(|| work(sender)));
                thread.map_err(|error| error.to_string())
            });
            if let Err(error) = started {
                failure = Some(Error::Threads(error));
                break;
            }
        }
        drop(sender);
        let mut written = 0;
        for (number, row) in receiver {
            match row {
                Ok(row) => rows[number] = Some(row),
                Err(error) => failure = failure.take().or(Some(error)),
            }
            while let Some(Some(row)) = rows.get(written) {
                table.row(row);
                written += 1;
            }
        }
        // Whole rows behind one that is not.
        let behind = rows.iter().skip(written).flatten();
        behind.for_each(|row| table.row(row));
    });
    (rows.into_iter().flatten().collect(), failure)
}

fn row<B: LeNetBackend>(
    mut run: TrainingRun<'_, B::Device>,
    resume: bool,
    bar: Option<&Bar>,
) -> Result<Row, Error> {
    let earlier = match &mut run.output {
        Some(output) if resume => output.read_checkpoint()?,
        _ => None,
    };
    let mut reporter: Box<dyn RunReporter> = match bar {
        Some(bar) => Box::new(bar.part()),
        None => Box::new(Quiet),
    };
    let (record, test) = run.train::<B>(earlier, reporter.as_mut(), None)?;
    let path = run.output.as_ref().map(|output| output.model_path().to_owned());
    Ok(Row { record, test, path })
}

/// A claim to each seed's files, where files are wanted.
fn claim(args: &TrainArgs, seeds: &[u64]) -> Result<Vec<Option<RunFiles>>, Error> {
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
    let reserve = |seed| Ok(Some(RunFiles::reserve(Some(&name(seed)), args.resume, args.force)?));
    seeds.iter().map(reserve).collect()
}

/// How to come by the seeds that are left after a signal.
fn advice(args: &TrainArgs, left: &[u64]) -> String {
    if args.output.is_some() {
        let typed = args::rerun_command(None, &["--resume".as_ref()]);
        return format!("everything is saved; go on with: {typed}");
    }
    let left: Vec<String> = left.iter().map(u64::to_string).collect();
    let left = left.join(",");
    let typed = args::rerun_command(Some("--seeds"), &["--seeds".as_ref(), left.as_ref()]);
    format!("the rows above are whole; the others come with: {typed}")
}
