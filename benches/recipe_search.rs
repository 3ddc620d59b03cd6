//! What each part of a recipe gives: trains with it from several seeds and measures on the validation part. The
//! test images are never looked at.
//!
//! ```text
//! cargo bench --bench recipe_search                                  the steps from classic to tuned
//! cargo bench --bench recipe_search -- epochs=20 learning_rate=0.02 schedule='{"linear":{"warm_up":0.02}}'
//! ```
//!
//! Words of the form key=value, the value in JSON, change the recipe (its fields are those of the record beside a
//! model), or are `epochs`, `batch_size`, `seeds` (how many, from 1) or `from` (a recipe's name). Each row goes to
//! standard output as it is measured, in the columns of `recipe_search.csv` beside this file. Runs go side by side,
//! one a core, so `seconds` are for comparing rows of one invocation.

#![allow(clippy::unwrap_used, reason = "a search that fails has nothing to clean up")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use burn_ndarray::NdArray;
use lenet::data::{Augmentation, ImageDataset, Options, Part, Scaling, load_part};
use lenet::train::{Checkpoint, Quiet, Recipe, RunRecord, Settings, TrainingContext, fit};
use serde_json::{Value, json};

/// Every row's runs: how they are made beside the recipe.
#[derive(Clone)]
struct Plan {
    epochs: usize,
    /// The recipe's own, if none.
    batch_size: Option<usize>,
    seeds: u64,
}

/// The figures of one run.
struct Outcome {
    accuracy: f64,
    loss: f64,
    seconds: f64,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words = words.iter().filter_map(|word| word.split_once('='));
    let mut words: BTreeMap<&str, Value> =
        words.map(|(key, text)| (key, serde_json::from_str(text).unwrap_or(json!(text)))).collect();
    let mut number = |key, default| words.remove(key).map_or(default, |n| n.as_u64().unwrap());
    let plan = Plan {
        epochs: number("epochs", 5) as usize,
        batch_size: match number("batch_size", 0) {
            0 => None,
            size => Some(size as usize),
        },
        seeds: number("seeds", 5),
    };
    let from = words.remove("from");
    let rows = if words.is_empty() && from.is_none() {
        steps()
    } else {
        let name = from.as_ref().and_then(Value::as_str).unwrap_or("tuned");
        vec![changed(name, words)]
    };
    let data = Data::load();
    println!("change,epochs,batch_size,seeds,val_accuracy,sd,val_loss,seconds");
    for (name, recipe) in rows {
        let outcomes = data.outcomes(&recipe, &plan);
        let (accuracy, deviation) = mean_and_deviation(&outcomes, |o| o.accuracy);
        let (loss, _) = mean_and_deviation(&outcomes, |o| o.loss);
        let (seconds, _) = mean_and_deviation(&outcomes, |o| o.seconds);
        let Plan { epochs, batch_size, seeds } = plan;
        let batch_size = batch_size.unwrap_or(recipe.batch_size());
        println!(
            "{name},{epochs},{batch_size},{seeds},{accuracy:.4},{deviation:.4},{loss:.4},{seconds:.2}"
        );
    }
}

/// The way from classic to tuned, each row one change more than the row before.
fn steps() -> Vec<(String, Recipe)> {
    let tuned = Recipe::tuned();
    let mut recipe = Recipe::classic();
    let mut rows = vec![("classic".to_owned(), recipe.clone())];
    let mut row = |name: &str, change: &dyn Fn(&mut Recipe)| {
        change(&mut recipe);
        rows.push((name.to_owned(), recipe.clone()));
    };
    row("+ standardised pixels", &|r| r.scaling = Scaling::STANDARD);
    row("+ gain", &|r| r.gain = tuned.gain);
    row("+ Nesterov momentum and its rate", &|r| {
        r.momentum = tuned.momentum;
        r.nesterov = tuned.nesterov;
        // What is best with sigmoids.
        r.learning_rate = 0.2;
    });
    row("+ schedule", &|r| r.schedule = tuned.schedule);
    row("+ tanh and its rate", &|r| {
        r.activation = tuned.activation;
        r.learning_rate = tuned.learning_rate;
    });
    row("+ weight decay", &|r| r.weight_decay = tuned.weight_decay);
    row("+ moved images", &|r| {
        r.augmentation = Augmentation { flip: false, ..tuned.augmentation };
    });
    row("+ Muon in batches of 128", &|r| r.muon = tuned.muon);
    row("+ mirrored images", &|r| r.augmentation = tuned.augmentation);
    rows
}

/// A recipe with some fields set to other values, under the words that say so.
fn changed(from: &str, fields: BTreeMap<&str, Value>) -> (String, Recipe) {
    let recipe = match from {
        "classic" => Recipe::classic(),
        "tuned" => Recipe::tuned(),
        other => panic!("no recipe is called {other}"),
    };
    let mut recipe = serde_json::to_value(recipe).unwrap();
    let mut name = from.to_owned();
    for (key, value) in fields {
        name += &format!(" {key}={value}").replace(',', ";");
        recipe[key] = value;
    }
    (name, serde_json::from_value(recipe).unwrap())
}

/// The training images in their two parts.
struct Data {
    train: ImageDataset,
    validation: ImageDataset,
}

impl Data {
    fn load() -> Self {
        let dir = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into());
        let options = Options { dir, ..Options::default() };
        let images = load_part(Part::Train, &options).unwrap().0;
        let (train, validation) = images.split(0.1).unwrap();
        Self { train, validation }
    }

    /// One outcome a seed, as many at a time as there are cores.
    fn outcomes(&self, recipe: &Recipe, plan: &Plan) -> Vec<Outcome> {
        let (next, outcomes) = (AtomicUsize::new(1), Mutex::new(Vec::new()));
        let worker = || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed) as u64;
                if seed > plan.seeds {
                    break;
                }
                let outcome = pool.install(|| self.outcome(recipe, plan, seed));
                outcomes.lock().unwrap().push(outcome);
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            (0..cores).for_each(|_| drop(scope.spawn(worker)));
        });
        outcomes.into_inner().unwrap()
    }

    fn outcome(&self, recipe: &Recipe, plan: &Plan, seed: u64) -> Outcome {
        let settings = Settings {
            epochs: plan.epochs,
            batch_size: plan.batch_size.unwrap_or(recipe.batch_size()),
            seed,
            ..Settings::new(recipe.clone())
        };
        let job = TrainingContext::<NdArray> {
            train: &self.train,
            validation: &self.validation,
            device: &Default::default(),
            save_every: Duration::MAX,
        };
        let mut state = Checkpoint::initial(RunRecord::new(settings, "CPU"));
        // A candidate that diverges has learnt nothing.
        if let Err(error) = fit(&job, &mut state, &mut Quiet, &mut |_| Ok(())) {
            eprintln!("seed {seed}: {error}");
            return Outcome { accuracy: 0.1, loss: f64::NAN, seconds: f64::NAN };
        }
        let last = state.record.epochs.last().unwrap();
        let seconds = state.record.epochs.iter().map(|epoch| epoch.seconds).sum::<f64>();
        Outcome {
            accuracy: last.val_accuracy.unwrap(),
            loss: last.val_loss.unwrap(),
            seconds: seconds / plan.epochs as f64,
        }
    }
}

/// Mean and sample standard deviation of one figure.
fn mean_and_deviation(outcomes: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> (f64, f64) {
    let n = outcomes.len() as f64;
    let mean = outcomes.iter().map(&figure).sum::<f64>() / n;
    let squares = outcomes.iter().map(|o| (figure(o) - mean).powi(2));
    (mean, (squares.sum::<f64>() / (n - 1.0)).sqrt())
}
