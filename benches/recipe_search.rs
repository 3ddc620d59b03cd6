//! Measures each recipe part's effect: trains with several seeds and evaluates on the validation split. It
//! never uses the test images.
//!
//! ```text
//! cargo bench --bench recipe_search                                  the steps from classic to tuned
//! cargo bench --bench recipe_search -- epochs=20 learning_rate=0.02 schedule='{"linear":{"warm_up":0.02}}'
//! ```
//!
//! An argument `key=value`, with the value in JSON, sets a field of the recipe, as in the run record of a model. The keys
//! `epochs`, `batch_size`, `seeds` (the number of seeds, which count from 1) and `from` (the name of a recipe) configure the
//! search. Each row is printed as soon as it is measured, with the columns of `recipe_search.csv` in this directory. Runs train
//! in parallel, one per core, so compare `seconds` only between rows of one invocation.

#![allow(clippy::unwrap_used, reason = "a search that fails has nothing to clean up")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use burn_ndarray::NdArray;
use lenet::data::{Augmentation, ImageDataset, Options, Part, Scaling, load_part};
use lenet::train::{Checkpoint, Quiet, Recipe, RunRecord, Settings, TrainingContext, fit};
use serde_json::{Value, json};

/// The settings of all runs that are not part of the recipe.
#[derive(Clone)]
struct Plan {
    epochs: usize,
    /// Overrides the batch size of the recipe.
    batch_size: Option<usize>,
    seeds: u64,
}

/// The metrics of one run.
struct Outcome {
    accuracy: f64,
    loss: f64,
    seconds: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args = args.iter().filter_map(|arg| arg.split_once('='));
    let mut args: BTreeMap<&str, Value> =
        args.map(|(key, text)| (key, serde_json::from_str(text).unwrap_or(json!(text)))).collect();
    let mut number = |key, default| args.remove(key).map_or(default, |n| n.as_u64().unwrap());
    let plan = Plan {
        epochs: number("epochs", 5) as usize,
        batch_size: match number("batch_size", 0) {
            0 => None,
            size => Some(size as usize),
        },
        seeds: number("seeds", 5),
    };
    let from = args.remove("from");
    let rows = if args.is_empty() && from.is_none() {
        steps_to_tuned()
    } else {
        let name = from.as_ref().and_then(Value::as_str).unwrap_or("tuned");
        vec![modified_recipe(name, args)]
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

/// Returns the recipes from classic to tuned. Each row adds one change to the row before.
fn steps_to_tuned() -> Vec<(String, Recipe)> {
    let tuned = Recipe::tuned();
    let mut recipe = Recipe::classic();
    let mut rows = vec![("classic".to_owned(), recipe.clone())];
    let mut row = |name: &str, change: &dyn Fn(&mut Recipe)| {
        change(&mut recipe);
        rows.push((name.to_owned(), recipe.clone()));
    };
    row("+ standardised pixels", &|r| r.scaling = Scaling::STANDARD);
    row("+ gain", &|r| r.gain = tuned.gain);
    row("+ Nesterov momentum and its learning rate", &|r| {
        r.momentum = tuned.momentum;
        r.nesterov = tuned.nesterov;
        // 0.2 is the best rate with sigmoids.
        r.learning_rate = 0.2;
    });
    row("+ schedule", &|r| r.schedule = tuned.schedule);
    row("+ tanh and its learning rate", &|r| {
        r.activation = tuned.activation;
        r.learning_rate = tuned.learning_rate;
    });
    row("+ weight decay", &|r| r.weight_decay = tuned.weight_decay);
    row("+ shifted images", &|r| {
        r.augmentation = Augmentation { flip: false, ..tuned.augmentation };
    });
    row("+ Muon in batches of 128", &|r| r.muon = tuned.muon);
    row("+ flipped images", &|r| r.augmentation = tuned.augmentation);
    rows
}

/// Returns the recipe `from` with some fields set to other values, and a name that lists them.
fn modified_recipe(from: &str, fields: BTreeMap<&str, Value>) -> (String, Recipe) {
    let recipe = match from {
        "classic" => Recipe::classic(),
        "tuned" => Recipe::tuned(),
        other => panic!("unknown recipe {other}"),
    };
    let mut recipe = serde_json::to_value(recipe).unwrap();
    let mut name = from.to_owned();
    for (key, value) in fields {
        name += &format!(" {key}={value}").replace(',', ";");
        recipe[key] = value;
    }
    (name, serde_json::from_value(recipe).unwrap())
}

/// The training images, split into a training and a validation part.
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

    /// Trains once per seed, with one run per core in parallel, and returns one outcome per seed.
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
        let context = TrainingContext::<NdArray> {
            train: &self.train,
            validation: &self.validation,
            device: &Default::default(),
            save_every: Duration::MAX,
            deadline: None,
        };
        let mut checkpoint = Checkpoint::initial(RunRecord::new(settings, "CPU"));
        // A diverged run counts with the accuracy of guessing.
        if let Err(error) = fit(&context, &mut checkpoint, &mut Quiet, &mut |_| Ok(())) {
            eprintln!("seed {seed}: {error}");
            return Outcome { accuracy: 0.1, loss: f64::NAN, seconds: f64::NAN };
        }
        let last = checkpoint.record.epochs.last().unwrap();
        let seconds = checkpoint.record.epochs.iter().map(|epoch| epoch.seconds).sum::<f64>();
        Outcome {
            accuracy: last.val_accuracy.unwrap(),
            loss: last.val_loss.unwrap(),
            seconds: seconds / plan.epochs as f64,
        }
    }
}

/// Returns the mean and the sample standard deviation of one metric.
fn mean_and_deviation(outcomes: &[Outcome], metric: impl Fn(&Outcome) -> f64) -> (f64, f64) {
    let n = outcomes.len() as f64;
    let mean = outcomes.iter().map(&metric).sum::<f64>() / n;
    let squares = outcomes.iter().map(|o| (metric(o) - mean).powi(2));
    (mean, (squares.sum::<f64>() / (n - 1.0)).sqrt())
}
