//! Measures the time of a training step at batch 32: `cargo bench --bench step`.
//!
//! `LENET_SIMD` selects the instruction set and `RAYON_NUM_THREADS` the number of threads. The minimum is reported next to the
//! median because other work on the machine hardly affects the minimum. `perf record` shows which parts of a step take the
//! time.

use std::time::{Duration, Instant};

use burn_ndarray::NdArray;
use lenet::backend::{LeNetBackend, Parameters, Trainer};
use lenet::data::{Batches, ImageDataset, Options, TrainAndTest, epoch_order};
use lenet::model::Weights;
use lenet::train::Recipe;

const N: usize = 32;
const STEPS: f64 = 54_000.0 / N as f64;

fn main() {
    let data = TrainAndTest::load(&Options::default()).expect("the data set is in data/");
    let (train, _) = data.train.split(0.1).expect("a tenth can be held out");
    for recipe in [Recipe::classic(), Recipe::tuned()] {
        steps(&recipe, &train);
    }
}

fn batches(recipe: &Recipe, train: &ImageDataset) -> Batches {
    let order = epoch_order(train.images().len() as u32, 42, 1);
    Batches {
        transforms: recipe.augmentation.sample(&order, train, 42, 1, 9),
        order,
        scaling: recipe.scaling,
        ..Batches::in_order(train, N)
    }
}

fn initial_parameters(recipe: &Recipe) -> Parameters {
    let weights = Weights::initial(42, recipe.gain).for_activation(recipe.activation);
    Parameters::new(weights, recipe.sgd())
}

/// Returns the minimum and the median in microseconds.
fn summary(times: &mut [Duration]) -> [f64; 2] {
    times.sort();
    [times[0], times[times.len() / 2]].map(|time| time.as_secs_f64() * 1e6)
}

/// Runs the steps of one epoch and prints their times.
fn steps(recipe: &Recipe, train: &ImageDataset) {
    let pool = rayon::ThreadPoolBuilder::new().build().expect("threads can be started");
    pool.install(|| {
        let batches = batches(recipe, train);
        let steps = batches.batches();
        let rates = vec![(recipe.learning_rate * 0.1) as f32; steps];
        let (start, device) = (initial_parameters(recipe), Default::default());
        let mut trainer = NdArray::trainer(recipe.activation, recipe.sgd(), &start, &device);
        trainer.start_epoch(batches, rates, 0);
        let mut times: Vec<Duration> = (0..steps)
            .map(|_| {
                let begin = Instant::now();
                trainer.step();
                begin.elapsed()
            })
            .collect();
        let [minimum, median] = summary(&mut times);
        println!(
            "{}, {} threads: step min {minimum:.1} us, median {median:.1} us; epoch {:.3} s (from the median)",
            recipe.name,
            rayon::current_num_threads(),
            median * 1e-6 * STEPS
        );
    });
}
