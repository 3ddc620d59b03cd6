//! One training of the command: settings and images -> state, model, record, and the test at its end.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::cli::Typed;
use crate::error::Error;
use crate::eval::{self, evaluate};
use crate::io::text::plural;
use crate::ops::LeNetBackend;
use crate::train::{Job, Output, Reporter, RunRecord, Saved, State, TensorBoard, TestRecord, fit};

use super::inputs::Inputs;

/// Within an epoch the state is saved so often: what a kill can cost. Saving takes 6 ms.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// One training of the command, all that it needs at hand.
pub(super) struct Run<'a, D> {
    pub(super) inputs: &'a Inputs<'a, D>,
    /// As it is before the training.
    pub(super) record: RunRecord,
    /// Where its files go, if it leaves any.
    pub(super) output: Option<Output>,
}

impl<D> Run<'_, D> {
    /// Trains, tests and saves; the record at the end, and the test in it.
    pub(super) fn train<B: LeNetBackend<Device = D>>(
        &self,
        earlier: Option<Saved>,
        reporter: &mut dyn Reporter,
        mut tensorboard: Option<&mut TensorBoard>,
    ) -> Result<(RunRecord, TestRecord), Error> {
        let settings = &self.record.settings;
        let mut record = RunRecord { threads: rayon::current_num_threads(), ..self.record.clone() };
        let mut state = match earlier {
            Some(saved) => {
                record.started.clone_from(&saved.record.started);
                self.check(saved).map_err(|difference| {
                    let path = self.output.as_ref().map(Output::state_path).unwrap_or_default();
                    Error::Mismatch { path, difference }
                })?
            }
            None => {
                let now = humantime::format_rfc3339_seconds(SystemTime::now());
                record.started = Some(now.to_string());
                State::initial(settings)
            }
        };
        record.update(&state, None);
        reporter.start(&record, self.output.as_ref().map(Output::model_path));
        let done = record.epochs.len();
        if done >= settings.epochs {
            let more = match settings.recipe.depends_on_length() {
                true => "",
                false => "; more with --epochs",
            };
            reporter.note(&format!("note: {} done{more}", plural(done, "epoch")));
        }
        let mut show = |record: &RunRecord| {
            if let Some(tensorboard) = &mut tensorboard {
                tensorboard.write(record);
            }
        };
        show(&record);
        let job = Job::<B> {
            settings,
            train: &self.inputs.train,
            validation: &self.inputs.validation,
            device: self.inputs.device,
            save_every: SAVE_EVERY,
        };
        let trained = fit(&job, &mut state, reporter, &mut |state| {
            record.update(state, None);
            self.save(&record, state)?;
            show(&record);
            Ok(())
        });
        trained.map_err(|error| self.with_advice(error))?;

        let (model, images) = (state.model(settings), &self.inputs.test);
        let test = evaluate::<B>(&model, images, eval::BATCH_SIZE, self.inputs.device)
            .map_err(|error| self.with_advice(error))?;
        let test = TestRecord::from(&test);
        record.update(&state, Some(test.clone()));
        self.save(&record, &state)?;
        record.notes().iter().for_each(|note| reporter.note(note));
        reporter.test(&record, &test);
        if let Some(output) = &self.output {
            reporter.saved(output.model_path());
        }
        Ok((record, test))
    }

    /// The state in `saved`, if it is that of this training; or else what differs.
    fn check(&self, saved: Saved) -> Result<State, String> {
        let (then, now) = (&saved.record, &self.record);
        if let Some(difference) = then.settings.difference(&now.settings) {
            return Err(difference);
        }
        now.settings.allow(&then.epochs)?;
        if then.data != now.data {
            return Err("it was begun with another data set".to_owned());
        }
        if then.lenet != now.lenet {
            return Err(format!("lenet {} wrote it, this is {}", then.lenet, now.lenet));
        }
        if then.device != now.device {
            return Err(format!("it was begun on {}, not {}", then.device, now.device));
        }
        saved.check_progress(now.train_samples)?;
        Ok(saved.state)
    }

    fn save(&self, record: &RunRecord, state: &State) -> Result<(), Error> {
        self.output.as_ref().map_or(Ok(()), |output| output.write(record, state))
    }

    /// Says how to go on after a signal.
    fn with_advice(&self, error: Error) -> Error {
        match error {
            Error::Stopped { signal, .. } => {
                let typed = Typed::now().without("--force").without("--resume");
                let typed = match (&self.inputs.args.output, &self.output) {
                    (None, Some(output)) if output.model_path() != Path::new("model.mpk") => {
                        typed.with(["-o".as_ref(), output.model_path().as_os_str()])
                    }
                    _ => typed,
                };
                let typed = typed.with(["--resume"]);
                let advice = format!("everything is saved; go on with: {typed}");
                Error::Stopped { signal, advice }
            }
            error => error,
        }
    }
}
