//! Measures the time of a training step with each instruction set of this CPU: `cargo bench --bench step`.
//!
//! Each recipe runs one epoch per instruction set and number of threads. The epoch is cut into rounds, and the instruction sets
//! take turns, because other work on the machine comes and goes. The minimum is reported next to the median because other work
//! hardly affects the minimum; the spread of the rounds shows how noisy the machine was. `LENET_SIMD` selects one instruction set
//! and `RAYON_NUM_THREADS` the number of threads. `perf record` shows which parts of a step take the time.

use std::time::{Duration, Instant};

use lenet::backend::cpu::{CpuTrainer, SimdLevel, level};
use lenet::backend::{Parameters, Trainer};
use lenet::data::{Batches, ImageDataset, Options, TrainAndTest, epoch_order};
use lenet::model::Weights;
use lenet::train::Recipe;

/// Number of rounds in which each instruction set runs, per epoch.
const ROUNDS: usize = 15;

fn main() {
    let data = TrainAndTest::load(&Options::default()).expect("the data set is in data/");
    let (train, _) = data.train.split(0.1).expect("a tenth can be held out");
    let levels = match std::env::var("LENET_SIMD") {
        Ok(name) if !name.is_empty() => vec![level().expect("this CPU has the instruction set")],
        _ => SimdLevel::available(),
    };
    let all = rayon::current_num_threads();
    let threads = match std::env::var("RAYON_NUM_THREADS") {
        Err(_) if all > 1 => vec![1, all],
        _ => vec![all],
    };
    for recipe in [Recipe::classic(), Recipe::tuned()] {
        for threads in &threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(*threads).build();
            let pool = pool.expect("threads can be started");
            pool.install(|| epoch(&recipe, &train, &levels, *threads));
        }
    }
}

/// Returns a trainer at the start of an epoch.
fn trainer(recipe: &Recipe, train: &ImageDataset, level: SimdLevel) -> CpuTrainer {
    let order = epoch_order(train.images().len() as u32, 42, 1);
    let batches = Batches {
        transforms: recipe.augmentation.sample(&order, train, 42, 1, 9),
        order,
        scaling: recipe.scaling,
        ..Batches::in_order(train, recipe.batch_size())
    };
    let weights = Weights::initial(42, recipe.gain).for_activation(recipe.activation);
    let start = Parameters::new(weights, recipe.sgd());
    let rates = vec![(recipe.learning_rate * 0.1) as f32; batches.batches()];
    let mut trainer = CpuTrainer::new(level, recipe.activation, recipe.sgd(), &start);
    trainer.start_epoch(batches, rates, 0);
    trainer
}

/// Runs the steps of one epoch with each instruction set and prints their times.
fn epoch(recipe: &Recipe, train: &ImageDataset, levels: &[SimdLevel], threads: usize) {
    let steps = train.images().len().div_ceil(recipe.batch_size());
    let mut runs: Vec<_> =
        levels.iter().map(|level| (level, trainer(recipe, train, *level), vec![])).collect();
    for _ in 0..ROUNDS {
        for (_, trainer, rounds) in &mut runs {
            let mut times: Vec<Duration> = (0..steps / ROUNDS)
                .map(|_| {
                    let begin = Instant::now();
                    trainer.step();
                    begin.elapsed()
                })
                .collect();
            times.sort();
            rounds.push([times[0], times[times.len() / 2]].map(|time| time.as_secs_f64() * 1e6));
        }
    }
    for (level, _, rounds) in runs {
        let minimum = rounds.iter().map(|round| round[0]).fold(f64::INFINITY, f64::min);
        let mut medians: Vec<f64> = rounds.iter().map(|round| round[1]).collect();
        medians.sort_by(f64::total_cmp);
        let [median, last] = [medians[ROUNDS / 2], medians[ROUNDS - 1]];
        println!(
            "{}, batch {}, {threads} threads, {level}: step min {minimum:.1} us, median {median:.1} us \
             (rounds {:.1} to {last:.1}); epoch {:.3} s (from the median)",
            recipe.name,
            recipe.batch_size(),
            medians[0],
            median * 1e-6 * steps as f64
        );
    }
}
