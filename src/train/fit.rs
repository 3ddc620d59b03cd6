//! The training loop.

use std::time::{Duration, Instant};

use burn::data::dataset::Dataset;

use crate::backend::{LeNetBackend, Parameters, Trainer};
use crate::data::{Batches, ImageDataset, epoch_order};
use crate::error::Error;
use crate::eval::{self, Evaluation, evaluate};
use crate::signal;

use super::running_sums::PollInterval;
use super::{Checkpoint, Recipe, Reporter, Settings};

/// What to train on, and where.
pub struct TrainingContext<'a, B: LeNetBackend> {
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
type Save<'a> = dyn FnMut(&mut Checkpoint) -> Result<(), Error> + 'a;

/// Goes on with the training `state` to its end, or until a signal comes.
///
/// `save` is given the state after each epoch, every [`TrainingContext::save_every`] within it, and when a signal has come. A
/// loss or weight that is not finite is an error, and the state saved last stays the last.
///
/// # Errors
/// [`Error::Stopped`] after a signal, with the state saved; whatever else ends the training early.
pub fn fit<B: LeNetBackend>(
    job: &TrainingContext<'_, B>,
    state: &mut Checkpoint,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<(), Error> {
    let recipe = &state.record.settings.recipe;
    let start = Parameters { weights: state.weights.clone(), slots: state.slots.clone() };
    let mut trainer = B::trainer(recipe.activation, recipe.sgd(), &start, job.device);
    let mut pace = PollInterval::new();
    while !state.is_over() {
        train_epoch(job, &mut trainer, &mut pace, state, reporter, save)?;
        let validation = match validate(job, state) {
            // All batches of the epoch are done: it goes on with its validation.
            Err(stopped @ Error::Stopped { .. }) => {
                save(state)?;
                return Err(stopped);
            }
            validation => validation?,
        };
        let finished = state.finish_epoch(validation.as_ref());
        save(state)?;
        reporter.epoch(&finished, job.train.len());
    }
    Ok(())
}

/// Trains from the batch that `state.sums` ends with to the end of the epoch; `state` is then that after its last
/// batch. A signal ends it after the batch in which it came.
fn train_epoch<B: LeNetBackend>(
    job: &TrainingContext<'_, B>,
    trainer: &mut B::Trainer,
    pace: &mut PollInterval,
    state: &mut Checkpoint,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<(), Error> {
    let (epoch, batch_size) = (state.epoch(), state.record.settings.batch_size);
    let (begin, seconds_before) = (Instant::now(), state.sums.seconds);
    let mut last_save = begin;
    let pass = pass(job.train, &state.record.settings, epoch);
    let batches = pass.batches();
    trainer.start_epoch(pass, rates(&state.record.settings, epoch, batches), state.sums.batches);
    pace.restart();
    for batch in state.sums.batches + 1..=batches {
        trainer.step();
        let signal = signal::requested();
        let is_save_due = signal.is_some() || last_save.elapsed() >= job.save_every;
        let is_state_due = is_save_due || batch == batches;
        if pace.step() || is_state_due {
            state.sums.add(&trainer.results()?, batch_size, epoch)?;
            state.sums.seconds = seconds_before + begin.elapsed().as_secs_f64();
            pace.has_read();
            reporter.progress(epoch, batches, &state.sums);
        }
        if is_state_due {
            let Parameters { weights, slots } = trainer.parameters()?;
            (state.weights, state.slots) = (weights, slots);
            check_weights(state)?;
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

/// Returns the batches of `epoch`.
fn pass(train: &ImageDataset, settings: &Settings, epoch: usize) -> Batches {
    let Settings { epochs, batch_size, seed, recipe, .. } = settings;
    let order = epoch_order(train.len() as u32, *seed, epoch as u64);
    Batches {
        images: train.clone(),
        transforms: recipe.augmentation.sample(&order, train, *seed, epoch, *epochs),
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
fn validate<B: LeNetBackend>(
    job: &TrainingContext<'_, B>,
    state: &Checkpoint,
) -> Result<Option<Evaluation>, Error> {
    if job.validation.is_empty() {
        return Ok(None);
    }
    let model = state.record.settings.recipe.fold(&state.weights);
    evaluate::<B>(&model, job.validation, eval::BATCH_SIZE, job.device).map(Some)
}

/// A weight can overflow in the very step whose loss was still a number.
fn check_weights(state: &Checkpoint) -> Result<(), Error> {
    match state.weights.first_non_finite() {
        Some((spec, value)) => {
            let what = format!("a value of {} is {value}", spec.name);
            Err(Error::Diverged { what, epoch: state.epoch(), batch: state.sums.batches })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::tests::state;
    use super::*;
    use crate::data::{DatasetInfo, FASHION_MNIST, MNIST, PIXELS, Transform, UNKNOWN};

    #[test]
    fn tuned_recipe_flips_only_fashion_mnist() {
        let labels = (0..1000).map(|image| (image / 2 % 10) as u8).collect();
        let images = ImageDataset::new(vec![[0; PIXELS]; 1000], labels);
        let settings = Settings { epochs: 9, ..Settings::new(Recipe::tuned()) };
        let transforms = |info: &'static DatasetInfo| {
            pass(&images.clone().with_info(info), &settings, 1).transforms
        };
        let clothes = transforms(&FASHION_MNIST);
        // Seven of ten classes are flipped in every second epoch.
        assert_eq!(clothes.iter().filter(|transform| transform.flip).count(), 350);
        for info in [&MNIST, &UNKNOWN] {
            let unflipped = |transform: &Transform| Transform { flip: false, ..*transform };
            let expected: Vec<_> = clothes.iter().map(unflipped).collect();
            assert_eq!(transforms(info), expected, "{}", info.name);
        }
    }

    #[test]
    fn weights_that_are_no_numbers_end_the_training() {
        let mut state = state(Settings::new(Recipe::classic()));
        check_weights(&state).unwrap();
        state.finish_epoch(None);
        state.weights.tensor_mut(4)[7] = f32::NEG_INFINITY;
        let error = check_weights(&state).unwrap_err().to_string();
        assert!(error.contains("fc1.weight is -inf in epoch 2"), "{error}");
    }

    #[test]
    fn the_schedule_runs_once_over_all_epochs() {
        let settings = |recipe| Settings { epochs: 3, ..Settings::new(recipe) };
        let tuned = settings(Recipe::tuned());
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
        assert_eq!(rates(&settings(Recipe::classic()), 2, 4), [0.9; 4]);
    }
}
