//! How fast a backend trains here: measured for about a second.

use std::time::{Duration, Instant};

use crate::backend::{LeNetBackend, Parameters, Trainer};
use crate::cli::error::Error;
use crate::data::{Batches, Image, ImageDataset};
use crate::model::Weights;
use crate::train::Recipe;

/// How long a backend is measured, once its kernels are compiled.
const WHILE: Duration = Duration::from_secs(1);
/// Images of a pass: an epoch in small.
const IMAGES: usize = 16_000;
/// The default of `lenet train`.
const BATCH_SIZE: usize = 32;

/// Images to train on; how fast that goes does not depend on what they show.
fn images() -> ImageDataset {
    let image = |index: usize| -> Image {
        std::array::from_fn(|pixel| (index * 31 + pixel * 17 + pixel / 28 * 7) as u8)
    };
    let images = (0..IMAGES).map(image).collect();
    let labels = (0..IMAGES).map(|index| (index % 10) as u8).collect();
    ImageDataset::new(images, labels)
}

/// Images a second of a training by the classic recipe on `device`.
///
/// # Errors
/// If the device fails.
pub fn speed<B: LeNetBackend>(device: &B::Device) -> Result<f64, Error> {
    let recipe = Recipe::classic();
    let start = Parameters::new(Weights::initial(1, recipe.gain), recipe.sgd());
    let mut trainer = B::trainer(recipe.activation, recipe.sgd(), &start, device);
    let pass = Batches::in_order(&images(), BATCH_SIZE);
    let batches = pass.batches();
    let mut left = 0;
    // Makes some steps and waits for them.
    let mut steps = |count: usize| {
        for _ in 0..count {
            if left == 0 {
                trainer.start_epoch(pass.clone(), vec![0.01; batches], 0);
                left = batches;
            }
            trainer.step();
            left -= 1;
        }
        trainer.results().map(drop)
    };
    steps(1)?;
    let begin = Instant::now();
    let (mut done, mut count) = (0, 1);
    while begin.elapsed() < WHILE {
        let last = Instant::now();
        steps(count)?;
        done += count;
        // As rarely as training waits for a device: about ten times a second.
        if last.elapsed() * 10 < WHILE {
            count *= 2;
        }
    }
    Ok((done * BATCH_SIZE) as f64 / begin.elapsed().as_secs_f64())
}
