//! One training of the command: its images -> state, model, record, and the test at its end.

use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::TrainArgs;
use crate::cli::commands::{data_options, note_provenance};
use crate::cli::ui::TensorBoard;
use crate::cli::ui::format::plural;
use crate::data::{ImageDataset, TrainAndTest};
use crate::error::Error;
use crate::eval::{self, evaluate};
use crate::train::{
    Checkpoint, Keep, Reporter, RunFiles, RunRecord, Settings, TestRecord, TrainingContext, fit,
};

/// Within an epoch the state is saved so often: what a kill can cost. Saving takes 6 ms.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// The images, and where to compute.
pub(super) struct Splits<'a, D> {
    device: &'a D,
    train: ImageDataset,
    validation: ImageDataset,
    test: ImageDataset,
}

impl<'a, D> Splits<'a, D> {
    /// Loads the images. Returns them and the run record of a run with `settings` that has not started.
    pub(super) fn load(
        args: &TrainArgs,
        settings: Settings,
        device: &'a D,
        device_name: &str,
    ) -> Result<(Self, RunRecord), Error> {
        let limit = settings.limit.and_then(NonZeroUsize::new);
        let TrainAndTest { train, test, provenance } =
            TrainAndTest::load(&data_options(&args.data, limit, settings.stratified))?;
        note_provenance(&provenance);
        let (train, validation) = train.split(settings.validation_split)?;
        if validation.is_empty() && (settings.keep == Keep::Best || settings.patience.is_some()) {
            let wrong =
                "--keep best and --patience go by the validation images, and there are none";
            return Err(Error::Usage(wrong.to_owned()));
        }
        let dataset = provenance.identity();
        let record = RunRecord {
            data: dataset.digests,
            dataset: Some(dataset.names),
            train_samples: train.len(),
            validation_samples: validation.len(),
            ..RunRecord::new(settings, device_name)
        };
        Ok((Self { device, train, validation, test }, record))
    }
}

/// One training of the command, all that it needs at hand.
pub(super) struct Run<'a, D> {
    pub(super) inputs: &'a Splits<'a, D>,
    /// As it is before the training.
    pub(super) record: RunRecord,
    /// Where its files go, if it leaves any.
    pub(super) output: Option<RunFiles>,
}

impl<D> Run<'_, D> {
    /// Trains, or goes on from `earlier`, tests and saves; the record at the end, and the test in it.
    pub(super) fn train<B: LeNetBackend<Device = D>>(
        &mut self,
        earlier: Option<Checkpoint>,
        reporter: &mut dyn Reporter,
        mut tensorboard: Option<&mut TensorBoard>,
    ) -> Result<(RunRecord, TestRecord), Error> {
        let Self { inputs, record, output } = self;
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let record = RunRecord {
            started: Some(now.to_string()),
            threads: rayon::current_num_threads(),
            ..record.clone()
        };
        let mut state = match earlier {
            Some(state) => state.go_on(record).map_err(|difference| {
                let path = output.as_ref().map(RunFiles::checkpoint_path).unwrap_or_default();
                Error::Mismatch { path, difference }
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
        let mut save = |state: &mut Checkpoint| {
            output.as_mut().map_or(Ok(()), |output| output.write(state))?;
            if let Some(tensorboard) = &mut tensorboard {
                tensorboard.write(&state.record);
            }
            Ok(())
        };
        let job = TrainingContext::<B> {
            train: &inputs.train,
            validation: &inputs.validation,
            device: inputs.device,
            save_every: SAVE_EVERY,
        };
        fit(&job, &mut state, reporter, &mut save)?;
        let (model, images) = (state.model(), &inputs.test);
        let test = evaluate::<B>(&model, images, eval::BATCH_SIZE, inputs.device)?;
        let test = TestRecord::from(&test);
        state.record.stop_reason = Some(state.stop_reason());
        state.record.test = Some(test.clone());
        save(&mut state)?;
        let record = state.record;
        record.notes().iter().for_each(|note| reporter.note(note));
        reporter.test(&record, &test);
        if let Some(output) = &self.output {
            reporter.saved(output.model_path());
        }
        Ok((record, test))
    }
}
