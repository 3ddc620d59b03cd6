//! What a training step takes and what it consists of: `cargo bench --bench step [-- LEVEL..]`.
//!
//! The parts are timed on one thread, within steps of a training at batch 32; beside each stands its share of the multiply-adds
//! that the CPU could make meanwhile, counting only those at positions that max-pool chose. Whole steps are the trainer's own,
//! on as many threads as RAYON_NUM_THREADS says. Times are the least of many, which other work on the machine disturbs
//! little, and the median.

use std::time::{Duration, Instant};

use burn_ndarray::NdArray;
use lenet::data::{FashionMnist, ImageDataset, Options, Pass, epoch_order};
use lenet::kernels::{Level, level, profile};
use lenet::model::Weights;
use lenet::ops::{LeNetBackend, Parameters, Trainer};
use lenet::train::Recipe;

const N: usize = 32;
const STEPS: f64 = 54_000.0 / N as f64;

/// The multiply-adds of a part for one image; none where it has other work.
const MULTIPLY_ADDS: [(&str, usize); 11] = [
    ("conv1", 6 * 24 * 24 * 25),
    ("conv2", 16 * 8 * 8 * 150),
    ("fc1", 256 * 120),
    ("fc2", 120 * 84),
    ("fc3", 84 * 10),
    ("fc3 backward", 84 * 10),
    ("fc2 backward", 120 * 84),
    ("fc1 backward", 256 * 120),
    ("conv2 backward", 2 * 16 * 4 * 4 * 150),
    ("conv1 backward", 6 * 12 * 12 * 25),
    ("weights", 256 * 120 + 120 * 84 + 84 * 10),
];

fn main() {
    let names = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let named = |name: String| Level::named(&name).unwrap_or_else(|error| panic!("{error}"));
    let mut levels: Vec<Level> = names.map(named).collect();
    if levels.is_empty() {
        levels.push(level().unwrap_or_else(|error| panic!("{error}")));
    }
    let data = FashionMnist::load(&Options::default()).expect("the data set lies in data/");
    let (train, _) = data.train.split(0.1).expect("a tenth can be set aside");
    for recipe in [Recipe::classic(), Recipe::tuned()] {
        for level in &levels {
            parts(*level, &recipe, &train);
        }
        steps(&recipe, &train);
    }
}

fn pass(recipe: &Recipe, train: &ImageDataset) -> Pass {
    let order = epoch_order(train.images().len() as u32, 42, 1);
    Pass {
        changes: recipe.augmentation.draw(&order, train.labels(), 42, 1, 9),
        order,
        scaling: recipe.scaling,
        ..Pass::in_order(train, N)
    }
}

fn start(recipe: &Recipe) -> Parameters {
    let weights = Weights::initial(42, recipe.gain).for_activation(recipe.activation);
    Parameters::new(&weights, recipe.sgd())
}

/// The least and the median, in microseconds.
fn summary(times: &mut [Duration]) -> [f64; 2] {
    times.sort();
    [times[0], times[times.len() / 2]].map(|time| time.as_secs_f64() * 1e6)
}

fn parts(level: Level, recipe: &Recipe, train: &ImageDataset) {
    let (pass, mut parameters) = (pass(recipe, train), start(recipe));
    let peak = profile::peak(level);
    println!(
        "{}, {level}, one thread: {:.1} thousand million multiply-adds a second at most",
        recipe.name,
        peak / 1e9
    );
    let mut parts: Vec<(&str, Vec<Duration>)> = Vec::new();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    alone.install(|| {
        for batch in 0..800 {
            let descent = parameters.descent(recipe.sgd(), (recipe.learning_rate * 0.1) as f32);
            let found = profile::step(level, recipe.activation, descent, pass.batch(batch));
            parts.resize_with(found.len(), Default::default);
            for (part, (name, time)) in parts.iter_mut().zip(found) {
                part.0 = name;
                part.1.push(time);
            }
        }
    });
    let mut sum = 0.0;
    for (name, times) in &mut parts {
        let [least, median] = summary(times);
        sum += least;
        print!("  {name:14} {least:7.1} us  median {median:7.1} us");
        match MULTIPLY_ADDS.iter().find(|(part, _)| part == name) {
            None => println!(),
            Some((_, macs)) => println!(
                "  {:3.0} % of the peak",
                100.0 * (N * macs) as f64 / (least * 1e-6 * peak)
            ),
        }
    }
    println!("  {:14} {sum:7.1} us  {:.3} s an epoch", "sum", sum * 1e-6 * STEPS);
}

/// Whole steps as training makes them.
fn steps(recipe: &Recipe, train: &ImageDataset) {
    let pool = rayon::ThreadPoolBuilder::new().build().expect("threads can be started");
    pool.install(|| {
        let pass = pass(recipe, train);
        let rates = vec![(recipe.learning_rate * 0.1) as f32; pass.batches()];
        type Cpu = <NdArray as LeNetBackend>::Trainer;
        let mut trainer = Cpu::new(recipe.activation, recipe.sgd(), &start(recipe), &Default::default());
        let steps = pass.batches();
        trainer.begin(pass, rates, 0);
        let mut times: Vec<Duration> = (0..steps)
            .map(|_| {
                let begin = Instant::now();
                trainer.step();
                begin.elapsed()
            })
            .collect();
        let [least, median] = summary(&mut times);
        println!(
            "{}, {} threads: a step {least:.1} us, median {median:.1} us; {:.3} s an epoch from the median",
            recipe.name,
            rayon::current_num_threads(),
            median * 1e-6 * STEPS
        );
    });
}
