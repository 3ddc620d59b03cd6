//! One training of the command: settings and images -> state, model, record, and the test at its end.

use std::path::Path;
use std::time::{Duration, SystemTime};

use burn::data::dataset::Dataset;

use crate::cli::Typed;
use crate::error::Error;
use crate::eval::{self, Evaluation, evaluate};
use crate::io::text::plural;
use crate::ops::LeNetBackend;
use crate::train::{
    End, Job, Output, Reporter, RunRecord, Saved, Settings, Start, State, TestRecord, fit,
};

use super::inputs::Inputs;

/// Within an epoch the state is saved so often: what a kill can cost. Saving takes 6 ms.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// One training of the command, all that it needs at hand.
pub(super) struct Run<'a, D> {
    pub(super) inputs: &'a Inputs<'a, D>,
    pub(super) settings: Settings,
    /// Where its files go, if it leaves any.
    pub(super) output: Option<Output>,
}

/// When a training was begun, in UTC: now, or, if it goes on, when its record says.
fn started(output: Option<&Output>, goes_on: bool) -> Option<String> {
    match (goes_on, output) {
        (true, Some(output)) => RunRecord::read(&output.record_path()).ok()?.started,
        _ => Some(humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
    }
}

impl<D> Run<'_, D> {
    /// Trains, tests and saves; the end state, how it came to it, and what its model is worth on the test images.
    pub(super) fn train<B: LeNetBackend<Device = D>>(
        &self,
        earlier: Option<Saved>,
        reporter: &mut dyn Reporter,
    ) -> Result<(State, End, Evaluation), Error> {
        let started = started(self.output.as_ref(), earlier.is_some());
        let mut state = match earlier {
            Some(saved) => self.check(saved).map_err(|difference| {
                let path = self.output.as_ref().map(Output::state_path).unwrap_or_default();
                Error::Mismatch { path, difference }
            })?,
            None => State::initial(&self.settings),
        };
        reporter.start(&self.start(state.history.len()));
        if state.history.len() >= self.settings.epochs {
            let more = match self.settings.recipe.depends_on_length() {
                true => "",
                false => "; more with --epochs",
            };
            let done = state.history.len();
            reporter.note(&format!("note: {} done{more}", plural(done, "epoch")));
        }
        let job = Job::<B> {
            settings: &self.settings,
            train: &self.inputs.train,
            validation: &self.inputs.validation,
            device: self.inputs.device,
            save_every: SAVE_EVERY,
        };
        let trained =
            fit(&job, &mut state, reporter, &mut |state| self.save(state, None, &started));
        trained.map_err(|error| self.with_advice(error))?;

        let test = evaluate::<B>(
            &state.model(&self.settings),
            &self.inputs.test,
            eval::BATCH_SIZE,
            self.inputs.device,
        )
        .map_err(|error| self.with_advice(error))?;
        self.save(&state, Some((&test).into()), &started)?;
        let end = End::new(&self.settings, &state, &test);
        let notes = end.notes(&self.settings);
        notes.iter().for_each(|note| reporter.note(note));
        reporter.test(&test, &end);
        if let Some(output) = &self.output {
            reporter.saved(output.model_path());
        }
        Ok((state, end, test))
    }

    /// The state in `saved`, if it is that of this training; or else what differs.
    fn check(&self, saved: Saved) -> Result<State, String> {
        if let Some(difference) = saved.settings.difference(&self.settings) {
            return Err(difference);
        }
        self.settings.allow(&saved.state.history)?;
        let now = self.saved(State::initial(&self.settings));
        if saved.data != now.data {
            return Err("it was begun with another data set".to_owned());
        }
        if saved.program != now.program {
            return Err(format!("lenet {} wrote it, this is {}", saved.program, now.program));
        }
        if saved.device != now.device {
            return Err(format!("it was begun on {}, not {}", saved.device, now.device));
        }
        saved.check_progress(self.inputs.train.len())?;
        Ok(saved.state)
    }

    fn saved(&self, state: State) -> Saved {
        Saved {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.inputs.device_name.to_owned(),
            settings: self.settings.clone(),
            data: self.inputs.digests(),
            model: Default::default(),
            state,
        }
    }

    fn save(
        &self,
        state: &State,
        test: Option<TestRecord>,
        started: &Option<String>,
    ) -> Result<(), Error> {
        let record = RunRecord {
            schema: 1,
            lenet: env!("CARGO_PKG_VERSION").to_owned(),
            burn: crate::BURN_VERSION.to_owned(),
            started: started.clone(),
            device: self.inputs.device_name.to_owned(),
            threads: rayon::current_num_threads(),
            settings: self.settings.clone(),
            model_sha256: None,
            data: self.inputs.digests(),
            train_samples: self.inputs.train.len(),
            validation_samples: self.inputs.validation.len(),
            epochs: state.history.clone(),
            kept_epoch: state.kept_epoch(self.settings.keep),
            stop_reason: test.as_ref().map(|_| state.stop_reason(&self.settings)),
            test,
        };
        let Some(output) = &self.output else {
            return Ok(());
        };
        output.write(&self.saved(state.clone()), &state.model(&self.settings), &record)
    }

    /// The facts at its start, with `epochs_done` behind it.
    pub(super) fn start(&self, epochs_done: usize) -> Start {
        let Settings { seed, recipe, backend, epochs, batch_size, .. } = &self.settings;
        Start {
            schema: 1,
            train_samples: self.inputs.train.len(),
            validation_samples: self.inputs.validation.len(),
            seed: *seed,
            output: self
                .output
                .as_ref()
                .map(|output| output.model_path().to_string_lossy().into_owned()),
            backend: backend.clone(),
            device: self.inputs.device_name.to_owned(),
            threads: rayon::current_num_threads(),
            epochs: *epochs,
            epochs_done,
            batch_size: *batch_size,
            recipe: recipe.clone(),
        }
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
