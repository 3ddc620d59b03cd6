//! `lenet train`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use burn::backend::Autodiff;
use burn::tensor::backend::AutodiffBackend;

use crate::cli::{RecipeName, TrainArgs};
use burn::data::dataset::Dataset;

use crate::data::{FashionMnist, ImageDataset, Provenance};
use crate::error::Error;
use crate::eval::{self, evaluate};
use crate::model::LeNet;
use crate::ops::LeNetBackend;
use crate::train::{
    Job, Output, Quiet, Recipe, Reporter, RunRecord, Saved, Settings, Start, State, TensorBoard,
    TestRecord, fit, stop,
};
use crate::ui::{JsonReporter, TextReporter, bars_wanted};

use super::{OnBackend, data_options, gate, note_provenance};

/// Within an epoch the state is saved so often: what a kill can cost. Saving takes 6 ms.
const SAVE_EVERY: Duration = Duration::from_secs(10);

impl OnBackend for TrainArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error> {
        train::<Autodiff<B>>(self, device, device_name)
    }
}

fn train<B>(args: &TrainArgs, device: &B::Device, device_name: &str) -> Result<(), Error>
where
    B: AutodiffBackend + LeNetBackend,
    B::InnerBackend: LeNetBackend,
{
    stop::listen().map_err(|error| Error::Usage(format!("cannot listen for signals: {error}")))?;
    let output = Output::claim(args.output.as_deref(), args.resume, args.force)?;
    let mut reporter: Box<dyn Reporter> = match (args.json, args.quiet) {
        (true, _) => Box::new(JsonReporter::default()),
        (false, true) => Box::new(Quiet),
        (false, false) => Box::new(TextReporter::new(bars_wanted(args.progress))),
    };
    if let Some(dir) = &args.tensorboard {
        let both = TensorBoard::new(reporter, dir, args.resume, args.force)?;
        reporter = Box::new(both);
    }
    let earlier = if args.resume {
        output.read_state()?
    } else {
        None
    };
    if args.resume && earlier.is_none() {
        let path = output.state_path();
        reporter.note(&format!(
            "note: there is no {}, beginning at the start",
            path.display()
        ));
    }
    let settings = settings(args, earlier.as_ref());
    let limit = settings.limit.and_then(NonZeroUsize::new);
    let FashionMnist {
        train,
        test,
        provenance,
    } = FashionMnist::load(&data_options(&args.data, limit))?;
    note_provenance(&provenance);
    let (train, validation) = ImageDataset::new(train).split(settings.validation_split)?;
    let test = ImageDataset::new(test);
    let run = Run {
        args,
        device,
        device_name,
        output,
        settings,
        provenance,
        train,
        validation,
        test,
    };
    let result = run.train::<B>(earlier, reporter.as_mut());
    let told = reporter.finish();
    let accuracy = result?;
    told?;
    gate(accuracy, args.min_accuracy)
}

/// The settings that `args` ask for; what they leave open is as it was `earlier`, or the default.
fn settings(args: &TrainArgs, earlier: Option<&Saved>) -> Settings {
    let earlier = earlier.map(|saved| &saved.settings);
    let mut recipe = match (args.recipe, earlier) {
        (None, Some(earlier)) => earlier.recipe.clone(),
        (None | Some(RecipeName::Classic), _) => Recipe::classic(),
    };
    recipe.learning_rate = args.lr.unwrap_or(recipe.learning_rate);
    recipe.momentum = args.momentum.unwrap_or(recipe.momentum);
    Settings {
        epochs: args.epochs.or(earlier.map(|s| s.epochs)).unwrap_or(5),
        batch_size: args
            .batch_size
            .or(earlier.map(|s| s.batch_size))
            .unwrap_or(32),
        validation_split: args
            .validation_split
            .or(earlier.map(|s| s.validation_split))
            .unwrap_or(0.1),
        seed: args.seed.or(earlier.map(|s| s.seed)).unwrap_or(42),
        recipe,
        limit: args
            .data
            .limit
            .map(NonZeroUsize::get)
            .or(earlier.and_then(|s| s.limit)),
        keep: args.keep.or(earlier.map(|s| s.keep)).unwrap_or_default(),
        patience: args.patience.or(earlier.and_then(|s| s.patience)),
        backend: args.compute.backend.name().to_owned(),
    }
}

/// One run of the command, all its inputs at hand.
struct Run<'a, D> {
    args: &'a TrainArgs,
    device: &'a D,
    device_name: &'a str,
    output: Output,
    settings: Settings,
    provenance: Provenance,
    train: ImageDataset,
    validation: ImageDataset,
    test: ImageDataset,
}

impl<D> Run<'_, D> {
    /// Trains, tests and saves; the accuracy on the test images.
    fn train<B>(&self, earlier: Option<Saved>, reporter: &mut dyn Reporter) -> Result<f64, Error>
    where
        B: AutodiffBackend<Device = D> + LeNetBackend,
        B::InnerBackend: LeNetBackend,
    {
        let mut state = match earlier {
            Some(saved) => self.check(saved)?,
            None => State::initial(&self.settings),
        };
        reporter.start(&self.start(&state));
        if state.is_over(&self.settings) {
            reporter.note(&format!(
                "note: all {} epochs are done; more with --epochs",
                state.history.len()
            ));
        }
        let job = Job::<B> {
            settings: &self.settings,
            train: &self.train,
            validation: &self.validation,
            device: self.device,
            save_every: SAVE_EVERY,
        };
        let trained = fit(&job, &mut state, reporter, &mut |state| {
            self.save(state, None)
        });
        trained.map_err(|error| self.with_advice(error))?;

        let model =
            LeNet::<B::InnerBackend>::from_weights(state.model(&self.settings), self.device);
        let test = evaluate(&model, &self.test, eval::BATCH_SIZE, self.device)
            .map_err(|error| self.with_advice(error))?;
        let record = TestRecord {
            samples: test.samples(),
            loss: test.loss(),
            accuracy: test.accuracy(),
            correct: test.correct(),
        };
        self.save(&state, Some(record))?;
        reporter.test(&test);
        reporter.saved(self.output.model_path());
        Ok(test.accuracy())
    }

    /// The state in `saved`, if it is that of this training.
    fn check(&self, saved: Saved) -> Result<State, Error> {
        let mismatch = |difference| {
            Err(Error::Mismatch {
                path: self.output.state_path(),
                difference,
            })
        };
        if let Some(difference) = saved.settings.difference(&self.settings) {
            return mismatch(difference);
        }
        let now = self.saved(State::initial(&self.settings));
        if saved.data != now.data {
            return mismatch("it was begun with another data set".to_owned());
        }
        if saved.program != now.program {
            return mismatch(format!(
                "lenet {} wrote it, this is {}",
                saved.program, now.program
            ));
        }
        if saved.device != now.device {
            return mismatch(format!(
                "it was begun on {}, not {}",
                saved.device, now.device
            ));
        }
        match saved.check_progress(self.train.len()) {
            Err(difference) => mismatch(difference),
            Ok(()) => Ok(saved.state),
        }
    }

    fn saved(&self, state: State) -> Saved {
        Saved {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.device_name.to_owned(),
            settings: self.settings.clone(),
            data: self.digests(),
            state,
        }
    }

    fn save(&self, state: &State, test: Option<TestRecord>) -> Result<(), Error> {
        let done = state.history.len();
        let kept_epoch = match (&state.best, self.settings.keep) {
            (Some(best), crate::train::Keep::Best) => Some(best.epoch),
            _ => (done > 0).then_some(done),
        };
        let record = RunRecord {
            schema: 1,
            lenet: env!("CARGO_PKG_VERSION").to_owned(),
            burn: crate::BURN_VERSION.to_owned(),
            device: self.device_name.to_owned(),
            threads: rayon::current_num_threads(),
            settings: self.settings.clone(),
            data: self.digests(),
            train_samples: self.train.len(),
            validation_samples: self.validation.len(),
            epochs: state.history.clone(),
            kept_epoch,
            test,
        };
        self.output.write(
            &self.saved(state.clone()),
            state.model(&self.settings),
            &record,
        )
    }

    /// SHA-256 of each data file, by its name.
    fn digests(&self) -> BTreeMap<String, String> {
        let digests = self.provenance.digests.iter();
        digests
            .map(|(file, digest)| (file.name().to_owned(), digest.to_string()))
            .collect()
    }

    fn start(&self, state: &State) -> Start {
        let Settings {
            seed,
            recipe,
            backend,
            epochs,
            batch_size,
            ..
        } = &self.settings;
        Start {
            schema: 1,
            train_samples: self.train.len(),
            validation_samples: self.validation.len(),
            seed: *seed,
            recipe: recipe.name.clone(),
            backend: backend.clone(),
            device: self.device_name.to_owned(),
            threads: rayon::current_num_threads(),
            epochs: *epochs,
            epochs_done: state.history.len(),
            batch_size: *batch_size,
            learning_rate: recipe.learning_rate,
            momentum: recipe.momentum,
        }
    }

    /// Says how to go on after a signal.
    fn with_advice(&self, error: Error) -> Error {
        match error {
            Error::Stopped { signal, .. } => {
                let output = match (&self.args.output, self.output.model_path()) {
                    (None, path) if path.as_os_str() == "model.mpk" => String::new(),
                    (_, path) => format!(" -o {}", path.display()),
                };
                let advice =
                    format!("everything is saved; go on with: lenet train --resume{output}");
                Error::Stopped { signal, advice }
            }
            error => error,
        }
    }
}
