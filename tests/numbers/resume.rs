//! A training can be left at any batch and gone on with from there, to the same bits.

use std::time::Duration;

use burn_ndarray::NdArray;
use lenet::data::{Augmentation, Options, TrainAndTest};
use lenet::train::{Checkpoint, Keep, Quiet, Recipe, RunRecord, Settings, TrainingContext, fit};

#[path = "../common/mod.rs"]
mod common;

type B = NdArray;

#[test]
fn momentum_run_resumes_at_any_batch() {
    let mut recipe = Recipe::classic();
    recipe.momentum = 0.7;
    left_anywhere(recipe);
}

#[test]
fn tuned_run_resumes_at_any_batch() {
    left_anywhere(Recipe::tuned());
}

#[test]
fn augmented_run_resumes_at_any_batch() {
    let mut recipe = Recipe::tuned();
    recipe.augmentation = Augmentation { flip: true, shift: 1, clean_epochs: 1 };
    left_anywhere(recipe);
}

/// Two epochs of 7 batches, the last one short, and 4 images to validate on, left after each batch.
fn left_anywhere(recipe: Recipe) {
    let dir = tempfile::tempdir().unwrap();
    common::write_dataset(dir.path(), 30, 10);
    let data = TrainAndTest::load(&Options {
        dir: Some(dir.path().to_owned()),
        any_dataset: true,
        limit: None,
        stratified: false,
    })
    .unwrap();
    let (train, validation) = data.train.split(0.15).unwrap();
    let settings = Settings {
        epochs: 2,
        batch_size: 4,
        validation_split: 0.15,
        seed: 3,
        keep: Keep::Best,
        ..Settings::new(recipe)
    };
    let device = Default::default();
    // The states that were saved on the way from `state`, and the last one, none with its times.
    let train = |mut state: Checkpoint, save_every| {
        let mut saved = Vec::new();
        let job = TrainingContext::<B> {
            train: &train,
            validation: &validation,
            device: &device,
            save_every,
        };
        fit(&job, &mut state, &mut Quiet, &mut |state| {
            saved.push(state.clone());
            Ok(())
        })
        .unwrap();
        state.record.epochs.iter_mut().for_each(|record| record.seconds = 0.0);
        (saved, state)
    };
    let (saved, end) = train(Checkpoint::initial(RunRecord::new(settings, "CPU")), Duration::ZERO);
    let places: Vec<_> =
        saved.iter().map(|state| (state.record.epochs.len(), state.sums.batches)).collect();
    let batches = |epoch| (1..=7).map(move |batch| (epoch, batch));
    let expected: Vec<_> = batches(0).chain([(1, 0)]).chain(batches(1)).chain([(2, 0)]).collect();
    assert_eq!(places, expected);
    for (state, place) in saved.into_iter().zip(places) {
        let (_, resumed) = train(state, Duration::MAX);
        assert_eq!(resumed, end, "left at {place:?}");
    }
}
