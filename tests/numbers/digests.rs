//! The bits of a few dozen steps, pinned: no change of them goes unseen. They are the same for any number of threads, and for
//! a step as one operation or as two.

use lenet::backend::Parameters;
use lenet::backend::cpu::{SimdLevel, Stepper};
use lenet::data::{Batches, Part, Scaling, epoch_order};
use lenet::model::{Activation, Weights};
use lenet::optim::Sgd;
use lenet::train::Recipe;
use sha2::{Digest, Sha256};

use super::cpu::Cpu;
use super::implementation::Implementation;
use super::support::images;

const STEPS: usize = 36;

/// The first images of a seed's first epoch in batches of 33, as this recipe sees them.
fn pass(recipe: &Recipe) -> Batches {
    let images = images(Part::Train);
    let mut order = epoch_order(60_000, 1, 1);
    order.truncate(STEPS * 33);
    Batches {
        transforms: recipe.augmentation.draw(&order, images.labels(), 1, 1, 9),
        order,
        scaling: recipe.scaling,
        ..Batches::in_order(&images, 33)
    }
}

fn start(recipe: &Recipe) -> Parameters {
    let weights = Weights::initial(1, recipe.gain).for_activation(recipe.activation);
    Parameters::new(&weights, recipe.sgd())
}

/// The SHA-256 of parameters and velocity, its first 16 hexadecimal digits.
fn digest(parameters: &Parameters) -> String {
    let mut hash = Sha256::new();
    for value in parameters.values.iter().chain(parameters.velocity.iter().flatten()) {
        hash.update(value.to_le_bytes());
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the steps of a recipe end at.
fn end(level: SimdLevel, recipe: &Recipe) -> String {
    let (pass, mut parameters) = (pass(recipe), start(recipe));
    let mut stepper = Stepper::default();
    for step in 0..STEPS {
        let rate = (recipe.learning_rate * recipe.schedule.factor(step, STEPS)) as f32;
        let descent = parameters.descent(recipe.sgd(), rate);
        stepper.step(level, recipe.activation, descent, pass.batch(step));
    }
    digest(&parameters)
}

#[test]
fn a_few_dozen_steps_have_the_bits_that_they_always_had() {
    let pinned = [
        ("scalar", "classic", "06ab13452b58c987"),
        ("scalar", "tuned", "ca11856043f11f8a"),
        ("avx2", "classic", "5bcd87bc563fe150"),
        ("avx2", "tuned", "517405de5d8c426f"),
    ];
    for level in SimdLevel::available() {
        for recipe in [Recipe::classic(), Recipe::tuned()] {
            let found = end(level, &recipe);
            println!("{level}, {}: {found}", recipe.name);
            let (level, name) = (level.to_string(), recipe.name.as_str());
            let expected = pinned.iter().find(|(l, r, _)| (*l, *r) == (&level, name));
            // No machine has shown those of NEON yet.
            if let Some((.., expected)) = expected {
                assert_eq!(found, *expected, "{level}, {name}");
            } else {
                assert_eq!(level, "neon");
            }
        }
    }
}

#[test]
fn the_bits_are_the_same_for_any_number_of_threads() {
    for level in SimdLevel::available() {
        for recipe in [Recipe::classic(), Recipe::tuned()] {
            let ends = [1, 2, 3, 8].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                pool.build().unwrap().install(|| end(level, &recipe))
            });
            assert!(ends.iter().all(|end| *end == ends[0]), "{level}: {ends:?}");
        }
    }
}

#[test]
fn a_step_is_its_gradients_and_their_update() {
    for level in SimdLevel::available() {
        for recipe in [Recipe::classic(), Recipe::tuned()] {
            let (pass, mut parameters) = (pass(&recipe), start(&recipe));
            for step in 0..STEPS {
                let by = Cpu(level);
                let rate = (recipe.learning_rate * recipe.schedule.factor(step, STEPS)) as f32;
                let found = by.gradients(recipe.activation, &parameters.values, pass.batch(step));
                by.update(recipe.sgd(), rate, &mut parameters, &found.gradients);
            }
            assert_eq!(digest(&parameters), end(level, &recipe), "{level}, {}", recipe.name);
        }
    }
}

#[test]
fn plain_descent_needs_no_velocity_and_gives_the_bits_of_no_momentum() {
    assert!(!Sgd::default().has_velocity());
    let classic = Recipe::classic();
    assert_eq!((classic.activation, classic.scaling), (Activation::Sigmoid, Scaling::Raw));
    assert_eq!(start(&classic).velocity, None);
}
