//! Whole trainings: with all that a recipe can ask for, of odd batches, again, and gone on with.

use lenet::data::Pass;
use lenet::descent::{Schedule, Sgd};
use lenet::model::{Activation, PARAMETERS};
use lenet::ops::{LeNetBackend, Parameters, Score, Trainer};

use super::odd::{changed, initial};
use super::{check, difference, oracle, relative_difference};

const SGD: Sgd = Sgd {
    momentum: 0.9,
    nesterov: true,
    weight_decay: 1e-3,
};

fn start(activation: Activation, sgd: Sgd) -> Parameters {
    Parameters {
        values: initial(activation, 11, 1.0),
        velocity: sgd.has_velocity().then(|| vec![0.0; PARAMETERS]),
    }
}

fn rates(pass: &Pass, rate: f64) -> Vec<f32> {
    let schedule = Schedule::Linear { warm_up: 0.3 };
    let steps = pass.batches();
    let rates = (0..steps).map(|step| (rate * schedule.factor(step, steps)) as f32);
    rates.collect()
}

fn losses(scores: &[Score]) -> Vec<f32> {
    scores.iter().map(|score| score.loss).collect()
}

/// The scores of a pass from its batch `first` on, and what it comes to.
fn train<B: LeNetBackend>(
    device: &B::Device,
    sgd: Sgd,
    start: &Parameters,
    pass: &Pass,
    rate: f64,
    batches: std::ops::Range<usize>,
) -> (Vec<Score>, Parameters) {
    let mut trainer = B::Trainer::new(Activation::Tanh, sgd, start, device);
    trainer.begin(pass.clone(), rates(pass, rate), batches.start);
    batches.for_each(|_| trainer.step());
    (trainer.scores().unwrap(), trainer.parameters().unwrap())
}

/// Momentum, Nesterov, decay, a schedule, scaling, tanh, changed images, a short last batch.
pub fn tuned_steps<B: LeNetBackend>(device: &B::Device) {
    for (batch_size, count, rate) in [(20, 230, 0.02), (1, 12, 0.005), (1030, 2070, 0.02)] {
        let pass = changed(batch_size, count);
        for sgd in [SGD, Sgd::default()] {
            let start = start(Activation::Tanh, sgd);
            let batches = 0..pass.batches();
            let (scores, end) = train::<B>(device, sgd, &start, &pass, rate, batches);
            let rates = rates(&pass, rate);
            let (expected, expected_end) =
                oracle::train(Activation::Tanh, sgd, &start, &pass, &rates);
            let what = format!("tuned steps, batch {batch_size}, momentum {}", sgd.momentum);
            let error = difference(&losses(&scores), &losses(&expected));
            check::<B>(device, &format!("losses, {what}"), error, 1e-4);
            let moved = |end: &Parameters| -> Vec<f32> {
                end.values.iter().zip(&start.values).map(|(a, b)| a - b).collect()
            };
            let (error, tensor) = relative_difference(&moved(&end), &moved(&expected_end));
            let what = format!("way of the weights, relative, {what} ({tensor})");
            check::<B>(device, &what, error, 2e-3);
            if let (Some(found), Some(expected)) = (end.velocity, expected_end.velocity) {
                let (error, tensor) = relative_difference(&found, &expected);
                check::<B>(device, &format!("velocity, relative ({tensor})"), error, 2e-3);
            }
        }
    }
}

/// The same training twice has the same bits, and so has one that is left after any batch and gone on with.
pub fn again_and_resumed<B: LeNetBackend>(device: &B::Device) {
    let pass = changed(9, 60);
    let begin = start(Activation::Tanh, SGD);
    let whole = train::<B>(device, SGD, &begin, &pass, 0.05, 0..7);
    assert_eq!(train::<B>(device, SGD, &begin, &pass, 0.05, 0..7), whole);
    for left in 1..7 {
        let (mut scores, middle) = train::<B>(device, SGD, &begin, &pass, 0.05, 0..left);
        let (rest, end) = train::<B>(device, SGD, &middle, &pass, 0.05, left..7);
        scores.extend(rest);
        assert_eq!((scores, end), whole, "left after {left}");
    }
}

/// Scores come once, whenever they are asked for, over the end of an epoch too.
pub fn scores_once<B: LeNetBackend>(device: &B::Device) {
    let pass = changed(9, 30);
    let begin = start(Activation::Tanh, SGD);
    let mut trainer = B::Trainer::new(Activation::Tanh, SGD, &begin, device);
    assert_eq!(trainer.scores().unwrap(), []);
    let mut all = Vec::new();
    let mut at_once = B::Trainer::new(Activation::Tanh, SGD, &begin, device);
    for _ in 0..2 {
        trainer.begin(pass.clone(), rates(&pass, 0.05), 0);
        at_once.begin(pass.clone(), rates(&pass, 0.05), 0);
        for step in 0..4 {
            trainer.step();
            at_once.step();
            if step % 3 == 1 {
                all.extend(trainer.scores().unwrap());
                assert_eq!(trainer.scores().unwrap(), []);
            }
        }
    }
    all.extend(trainer.scores().unwrap());
    assert_eq!(all.len(), 60);
    assert_eq!(at_once.scores().unwrap(), all);
    assert_eq!(trainer.parameters().unwrap(), at_once.parameters().unwrap());
}
