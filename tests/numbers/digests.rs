//! The bits of the parameters after a few dozen steps, pinned so that no change goes unnoticed.

use lenet::backend::Parameters;
use lenet::backend::cpu::{SimdLevel, SimdLevelError};
use lenet::data::{Batches, Part, epoch_order};
use lenet::model::Weights;
use lenet::train::Recipe;
use sha2::{Digest, Sha256};

use super::implementation::{Cpu, Implementation};
use super::support::images;

const STEPS: usize = 36;

/// Returns the first images of the first epoch of seed 1 in minibatches of 33, as the recipe transforms them.
fn batches(recipe: &Recipe) -> Batches {
    let images = images(Part::Train);
    let mut order = epoch_order(60_000, 1, 1);
    order.truncate(STEPS * 33);
    Batches {
        transforms: recipe.augmentation.sample(&order, &images, 1, 1, 9),
        order,
        scaling: recipe.scaling,
        ..Batches::in_order(&images, 33)
    }
}

/// Returns the first 16 hexadecimal digits of the SHA-256 of weights and optimizer state after the steps of a recipe.
fn digest(level: SimdLevel, recipe: &Recipe) -> String {
    let weights = Weights::initial(1, recipe.gain).for_activation(recipe.activation);
    let start = Parameters::new(weights, recipe.sgd());
    let learning_rates: Vec<f32> = (0..STEPS)
        .map(|step| (recipe.learning_rate * recipe.schedule.factor(step, STEPS)) as f32)
        .collect();
    let batches = batches(recipe);
    let (end, _) =
        Cpu(level).train(recipe.activation, recipe.sgd(), &start, &batches, &learning_rates);
    let mut hash = Sha256::new();
    for values in [&end.weights].into_iter().chain(&end.slots) {
        values.values().iter().for_each(|value| hash.update(value.to_le_bytes()));
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn trained_weights_match_pinned_digests() {
    // All instruction sets with fused multiply-add give the same bits.
    let pinned = [
        ("scalar", "classic", "e558d98967d63c85"),
        ("scalar", "tuned", "875b3ba62863409b"),
        ("avx2", "classic", "0ae473389311a077"),
        ("avx2", "tuned", "c077820d8e98e3dc"),
        ("avx512", "classic", "0ae473389311a077"),
        ("avx512", "tuned", "c077820d8e98e3dc"),
        ("neon", "classic", "0ae473389311a077"),
        ("neon", "tuned", "c077820d8e98e3dc"),
    ];
    for name in SimdLevel::NAMES {
        let level = match SimdLevel::named(name) {
            Ok(level) => level,
            Err(error) => {
                assert_eq!(error, SimdLevelError::Unavailable(name));
                println!("{name}: not tested, because this CPU does not support it");
                continue;
            }
        };
        for recipe in [Recipe::classic(), Recipe::tuned()] {
            let found = digest(level, &recipe);
            println!("{name}, {}: {found}", recipe.name);
            let expected = pinned.iter().find(|(l, r, _)| (*l, *r) == (name, &recipe.name));
            let (.., expected) = expected.expect("the digests of every instruction set are pinned");
            assert_eq!(found, *expected, "{name}, {}", recipe.name);
        }
    }
}

#[test]
fn thread_count_does_not_change_weights() {
    for level in SimdLevel::available() {
        for recipe in [Recipe::classic(), Recipe::tuned()] {
            let digests = [1, 2, 3, 8].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                pool.build().unwrap().install(|| digest(level, &recipe))
            });
            assert!(digests.iter().all(|digest| *digest == digests[0]), "{level}: {digests:?}");
        }
    }
}
