//! A run can be interrupted after any minibatch and resumed with bit-identical results.

use std::time::Duration;

use burn_ndarray::NdArray;
use lenet::data::{Augmentation, FASHION_MNIST, Options, TrainAndTest};
use lenet::train::{Checkpoint, Keep, Quiet, Recipe, RunRecord, Settings, TrainingContext, fit};

#[path = "../common/mod.rs"]
mod common;

type B = NdArray;

#[test]
fn momentum_run_resumes_at_any_batch() {
    let mut recipe = Recipe::classic();
    recipe.momentum = 0.7;
    assert_resumable_anywhere(recipe);
}

#[test]
fn tuned_run_resumes_at_any_batch() {
    assert_resumable_anywhere(Recipe::tuned());
}

#[test]
fn augmented_run_resumes_at_any_batch() {
    let mut recipe = Recipe::tuned();
    recipe.augmentation = Augmentation { flip: true, shift: 1, clean_epochs: 1 };
    assert_resumable_anywhere(recipe);
}

/// Asserts that a run that resumes from the checkpoint after any minibatch ends like the uninterrupted run. The run has two
/// epochs of seven minibatches, the last of which is smaller, and four validation images.
fn assert_resumable_anywhere(recipe: Recipe) {
    let dir = tempfile::tempdir().unwrap();
    common::write_dataset(dir.path(), 30, 10);
    let data = TrainAndTest::load(&Options {
        dir: Some(dir.path().to_owned()),
        any_dataset: true,
        limit: None,
        stratified: false,
    })
    .unwrap();
    // Label the data set as Fashion-MNIST, so that augmentation flips its images.
    let images = data.train.with_info(&FASHION_MNIST);
    let (train, validation) = images.split(0.15).unwrap();
    let settings = Settings {
        epochs: 2,
        batch_size: 4,
        validation_split: 0.15,
        seed: 3,
        keep: Keep::Best,
        ..Settings::new(recipe)
    };
    let device = Default::default();
    // Trains from `checkpoint` to the end. Returns the checkpoints saved during the run, and the final one without durations.
    let train = |mut checkpoint: Checkpoint, save_every| {
        let mut saved = Vec::new();
        let context = TrainingContext::<B> {
            train: &train,
            validation: &validation,
            device: &device,
            save_every,
            deadline: None,
        };
        fit(&context, &mut checkpoint, &mut Quiet, &mut |checkpoint| {
            saved.push(checkpoint.clone());
            Ok(())
        })
        .unwrap();
        checkpoint.record.epochs.iter_mut().for_each(|record| record.seconds = 0.0);
        (saved, checkpoint)
    };
    let (saved, end) = train(Checkpoint::initial(RunRecord::new(settings, "CPU")), Duration::ZERO);
    let position = |saved: &Checkpoint| (saved.record.epochs.len(), saved.sums.batches);
    let positions: Vec<_> = saved.iter().map(position).collect();
    let batches = |epoch| (1..=7).map(move |batch| (epoch, batch));
    let expected: Vec<_> = batches(0).chain([(1, 0)]).chain(batches(1)).chain([(2, 0)]).collect();
    assert_eq!(positions, expected);
    for (checkpoint, position) in saved.into_iter().zip(positions) {
        let (_, resumed) = train(checkpoint, Duration::MAX);
        assert_eq!(resumed, end, "resumed at {position:?}");
    }
}
