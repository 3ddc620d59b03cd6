//! One training run: loads the data, trains, saves checkpoint, model and run record, then evaluates on the test images.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::TrainArgs;
use crate::cli::commands::{Notes, data_options};
use crate::cli::error::Error;
use crate::cli::ui::format::plural;
use crate::cli::ui::{self, RunReporter, TensorBoard};
use crate::data::{ImageDataset, TrainAndTest};
use crate::error;
use crate::eval::{self, evaluate};
use crate::train::{
    Checkpoint, Keep, RunFiles, RunRecord, Settings, Snapshots, TestRecord, TrainingContext, fit,
};

use super::place::{batch_job, host_name};

/// Interval between checkpoints within an epoch, which bounds the work that a `kill -9` can lose. A checkpoint takes 6 ms to
/// write.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Returns the current time, or `None` if the clock is before 1970 or after 9999.
fn now() -> Option<String> {
    const YEAR_10000: u64 = 253_402_300_800;
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    (seconds < YEAR_10000).then(|| humantime::format_rfc3339_seconds(now).to_string())
}

/// The images of a run.
pub(super) struct Splits {
    train: ImageDataset,
    validation: ImageDataset,
    test: ImageDataset,
}

impl Splits {
    /// Loads the images, and returns them with the initial record of a run with `settings`.
    pub(super) fn load(
        args: &TrainArgs,
        settings: Settings,
        device_name: &str,
    ) -> Result<(Self, RunRecord), Error> {
        let limit = settings.limit.and_then(NonZeroUsize::new);
        let TrainAndTest { train, test, provenance } =
            TrainAndTest::load(&data_options(&args.data, limit, settings.stratified))?;
        Notes::default().provenance(&provenance);
        let (train, validation) = train.split(settings.validation_split)?;
        if validation.is_empty() && (settings.keep == Keep::Best || settings.patience.is_some()) {
            return Err(Error::Usage(
                "--keep best and --patience need validation images, but the validation split is empty"
                    .to_owned(),
            ));
        }
        if now().is_none() {
            ui::note(
                "note: the clock is before 1970 or after 9999; the run record will not contain the start time",
            );
        }
        let dataset = provenance.identity();
        let record = RunRecord {
            data: dataset.digests,
            dataset: Some(dataset.names),
            train_samples: train.len(),
            validation_samples: validation.len(),
            ..RunRecord::new(settings, device_name)
        };
        Ok((Self { train, validation, test }, record))
    }
}

/// Adds the weights after the last epoch, if no batch of the next epoch has been trained. Returns whether they were added.
fn add_snapshot(snapshots: &mut Snapshots, checkpoint: &Checkpoint) -> bool {
    let record = &checkpoint.record;
    checkpoint.sums.batches == 0
        && snapshots.add(record.epochs.len(), &record.settings.recipe.fold(&checkpoint.weights))
}

/// A run that is ready to start.
pub(super) struct TrainingRun<'a, D> {
    pub(super) splits: &'a Splits,
    pub(super) device: &'a D,
    /// The record before the start.
    pub(super) record: RunRecord,
    /// The files to write, if any.
    pub(super) files: Option<RunFiles>,
    /// Whether to keep the weights of every epoch.
    pub(super) snapshots: bool,
    /// Time at which the run stops, if any.
    pub(super) deadline: Option<Instant>,
}

impl<D> TrainingRun<'_, D> {
    /// Trains from the start or from `earlier`, evaluates and saves. Returns the final record and its test results.
    pub(super) fn train<B: LeNetBackend<Device = D>>(
        &mut self,
        earlier: Option<Checkpoint>,
        reporter: &mut dyn RunReporter,
        mut tensorboard: Option<&mut TensorBoard>,
    ) -> Result<(RunRecord, TestRecord), Error> {
        let Self { splits, device, record, files, snapshots: with_snapshots, deadline } = self;
        let record = RunRecord {
            started: now(),
            threads: rayon::current_num_threads(),
            host: host_name(),
            job: batch_job(),
            ..record.clone()
        };
        let is_resumed = earlier.is_some();
        let path = files.as_ref().map(RunFiles::checkpoint_path).unwrap_or_default();
        let mut checkpoint = match earlier {
            Some(Checkpoint { record: earlier, .. })
                if earlier.epochs.len() > record.settings.epochs
                    && earlier.settings.difference(&record.settings).is_none() =>
            {
                let (done, epochs) = (earlier.epochs.len(), record.settings.epochs);
                return Err(error::Error::EpochsDone { path, done, epochs }.into());
            }
            Some(checkpoint) => checkpoint
                .resume(record)
                .map_err(|difference| error::Error::CheckpointMismatch { path, difference })?,
            None => Checkpoint::initial(record),
        };
        if let Some(files) = files {
            files.probe_space(&checkpoint, *with_snapshots)?;
        }
        // A resumed run continues its snapshots.
        let mut snapshots = match files {
            Some(files) if *with_snapshots || is_resumed => {
                files.read_snapshots(&checkpoint.record, *with_snapshots)?
            }
            _ => None,
        };
        // Add the weights at the start, or an epoch after which the run was interrupted before its snapshot was written.
        let add = |snapshots| add_snapshot(snapshots, &checkpoint);
        let mut has_unsaved = snapshots.as_mut().is_some_and(add);
        reporter.start(&checkpoint.record, files.as_ref().map(RunFiles::model_path));
        let (settings, done) = (&checkpoint.record.settings, checkpoint.record.epochs.len());
        if done >= settings.epochs {
            let more = match settings.recipe.depends_on_length() {
                true => "",
                false => "; use --epochs to train more",
            };
            reporter.note(&format!("note: {} done{more}", plural(done, "epoch")));
        }
        let mut save = |checkpoint: &Checkpoint| {
            if let Some(files) = files.as_mut() {
                files.write(checkpoint)?;
                if let Some(snapshots) = &mut snapshots {
                    has_unsaved |= add_snapshot(snapshots, checkpoint);
                    if std::mem::take(&mut has_unsaved) {
                        snapshots.write(files.model_path())?;
                    }
                }
            }
            if let Some(tensorboard) = &mut tensorboard {
                tensorboard.write(&checkpoint.record);
            }
            Ok(())
        };
        let context = TrainingContext::<B> {
            train: &splits.train,
            validation: &splits.validation,
            device,
            save_every: SAVE_EVERY,
            deadline: *deadline,
        };
        fit(&context, &mut checkpoint, reporter, &mut save)?;
        let (model, images) = (checkpoint.model(), &splits.test);
        let test = evaluate::<B>(&model, images, eval::BATCH_SIZE, device)?;
        let test = TestRecord::from(&test);
        checkpoint.record.stop_reason = Some(checkpoint.stop_reason());
        checkpoint.record.test = Some(test.clone());
        save(&checkpoint)?;
        let record = checkpoint.record;
        ui::notes(&record, self.files.is_some()).iter().for_each(|note| reporter.note(note));
        reporter.test(&record, &test);
        if let Some(files) = &self.files {
            reporter.saved(files.model_path());
        }
        Ok((record, test))
    }
}
