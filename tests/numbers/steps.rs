//! Steps of a training with every ingredient on, against a plain loop in `f64`.

use burn_ndarray::NdArray;
use lenet::data::Scaling;
use lenet::descent::{Schedule, Sgd};
use lenet::model::Activation;
use lenet::ops::{LeNetBackend, Parameters, Trainer, reference::StepByStep};
use lenet::train::{Recipe, Settings, State};

use super::implementation::trained;
use super::plain::Plain;
use super::{largest_difference, noise};

/// A start as the tuned recipe makes it.
fn start(recipe: &Recipe) -> Parameters {
    let settings = Settings {
        epochs: 1,
        batch_size: 32,
        validation_split: 0.1,
        stratified: false,
        seed: 11,
        recipe: recipe.clone(),
        limit: None,
        keep: Default::default(),
        patience: None,
        backend: "ndarray".to_owned(),
    };
    let state = State::initial(&settings);
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
    assert!(sgd.nesterov && sgd.has_velocity() && recipe.activation == Activation::Tanh);
    let pass = noise(245, 7, Scaling::STANDARD);
    let steps = pass.batches();
    let schedule = Schedule::Linear { warm_up: 0.2 };
    let rates: Vec<f32> = (0..steps)
        .map(|step| (0.025 * schedule.factor(step, steps)) as f32)
        .collect();
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
    assert!(
        largest_difference(&expected, &start.values) > 0.01,
        "the steps go somewhere"
    );

    type Cpu = <NdArray as LeNetBackend>::Trainer;
    let (activation, device) = (recipe.activation, Default::default());
    let cpu = trained::<NdArray>(
        Cpu::new(activation, sgd, &start, &device),
        pass.clone(),
        rates.clone(),
    );
    let burn = {
        let mut trainer = StepByStep::<NdArray>::new(activation, sgd, &start, &device);
        trainer.begin(pass.clone(), rates.clone(), 0);
        (0..steps).for_each(|_| trainer.step());
        let losses = trainer
            .scores()
            .unwrap()
            .iter()
            .map(|score| score.loss)
            .collect();
        (trainer.parameters().unwrap(), losses)
    };
    for (name, (end, found)) in [("the CPU's trainer", cpu), ("Burn's operations", burn)] {
        let difference = largest_difference(&found, &losses);
        println!("{name}: losses of {steps} steps differ by at most {difference:e}");
        assert!(difference <= 1e-4, "{name}: {difference}");
        let difference = largest_difference(&end.values, &expected);
        println!("{name}: parameters differ by at most {difference:e}");
        assert!(difference <= 1e-5, "{name}: {difference}");
        assert!(
            largest_difference(&end.velocity.unwrap(), &velocity) <= 1e-4,
            "{name}"
        );
    }
}
