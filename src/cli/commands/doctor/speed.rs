//! Measures the training throughput of a backend for about one second.

use std::time::{Duration, Instant};

use crate::backend::{LeNetBackend, Parameters, Trainer};
use crate::cli::error::Error;
use crate::data::{Batches, Image, ImageDataset};
use crate::model::Weights;
use crate::train::Recipe;

/// Duration of the measurement, after the kernels are compiled.
const DURATION: Duration = Duration::from_secs(1);
/// Images per epoch.
const IMAGES: usize = 16_000;
/// The default batch size of `lenet train`.
const BATCH_SIZE: usize = 32;

/// Returns synthetic images. Throughput does not depend on their content.
fn images() -> ImageDataset {
    let image = |index: usize| -> Image {
        std::array::from_fn(|pixel| (index * 31 + pixel * 17 + pixel / 28 * 7) as u8)
    };
    let images = (0..IMAGES).map(image).collect();
    let labels = (0..IMAGES).map(|index| (index % 10) as u8).collect();
    ImageDataset::new(images, labels)
}

/// Measures the images per second that the classic recipe trains on `device`.
///
/// # Errors
/// Returns an error if the device fails.
pub fn speed<B: LeNetBackend>(device: &B::Device) -> Result<f64, Error> {
    let recipe = Recipe::classic();
    let start = Parameters::new(Weights::initial(1, recipe.gain), recipe.sgd());
    let mut trainer = B::trainer(recipe.activation, recipe.sgd(), &start, device);
    let epoch = Batches::in_order(&images(), BATCH_SIZE);
    let batches = epoch.batches();
    let mut left = 0;
    // Runs some steps and waits for their results.
    let mut steps = |count: usize| {
        for _ in 0..count {
            if left == 0 {
                trainer.start_epoch(epoch.clone(), vec![0.01; batches], 0);
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
    while begin.elapsed() < DURATION {
        let last = Instant::now();
        steps(count)?;
        done += count;
        // Wait for results about ten times per second, as training does.
        if last.elapsed() * 10 < DURATION {
            count *= 2;
        }
    }
    Ok((done * BATCH_SIZE) as f64 / begin.elapsed().as_secs_f64())
}
