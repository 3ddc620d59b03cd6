//! The training loop.

use std::time::{Duration, Instant};

use burn::optim::GradientsParams;
use burn::tensor::backend::AutodiffBackend;

use burn::data::dataset::Dataset;

use crate::data::{Batches, ImageDataset, epoch_order};
use crate::error::Error;
use crate::eval::{self, Evaluation, evaluate};
use crate::model::LeNet;
use crate::ops::{LeNetBackend, cross_entropy};

use super::ledger::Ledger;
use super::{Best, Descent, EpochRecord, Reporter, Settings, State, stop};

/// What to train on what.
pub struct Job<'a, B: AutodiffBackend> {
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
pub fn fit<B>(
    job: &Job<'_, B>,
    state: &mut State,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<(), Error>
where
    B: AutodiffBackend + LeNetBackend,
    B::InnerBackend: LeNetBackend,
{
    let mut model = LeNet::<B>::from_weights(&state.weights, job.device);
    let mut descent = Descent::new(&job.settings.recipe, state, job.device);
    while !state.is_over(job.settings) {
        let epoch = state.history.len() + 1;
        model = train_epoch(job, epoch, model, &mut descent, state, reporter, save)?;
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
fn train_epoch<B>(
    job: &Job<'_, B>,
    epoch: usize,
    mut model: LeNet<B>,
    descent: &mut Descent<B>,
    state: &mut State,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<LeNet<B>, Error>
where
    B: AutodiffBackend + LeNetBackend,
    B::InnerBackend: LeNetBackend,
{
    let Settings {
        epochs,
        batch_size,
        seed,
        recipe,
        ..
    } = job.settings;
    let samples = job.train.len();
    let order = epoch_order(samples as u32, *seed, epoch as u64);
    let changes = recipe.augmentation.draw(samples, *seed, epoch, *epochs);
    let batches = samples.div_ceil(*batch_size);
    let mut ledger = Ledger::<B::InnerBackend>::new();
    let (begin, seconds_before) = (Instant::now(), state.sums.seconds);
    let mut last_save = begin;
    let capture = |state: &mut State, model: &LeNet<B>, descent: &Descent<B>| {
        state.sums.seconds = seconds_before + begin.elapsed().as_secs_f64();
        descent.store(model, state);
        check_weights(state, epoch)
    };
    let done = state.sums.batches;
    let images = Batches::<B>::new(job.train, order, *batch_size, job.device)
        .changed(changes)
        .scaled(recipe.scaling)
        .starting_at(done);
    let first_step = (epoch - 1) * batches + done;
    for (step, batch) in (first_step..).zip(images) {
        let [count] = batch.labels.dims();
        let score = cross_entropy(model.forward(batch.images), batch.labels);
        let gradients = GradientsParams::from_grads(score.loss.backward(), &model);
        let share = recipe.schedule.share(step, epochs * batches);
        model = descent.step(recipe.learning_rate * share, model, gradients);
        ledger.push(count, score.loss.inner(), score.correct.inner());
        let signal = stop::requested();
        let is_save_due = signal.is_some() || last_save.elapsed() >= job.save_every;
        if is_save_due || ledger.is_due() {
            ledger.settle(&mut state.sums, epoch)?;
            reporter.progress(epoch, batches, &state.sums);
        }
        if is_save_due {
            capture(state, &model, descent)?;
            save(state)?;
            last_save = Instant::now();
        }
        if let Some(signal) = signal {
            return Err(Error::stopped(signal));
        }
    }
    ledger.settle(&mut state.sums, epoch)?;
    capture(state, &model, descent)?;
    Ok(model)
}

/// The figures of what `state` has come to on the validation images, if there are any.
fn validate<B>(job: &Job<'_, B>, state: &State) -> Result<Option<Evaluation>, Error>
where
    B: AutodiffBackend,
    B::InnerBackend: LeNetBackend,
{
    if job.validation.is_empty() {
        return Ok(None);
    }
    let weights = state.current().for_raw_pixels(job.settings.recipe.scaling);
    let model = LeNet::<B::InnerBackend>::from_weights(&weights, job.device);
    evaluate(&model, job.validation, eval::BATCH_SIZE, job.device).map(Some)
}

/// Moves the epoch's sums and its validation into the history.
fn finish_epoch(epoch: usize, validation: Option<Evaluation>, state: &mut State) -> EpochRecord {
    let sums = std::mem::take(&mut state.sums);
    if let Some(validation) = &validation {
        let val_loss = validation.loss();
        if state
            .best
            .as_ref()
            .is_none_or(|best| val_loss < best.val_loss)
        {
            state.best = Some(Best {
                epoch,
                val_loss,
                weights: state.current().clone(),
            });
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
            Err(Error::Diverged {
                what,
                epoch,
                batch: state.sums.batches,
            })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Recipe;

    #[test]
    fn weights_that_are_no_numbers_end_the_training() {
        let settings = Settings {
            epochs: 1,
            batch_size: 32,
            validation_split: 0.1,
            stratified: false,
            seed: 1,
            recipe: Recipe::classic(),
            limit: None,
            keep: Default::default(),
            patience: None,
            backend: "ndarray".to_owned(),
        };
        let mut state = State::initial(&settings);
        check_weights(&state, 1).unwrap();
        state.weights.tensors_mut()[4][7] = f32::NEG_INFINITY;
        let error = check_weights(&state, 2).unwrap_err().to_string();
        assert!(error.contains("fc1.weight is -inf in epoch 2"), "{error}");
    }
}
