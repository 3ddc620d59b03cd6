//! Training steps with every ingredient of the tuned recipe, against a plain loop in `f64`.

use lenet::backend::Parameters;
use lenet::data::Scaling;
use lenet::model::{Activation, Weights};
use lenet::optim::{Schedule, Sgd};
use lenet::train::Recipe;

use super::implementations;
use super::plain::Plain;
use super::support::{f32s, largest_difference, noise, table};

#[test]
fn tuned_steps_match_f64() {
    let recipe = Recipe::tuned();
    // The weight decay is ten times that of the recipe, so that it has a measurable effect.
    let tuned = Sgd { weight_decay: 0.01, ..recipe.sgd() };
    assert!(tuned.muon.is_some() && tuned.nesterov && tuned.slots() == 1);
    assert_eq!(recipe.activation, Activation::Tanh);
    check("tuned", 35, &recipe, tuned);
    check("momentum", 35, &recipe, Sgd { nesterov: false, muon: None, ..tuned });
    // Without momentum, the direction is almost rank-deficient, and its orthogonalisation amplifies rounding errors.
    // Therefore only two steps are compared.
    let sgd = Sgd { momentum: 0.0, nesterov: false, ..tuned };
    check("Muon without momentum", 2, &recipe, sgd);
}

fn check(rule: &str, steps: usize, recipe: &Recipe, sgd: Sgd) {
    let batches = noise(7 * steps, 7, Scaling::STANDARD);
    let schedule = Schedule::Linear { warm_up: 0.2 };
    let learning_rates: Vec<f32> =
        (0..steps).map(|step| (0.025 * schedule.factor(step, steps)) as f32).collect();
    let weights = Weights::initial(11, recipe.gain).for_activation(recipe.activation);
    let start = Parameters::new(weights, sgd);

    let mut plain = Plain::new(recipe.activation, start.weights.values());
    let mut velocity = vec![0.0; plain.parameters.len()];
    let mut losses = vec![];
    for (step, rate) in learning_rates.iter().enumerate() {
        let found = plain.gradients(batches.batch(step));
        losses.extend(f32s(&found.losses));
        plain.update(sgd, f64::from(*rate), &mut velocity, &found.gradients);
    }
    let expected = f32s(&plain.parameters);
    let moved = largest_difference(&expected, start.weights.values());
    assert!(moved > 0.01, "the steps change the weights");

    for by in implementations() {
        let name = by.name();
        let (end, found) = by.train(recipe.activation, sgd, &start, &batches, &learning_rates);
        let difference = largest_difference(&found, &losses);
        table(&name, &format!("losses of {steps} steps, {rule}"), difference, 1e-4);
        let difference = largest_difference(end.weights.values(), &expected);
        table(&name, &format!("parameters after {steps} steps, {rule}"), difference, 1e-5);
        for slot in &end.slots {
            let difference = largest_difference(slot.values(), &f32s(&velocity));
            table(&name, &format!("velocity after {steps} steps, {rule}"), difference, 1e-4);
        }
    }
}
