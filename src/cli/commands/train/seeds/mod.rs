//! `lenet train --seeds`: trains with several seeds and prints a row per seed, the mean and the standard deviation.

mod table;

use std::ffi::OsStr;
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use crate::backend::LeNetBackend;
use crate::cli::args::{self, Backend, ComputeArgs, TrainArgs};
use crate::cli::error::Error;
use crate::cli::threads::{start, start_pool};
use crate::cli::ui::{self, Bar, RunReporter, TensorBoard, bars_wanted};
use crate::io::OutputDir;
use crate::train::{Quiet, RunFiles, RunRecord, Settings};

use crate::cli::commands::check_min_accuracy;

use super::overrides::{self, PLACEHOLDER};
use super::run::{Splits, TrainingRun};
use super::{WITHOUT_LOCKS, note_differences, read_like, settings};
use table::{Row, Table};

/// Trains a run with each of `seeds`, several in parallel. The result of a seed does not depend on the other seeds.
pub(super) fn train<B: LeNetBackend>(
    args: &TrainArgs,
    seeds: &[u64],
    deadline: Option<Instant>,
    device: &B::Device,
    device_name: &str,
) -> Result<(), Error> {
    // Lock all files before the first run, so that an existing file is reported before any training.
    let files = reserve(args, seeds)?;
    if files.iter().flatten().any(|files| !files.is_locked()) && !args.quiet {
        ui::note(WITHOUT_LOCKS);
    }
    let like = read_like(args)?;
    let settings = settings(args, like.as_ref())?;
    let (splits, record) = Splits::load(args, settings, device_name)?;
    note_differences(like.as_ref(), &record);
    let run = |(seed, mut files): (&u64, Option<RunFiles>)| -> Result<_, Error> {
        let tensorboard = tensorboard(args, *seed, files.as_mut())?;
        let settings = Settings { seed: *seed, ..record.settings.clone() };
        let run = TrainingRun {
            splits: &splits,
            device,
            record: RunRecord { settings, ..record.clone() },
            files,
            snapshots: args.snapshots,
            deadline,
        };
        Ok((run, tensorboard))
    };
    let runs = seeds.iter().zip(files).map(run).collect::<Result<Vec<_>, Error>>()?;
    let mut table = Table::new(args);
    let first = runs.first().and_then(|(run, _)| run.files.as_ref());
    table.start(&record, first.map(RunFiles::model_path), seeds);
    table.bar = bars_wanted(args.progress).then(|| Bar::new(runs.len() * record.settings.epochs));
    let Results { rows, failure, waiting } = run_in_parallel::<B>(runs, args, &mut table);
    if let Some(bar) = table.bar.take() {
        bar.finish();
    }
    if let Some(error) = failure {
        let is_done = |seed: &u64| rows.iter().any(|row| row.seed() == *seed);
        let (done, missing): (Vec<u64>, Vec<u64>) = seeds.iter().partition(|seed| is_done(seed));
        return Err(error.with_advice(|| advice(args, &done, &missing, &waiting)));
    }
    table.summary(&rows);
    table.finish()?;
    let accuracies = rows.iter().map(|row| row.test.accuracy);
    check_min_accuracy(accuracies.sum::<f64>() / rows.len() as f64, args.min_accuracy)
}

/// Returns the number of runs to train in parallel for the best throughput on `threads` CPU threads.
///
/// On the CPU, one run per thread is best, because a run on one thread never waits for another thread. On a GPU, only one
/// run is trained at a time, because a GPU has one queue for all runs.
fn parallel_runs(compute: &ComputeArgs, threads: usize) -> usize {
    match compute.backend {
        #[cfg(feature = "ndarray")]
        Backend::Ndarray => threads,
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => 1,
    }
}

/// A run, and its event files if `--tensorboard` is given.
type Run<'a, D> = (TrainingRun<'a, D>, Option<TensorBoard>);

/// The results of several runs.
struct Results {
    /// The rows of the completed runs.
    rows: Vec<Row>,
    /// The first error, if any.
    failure: Option<Error>,
    /// The seeds of the runs that did not start.
    waiting: Vec<u64>,
}

/// Trains all runs and returns their rows in the order of `runs`. Prints each row as soon as the rows before it are
/// printed. A worker whose run fails starts no further run, but the other workers continue.
fn run_in_parallel<B: LeNetBackend>(
    runs: Vec<Run<'_, B::Device>>,
    args: &TrainArgs,
    table: &mut Table,
) -> Results {
    let bar = table.bar.clone();
    let threads = rayon::current_num_threads();
    let workers = parallel_runs(&args.compute, threads).clamp(1, runs.len().max(1));
    let mut rows: Vec<Option<Row>> = runs.iter().map(|_| None).collect();
    let queue = Mutex::new(runs.into_iter().enumerate());
    let (sender, receiver) = mpsc::channel();
    let work = |sender: mpsc::Sender<_>| {
        let next = || queue.lock().ok()?.next();
        while let Some((number, run)) = next() {
            let row = row::<B>(run, args, bar.as_ref());
            let has_failed = row.is_err();
            if sender.send((number, row)).is_err() || has_failed {
                break;
            }
        }
    };
    let mut failure = None;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let started = start_pool(threads / workers).and_then(|pool| {
                let (work, sender) = (&work, sender.clone());
                start(|builder, ready| {
                    builder.spawn_scoped(scope, move || {
                        ready.send();
                        pool.install(|| work(sender));
                    })
                })
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
        // Print the completed runs that follow a failed one.
        rows.iter().skip(written).flatten().for_each(|row| table.row(row));
    });
    let waiting = queue.into_inner().into_iter().flatten();
    let waiting = waiting.map(|(_, (run, _))| run.record.settings.seed).collect();
    Results { rows: rows.into_iter().flatten().collect(), failure, waiting }
}

/// Trains a run and returns its row.
fn row<B: LeNetBackend>(
    (mut run, mut tensorboard): Run<'_, B::Device>,
    args: &TrainArgs,
    bar: Option<&Bar>,
) -> Result<Row, Error> {
    let earlier = match &mut run.files {
        Some(files) if args.resume => files.read_checkpoint()?,
        _ => None,
    };
    let mut reporter: Box<dyn RunReporter> = match bar {
        Some(bar) => Box::new(bar.clone()),
        None => Box::new(Quiet),
    };
    let (record, test) = run.train::<B>(earlier, reporter.as_mut(), tensorboard.as_mut())?;
    tensorboard.map_or(Ok(()), TensorBoard::finish)?;
    let path = run.files.as_ref().map(|files| files.model_path().to_owned());
    Ok(Row { record, test, path })
}

/// Prepares the event files of a seed, if `--tensorboard` is given. TensorBoard shows their directory as a separate run.
fn tensorboard(
    args: &TrainArgs,
    seed: u64,
    files: Option<&mut RunFiles>,
) -> Result<Option<TensorBoard>, Error> {
    let Some(dir) = &args.tensorboard else { return Ok(None) };
    let earlier = match files {
        Some(files) if args.resume => files.read_checkpoint()?,
        _ => None,
    };
    let dir = match overrides::has_placeholder(dir) {
        true => overrides::directory(dir, seed),
        false => OutputDir::typed(dir).below(&format!("seed-{seed}")),
    };
    let record = earlier.as_ref().map(|checkpoint| &checkpoint.record);
    TensorBoard::new(&dir, record, args.force).map(Some)
}

/// Locks the files of each seed, if `-o` is given.
fn reserve(args: &TrainArgs, seeds: &[u64]) -> Result<Vec<Option<RunFiles>>, Error> {
    let Some(pattern) = &args.output else {
        return Ok(seeds.iter().map(|_| None).collect());
    };
    if !overrides::has_placeholder(pattern) {
        return Err(Error::Usage(format!(
            "with --seeds, -o needs {PLACEHOLDER} in the path, for example -o model-{PLACEHOLDER}.mpk"
        )));
    }
    let reserve = |seed: &u64| {
        let (path, origin) = overrides::model_path(pattern, *seed)?;
        Ok(Some(RunFiles::reserve(Some((&path, origin)), args.resume, args.force)?))
    };
    seeds.iter().map(reserve).collect()
}

/// Returns advice on how to continue after a signal. The `missing` seeds are incomplete; the `waiting` ones among them have not
/// started.
fn advice(args: &TrainArgs, done: &[u64], missing: &[u64], waiting: &[u64]) -> String {
    let command = |seeds: &[u64], options: &[&str]| {
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        let seeds = seeds.join(",");
        let options = ["--seeds", &seeds].into_iter().chain(options.iter().copied());
        args::rerun_command(Some("--seeds"), &options.map(OsStr::new).collect::<Vec<_>>())
    };
    if args.output.is_none() {
        // The curves of a seed may be incomplete.
        let force: &[&str] = if args.tensorboard.is_some() { &["--force"] } else { &[] };
        let typed = command(missing, force);
        return format!("the seeds above are complete; train the rest with: {typed}");
    }
    // The curves of an earlier run are kept until the first epoch of a seed is done.
    let resume: &[&str] = match args.force && args.tensorboard.is_some() {
        true => &["--resume", "--force"],
        false => &["--resume"],
    };
    // With --force, files of an earlier run may still exist for a seed that did not start.
    if !args.force || waiting.is_empty() {
        let resume: Vec<&OsStr> = resume.iter().map(OsStr::new).collect();
        let typed = args::rerun_command(None, &resume);
        return format!("everything is saved; resume with: {typed}");
    }
    let is_started = |seed: &&u64| !waiting.contains(seed);
    let mut started: Vec<u64> = missing.iter().filter(is_started).copied().collect();
    started.extend(done);
    started.sort_unstable();
    let [resumed, rest] = [command(&started, resume), command(waiting, &["--force"])];
    format!("everything is saved; resume and train the rest with: {resumed} && {rest}")
}
