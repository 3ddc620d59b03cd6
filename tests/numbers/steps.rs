//! Steps of a training with every ingredient on, against a plain loop in `f64`.

use lenet::backend::Parameters;
use lenet::data::Scaling;
use lenet::model::Activation;
use lenet::optim::{Schedule, Sgd};
use lenet::train::{Checkpoint, Recipe, RunRecord, Settings};

use super::implementations;
use super::plain::Plain;
use super::support::{largest_difference, noise, table};

/// A start as the tuned recipe makes it.
fn start(recipe: &Recipe) -> Parameters {
    let settings = Settings { seed: 11, ..Settings::new(recipe.clone()) };
    let state = Checkpoint::initial(RunRecord::new(settings, "CPU"));
    Parameters {
        values: state.weights.to_parameters(),
        velocity: state.velocity.map(|v| v.to_parameters()),
    }
}

#[test]
fn a_few_dozen_tuned_steps_are_those_of_a_plain_loop() {
    let recipe = Recipe::tuned();
    let sgd = Sgd {
        weight_decay: 0.01, // ten times the recipe's, to be seen
        ..recipe.sgd()
    };
    assert!(
        sgd.muon.is_some()
            && sgd.nesterov
            && sgd.has_velocity()
            && recipe.activation == Activation::Tanh
    );
    let pass = noise(245, 7, Scaling::STANDARD);
    let steps = pass.batches();
    let schedule = Schedule::Linear { warm_up: 0.2 };
    let rates: Vec<f32> =
        (0..steps).map(|step| (0.025 * schedule.factor(step, steps)) as f32).collect();
    let start = start(&recipe);

    let mut plain = Plain::new(recipe.activation, &start.values);
    let mut velocity = vec![0.0; start.values.len()];
    let mut losses = vec![];
    for (step, rate) in rates.iter().enumerate() {
        let found = plain.gradients(pass.batch(step));
        losses.extend(found.losses.iter().map(|loss| *loss as f32));
        plain.descend(sgd, f64::from(*rate), &mut velocity, &found.gradients);
    }
    let expected: Vec<f32> = plain.parameters.iter().map(|x| *x as f32).collect();
    let velocity: Vec<f32> = velocity.iter().map(|x| *x as f32).collect();
    assert!(largest_difference(&expected, &start.values) > 0.01, "the steps go somewhere");

    for by in implementations() {
        let name = by.name();
        let (end, found) = by.train(recipe.activation, sgd, &start, &pass, &rates);
        let difference = largest_difference(&found, &losses);
        table(&name, "losses of 35 tuned steps", difference, 1e-4);
        let difference = largest_difference(&end.values, &expected);
        table(&name, "parameters after 35 tuned steps", difference, 1e-5);
        let difference = largest_difference(&end.velocity.unwrap(), &velocity);
        table(&name, "velocity after 35 tuned steps", difference, 1e-4);
    }
}
