//! The training loop.

use std::time::{Duration, Instant};

use burn::data::dataset::Dataset;

use crate::data::{ImageDataset, Pass, epoch_order};
use crate::error::Error;
use crate::eval::{self, Evaluation, evaluate};
use crate::model::Weights;
use crate::ops::{LeNetBackend, Parameters, Trainer};
use crate::signal;

use super::scores::{self, Pace};
use super::{Best, EpochRecord, Recipe, Reporter, Settings, State};

/// What to train on what.
pub struct Job<'a, B: LeNetBackend> {
    /// What is asked.
    pub settings: &'a Settings,
    /// The training images.
    pub train: &'a ImageDataset,
    /// The validation images; may be none.
    pub validation: &'a ImageDataset,
    /// Where to compute.
    pub device: &'a B::Device,
    /// Within an epoch, the state is saved after each batch that ends so long after the last saving.
    pub save_every: Duration,
}

/// Takes a state to safety.
type Save<'a> = dyn FnMut(&State) -> Result<(), Error> + 'a;

/// Trains from `state` to the end of `job`, or until a signal comes.
///
/// `save` is given the state after each epoch, every [`Job::save_every`] within it, and when a signal has come. A
/// loss or weight that is not finite is an error, and the state saved last stays the last.
///
/// # Errors
/// [`Error::Stopped`] after a signal, with the state saved; whatever else ends the training early.
pub fn fit<B: LeNetBackend>(
    job: &Job<'_, B>,
    state: &mut State,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<(), Error> {
    let recipe = &job.settings.recipe;
    let start = Parameters {
        values: state.weights.to_parameters(),
        velocity: state.velocity.as_ref().map(Weights::to_parameters),
    };
    let mut pace = Pace::new();
    let mut trainer = B::Trainer::new(recipe.activation, recipe.sgd(), &start, job.device);
    while !state.is_over(job.settings) {
        let epoch = state.history.len() + 1;
        train_epoch(job, epoch, &mut trainer, &mut pace, state, reporter, save)?;
        let validation = match validate(job, state) {
            // All batches of the epoch are done: it goes on with its validation.
            Err(stopped @ Error::Stopped { .. }) => {
                save(state)?;
                return Err(stopped);
            }
            validation => validation?,
        };
        let record = finish_epoch(epoch, validation, state);
        save(state)?;
        reporter.epoch(&record, job.train.len());
    }
    Ok(())
}

/// Trains from the batch that `state.sums` ends with to the end of the epoch; `state` is then that after its last
/// batch. A signal ends it after the batch in which it came.
fn train_epoch<B: LeNetBackend>(
    job: &Job<'_, B>,
    epoch: usize,
    trainer: &mut B::Trainer,
    pace: &mut Pace,
    state: &mut State,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<(), Error> {
    let batch_size = job.settings.batch_size;
    let (begin, seconds_before) = (Instant::now(), state.sums.seconds);
    let mut last_save = begin;
    let pass = pass(job, epoch);
    let batches = pass.batches();
    trainer.begin(pass, rates(job.settings, epoch, batches), state.sums.batches);
    pace.restart();
    for batch in state.sums.batches + 1..=batches {
        trainer.step();
        let signal = signal::requested();
        let is_save_due = signal.is_some() || last_save.elapsed() >= job.save_every;
        let is_state_due = is_save_due || batch == batches;
        if pace.step() || is_state_due {
            scores::add(&mut state.sums, &trainer.scores()?, batch_size, epoch)?;
            state.sums.seconds = seconds_before + begin.elapsed().as_secs_f64();
            pace.has_read();
            reporter.progress(epoch, batches, &state.sums);
        }
        if is_state_due {
            let Parameters { values, velocity } = trainer.parameters()?;
            state.weights = Weights::from_parameters(&values);
            state.velocity = velocity.as_deref().map(Weights::from_parameters);
            check_weights(state, epoch)?;
        }
        if is_save_due {
            save(state)?;
            last_save = Instant::now();
        }
        if let Some(signal) = signal {
            return Err(Error::stopped(signal));
        }
    }
    Ok(())
}

/// The images as `epoch` visits them.
fn pass<B: LeNetBackend>(job: &Job<'_, B>, epoch: usize) -> Pass {
    let Settings { epochs, batch_size, seed, recipe, .. } = job.settings;
    let order = epoch_order(job.train.len() as u32, *seed, epoch as u64);
    let augmentation = recipe.augmentation;
    Pass {
        images: job.train.clone(),
        changes: augmentation.draw(&order, job.train.labels(), *seed, epoch, *epochs),
        order,
        scaling: recipe.scaling,
        batch_size: *batch_size,
    }
}

/// The learning rate of each batch of `epoch`.
fn rates(settings: &Settings, epoch: usize, batches: usize) -> Vec<f32> {
    let Recipe { learning_rate, schedule, .. } = settings.recipe;
    let steps = (epoch - 1) * batches..epoch * batches;
    let rate = |step| learning_rate * schedule.factor(step, settings.epochs * batches);
    steps.map(|step| rate(step) as f32).collect()
}

/// The figures of what `state` has come to on the validation images, if there are any.
fn validate<B: LeNetBackend>(job: &Job<'_, B>, state: &State) -> Result<Option<Evaluation>, Error> {
    if job.validation.is_empty() {
        return Ok(None);
    }
    let model = job.settings.recipe.fold(&state.weights);
    evaluate::<B>(&model, job.validation, eval::BATCH_SIZE, job.device).map(Some)
}

/// Moves the epoch's sums and its validation into the history.
fn finish_epoch(epoch: usize, validation: Option<Evaluation>, state: &mut State) -> EpochRecord {
    let sums = std::mem::take(&mut state.sums);
    if let Some(validation) = &validation {
        let val_loss = validation.loss();
        if state.best.as_ref().is_none_or(|best| val_loss < best.val_loss) {
            state.best = Some(Best { epoch, val_loss, weights: state.weights.clone() });
        }
    }
    let record = EpochRecord {
        epoch,
        seconds: sums.seconds,
        loss: sums.mean_loss(),
        accuracy: sums.accuracy(),
        val_loss: validation.as_ref().map(Evaluation::loss),
        val_accuracy: validation.as_ref().map(Evaluation::accuracy),
    };
    state.history.push(record.clone());
    record
}

/// A weight can overflow in the very step whose loss was still a number.
fn check_weights(state: &State, epoch: usize) -> Result<(), Error> {
    match state.weights.first_non_finite() {
        Some((spec, _, value)) => {
            let what = format!("a value of {} is {value}", spec.name);
            Err(Error::Diverged { what, epoch, batch: state.sums.batches })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::tests::settings;
    use super::*;

    #[test]
    fn weights_that_are_no_numbers_end_the_training() {
        let mut state = State::initial(&settings(1, Recipe::classic()));
        check_weights(&state, 1).unwrap();
        state.weights.tensors_mut()[4][7] = f32::NEG_INFINITY;
        let error = check_weights(&state, 2).unwrap_err().to_string();
        assert!(error.contains("fc1.weight is -inf in epoch 2"), "{error}");
    }

    #[test]
    fn the_schedule_runs_once_over_all_epochs() {
        let tuned = settings(3, Recipe::tuned());
        let found: Vec<f32> = (1..=3).flat_map(|epoch| rates(&tuned, epoch, 20)).collect();
        // Up to 0.02 in the first 3 of 60 steps, then down to 0; each rate that of its step's middle.
        let expected = |step: usize| match step {
            0..3 => 0.02 * (step as f64 + 0.5) / 3.0,
            _ => 0.02 * (59.5 - step as f64) / 57.0,
        };
        assert_eq!(found.len(), 60);
        for (step, rate) in found.iter().enumerate() {
            assert!((f64::from(*rate) - expected(step)).abs() < 1e-8, "{step}: {rate}");
        }
        assert_eq!(rates(&settings(3, Recipe::classic()), 2, 4), [0.9; 4]);
    }

    #[test]
    fn an_epoch_is_the_best_while_no_other_has_a_smaller_validation_loss() {
        let mut state = State::initial(&settings(9, Recipe::classic()));
        // All images of class 0, whose output falls from epoch to epoch but for the second.
        for (epoch, output) in [(1, 0.5), (2, 0.9), (3, 0.9), (4, 0.4)] {
            state.weights.tensors_mut()[9].fill(epoch as f32);
            state.sums.seconds = 0.5 * epoch as f64;
            let mut outputs = [0.1; 10];
            outputs[0] = output;
            let validation = Evaluation::new(&[outputs], &[0]);
            let record = finish_epoch(epoch, Some(validation.clone()), &mut state);
            assert_eq!(record.seconds, 0.5 * epoch as f64);
            assert_eq!(record.val_loss, Some(validation.loss()));
            assert_eq!(record.val_accuracy, Some(1.0));
            assert_eq!(state.history.last(), Some(&record));
            assert_eq!((state.history.len(), state.sums.batches), (epoch, 0));
        }
        let best = state.best.unwrap();
        assert_eq!((best.epoch, &best.weights.tensors()[9]), (2, &vec![2.0; 10]));
        assert_eq!(Some(best.val_loss), state.history[1].val_loss);
    }
}
