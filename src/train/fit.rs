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

/// The data, the device and the interval between checkpoints of a run.
pub struct TrainingContext<'a, B: LeNetBackend> {
    /// The training images.
    pub train: &'a ImageDataset,
    /// The validation images, possibly none.
    pub validation: &'a ImageDataset,
    /// The device to compute on.
    pub device: &'a B::Device,
    /// Interval between checkpoints within an epoch.
    pub save_every: Duration,
    /// Time at which the run stops after the current batch, if any.
    pub deadline: Option<Instant>,
}

/// A callback that saves a checkpoint.
type Save<'a> = dyn FnMut(&Checkpoint) -> Result<(), Error> + 'a;

/// Trains from `checkpoint` to the end of the run, or until a signal arrives or the deadline has passed.
///
/// `save` is called after each epoch, every [`TrainingContext::save_every`] within an epoch, and before an early stop.
///
/// # Errors
/// Returns [`Error::Interrupted`] after a signal and [`Error::TimeLimit`] after the deadline, with the checkpoint saved.
/// Returns [`Error::Diverged`] if a loss or a weight is not finite. In this case, the last saved checkpoint is from an earlier
/// step. Returns any error of the device or of `save`.
pub fn fit<B: LeNetBackend>(
    context: &TrainingContext<'_, B>,
    checkpoint: &mut Checkpoint,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<(), Error> {
    let recipe = &checkpoint.record.settings.recipe;
    let start = Parameters { weights: checkpoint.weights.clone(), slots: checkpoint.slots.clone() };
    let mut trainer = B::trainer(recipe.activation, recipe.sgd(), &start, context.device);
    let mut poll = PollInterval::new();
    while !checkpoint.is_over() {
        train_epoch(context, &mut trainer, &mut poll, checkpoint, reporter, save)?;
        let validation = match validate(context, checkpoint) {
            // The checkpoint contains all batches of the epoch, so a resumed run starts with the validation.
            Err(interrupted @ Error::Interrupted(_)) => {
                save(checkpoint)?;
                return Err(interrupted);
            }
            validation => validation?,
        };
        let finished = checkpoint.finish_epoch(validation.as_ref());
        save(checkpoint)?;
        reporter.epoch(&finished, context.train.len());
    }
    Ok(())
}

/// Trains the rest of the epoch, starting after the batches in `checkpoint.sums`, and updates `checkpoint`. Stops after
/// the current batch if a signal arrives or the deadline has passed.
fn train_epoch<B: LeNetBackend>(
    context: &TrainingContext<'_, B>,
    trainer: &mut B::Trainer,
    poll: &mut PollInterval,
    checkpoint: &mut Checkpoint,
    reporter: &mut dyn Reporter,
    save: &mut Save<'_>,
) -> Result<(), Error> {
    let (epoch, settings) = (checkpoint.epoch(), &checkpoint.record.settings);
    let batch_size = settings.batch_size;
    let (begin, seconds_before) = (Instant::now(), checkpoint.sums.seconds);
    let mut last_save = begin;
    let images = batches_of(context.train, settings, epoch);
    let batches = images.batches();
    trainer.start_epoch(images, learning_rates(settings, epoch, batches), checkpoint.sums.batches);
    poll.restart();
    for batch in checkpoint.sums.batches + 1..=batches {
        trainer.step();
        let stop = reason_to_stop(context.deadline);
        let is_save_due = stop.is_some() || last_save.elapsed() >= context.save_every;
        let is_checkpoint_due = is_save_due || batch == batches;
        if poll.step() || is_checkpoint_due {
            checkpoint.sums.add(&trainer.results()?, batch_size, epoch)?;
            checkpoint.sums.seconds = seconds_before + begin.elapsed().as_secs_f64();
            poll.has_read();
            reporter.progress(epoch, batches, &checkpoint.sums);
        }
        if is_checkpoint_due {
            let Parameters { weights, slots } = trainer.parameters()?;
            (checkpoint.weights, checkpoint.slots) = (weights, slots);
            check_weights(checkpoint)?;
        }
        if is_save_due {
            save(checkpoint)?;
            last_save = Instant::now();
        }
        if let Some(stop) = stop {
            return Err(stop);
        }
    }
    Ok(())
}

/// Returns why the run must stop now, if it must.
fn reason_to_stop(deadline: Option<Instant>) -> Option<Error> {
    let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    signal::requested().map(Error::Interrupted).or_else(|| is_over.then_some(Error::TimeLimit))
}

/// Returns the batches of `epoch`.
fn batches_of(train: &ImageDataset, settings: &Settings, epoch: usize) -> Batches {
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

/// Returns the learning rate of each batch of `epoch`.
fn learning_rates(settings: &Settings, epoch: usize, batches: usize) -> Vec<f32> {
    let Recipe { learning_rate, schedule, .. } = settings.recipe;
    let steps = (epoch - 1) * batches..epoch * batches;
    let rate = |step| learning_rate * schedule.factor(step, settings.epochs * batches);
    steps.map(|step| rate(step) as f32).collect()
}

/// Evaluates the current weights on the validation images, if any.
fn validate<B: LeNetBackend>(
    context: &TrainingContext<'_, B>,
    checkpoint: &Checkpoint,
) -> Result<Option<Evaluation>, Error> {
    if context.validation.is_empty() {
        return Ok(None);
    }
    let model = checkpoint.record.settings.recipe.fold(&checkpoint.weights);
    evaluate::<B>(&model, context.validation, eval::BATCH_SIZE, context.device).map(Some)
}

/// Checks that all weights are finite. A weight can overflow in a step whose loss was still finite.
fn check_weights(checkpoint: &Checkpoint) -> Result<(), Error> {
    match checkpoint.weights.first_non_finite() {
        Some((spec, value)) => {
            let what = format!("a value of {} is {value}", spec.name);
            Err(Error::Diverged { what, epoch: checkpoint.epoch(), batch: checkpoint.sums.batches })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::tests::initial;
    use super::*;
    use crate::data::{DatasetInfo, FASHION_MNIST, MNIST, PIXELS, Transform, UNKNOWN};

    #[test]
    fn tuned_recipe_flips_only_fashion_mnist() {
        let labels = (0..1000).map(|image| (image / 2 % 10) as u8).collect();
        let images = ImageDataset::new(vec![[0; PIXELS]; 1000], labels);
        let settings = Settings { epochs: 9, ..Settings::new(Recipe::tuned()) };
        let transforms = |info: &DatasetInfo| {
            batches_of(&images.clone().with_info(info), &settings, 1).transforms
        };
        let clothes = transforms(&FASHION_MNIST);
        // Seven of the ten classes may be flipped, and each epoch flips half of their images.
        assert_eq!(clothes.iter().filter(|transform| transform.flip).count(), 350);
        for info in [&MNIST, &UNKNOWN] {
            let unflipped = |transform: &Transform| Transform { flip: false, ..*transform };
            let expected: Vec<_> = clothes.iter().map(unflipped).collect();
            assert_eq!(transforms(info), expected, "{}", info.name);
        }
    }

    #[test]
    fn non_finite_weights_are_reported() {
        let mut checkpoint = initial(Settings::new(Recipe::classic()));
        check_weights(&checkpoint).unwrap();
        checkpoint.finish_epoch(None);
        checkpoint.weights.tensor_mut(4)[7] = f32::NEG_INFINITY;
        let error = check_weights(&checkpoint).unwrap_err().to_string();
        assert!(error.contains("fc1.weight is -inf in epoch 2"), "{error}");
    }

    #[test]
    fn schedule_spans_all_epochs() {
        let settings = |recipe| Settings { epochs: 3, ..Settings::new(recipe) };
        let tuned = settings(Recipe::tuned());
        let found: Vec<f32> = (1..=3).flat_map(|epoch| learning_rates(&tuned, epoch, 20)).collect();
        // The rate rises to 0.02 over the first 3 of 60 steps and then falls to 0. Each step uses the rate at its middle.
        let expected = |step: usize| match step {
            0..3 => 0.02 * (step as f64 + 0.5) / 3.0,
            _ => 0.02 * (59.5 - step as f64) / 57.0,
        };
        assert_eq!(found.len(), 60);
        for (step, rate) in found.iter().enumerate() {
            assert!((f64::from(*rate) - expected(step)).abs() < 1e-8, "{step}: {rate}");
        }
        assert_eq!(learning_rates(&settings(Recipe::classic()), 2, 4), [0.9; 4]);
    }
}
