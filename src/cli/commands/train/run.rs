//! One training of the command: its images -> state, model, record, and the test at its end.

use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::TrainArgs;
use crate::cli::commands::{data_options, note_provenance};
use crate::cli::error::Error;
use crate::cli::ui::format::plural;
use crate::cli::ui::{self, RunReporter, TensorBoard};
use crate::data::{FashionMnist, ImageDataset};
use crate::error;
use crate::eval::{self, evaluate};
use crate::train::{
    Checkpoint, Keep, RunFiles, RunRecord, Settings, TestRecord, TrainingContext, fit,
};

/// Within an epoch the state is saved so often: what a kill can cost. Saving takes 6 ms.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// The images of a run.
pub(super) struct Splits {
    train: ImageDataset,
    validation: ImageDataset,
    test: ImageDataset,
}

impl Splits {
    /// Loads the images, and returns the record of a run on them with `settings` that has not started.
    pub(super) fn load(
        args: &TrainArgs,
        settings: Settings,
        device_name: &str,
    ) -> Result<(Self, RunRecord), Error> {
        let limit = settings.limit.and_then(NonZeroUsize::new);
        let FashionMnist { train, test, provenance } =
            FashionMnist::load(&data_options(&args.data, limit, settings.stratified))?;
        note_provenance(&provenance);
        let (train, validation) = train.split(settings.validation_split)?;
        if validation.is_empty() && (settings.keep == Keep::Best || settings.patience.is_some()) {
            let wrong =
                "--keep best and --patience go by the validation images, and there are none";
            return Err(Error::Usage(wrong.to_owned()));
        }
        let digests = provenance.digests.iter();
        let record = RunRecord {
            data: digests.map(|(file, sha)| (file.name().to_owned(), sha.clone())).collect(),
            train_samples: train.len(),
            validation_samples: validation.len(),
            ..RunRecord::new(settings, device_name)
        };
        Ok((Self { train, validation, test }, record))
    }
}

/// One training of the command, all that it needs at hand.
pub(super) struct TrainingRun<'a, D> {
    pub(super) splits: &'a Splits,
    pub(super) device: &'a D,
    /// As it is before the training.
    pub(super) record: RunRecord,
    /// Where its files go, if it leaves any.
    pub(super) output: Option<RunFiles>,
}

impl<D> TrainingRun<'_, D> {
    /// Trains, or goes on from `earlier`, tests and saves; the record at the end, and the test in it.
    pub(super) fn train<B: LeNetBackend<Device = D>>(
        &mut self,
        earlier: Option<Checkpoint>,
        reporter: &mut dyn RunReporter,
        mut tensorboard: Option<&mut TensorBoard>,
    ) -> Result<(RunRecord, TestRecord), Error> {
        let Self { splits, device, record, output } = self;
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let record = RunRecord {
            started: Some(now.to_string()),
            threads: rayon::current_num_threads(),
            ..record.clone()
        };
        let mut state = match earlier {
            Some(state) => state.go_on(record).map_err(|difference| {
                let path = output.as_ref().map(RunFiles::checkpoint_path).unwrap_or_default();
                error::Error::CheckpointMismatch { path, difference }
            })?,
            None => Checkpoint::initial(record),
        };
        reporter.start(&state.record, output.as_ref().map(RunFiles::model_path));
        let (settings, done) = (&state.record.settings, state.record.epochs.len());
        if done >= settings.epochs {
            let more = match settings.recipe.depends_on_length() {
                true => "",
                false => "; more with --epochs",
            };
            reporter.note(&format!("note: {} done{more}", plural(done, "epoch")));
        }
        let mut save = |state: &Checkpoint| {
            output.as_mut().map_or(Ok(()), |output| output.write(state))?;
            if let Some(tensorboard) = &mut tensorboard {
                tensorboard.write(&state.record);
            }
            Ok(())
        };
        let job = TrainingContext::<B> {
            train: &splits.train,
            validation: &splits.validation,
            device,
            save_every: SAVE_EVERY,
        };
        fit(&job, &mut state, reporter, &mut save)?;
        let (model, images) = (state.model(), &splits.test);
        let test = evaluate::<B>(&model, images, eval::BATCH_SIZE, device)?;
        let test = TestRecord::from(&test);
        state.record.stop_reason = Some(state.stop_reason());
        state.record.test = Some(test.clone());
        save(&state)?;
        let record = state.record;
        ui::notes(&record).iter().for_each(|note| reporter.note(note));
        reporter.test(&record, &test);
        if let Some(output) = &self.output {
            reporter.saved(output.model_path());
        }
        Ok((record, test))
    }
}
