//! The operations of a training step as one interface for tests: by Burn's own operations, by a backend, by the CPU's
//! kernels at a level.

use burn::tensor::{Tensor, TensorPrimitive};
use lenet::backend::{LeNetBackend, Parameters, Trainer, reference};
use lenet::data::{Batches, Minibatch};
use lenet::model::Activation;
use lenet::optim::Sgd;

/// Losses, right answers (1 or 0) and gradients of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub losses: Vec<f32>,
    pub correct: Vec<f32>,
    pub gradients: Vec<f32>,
}

/// A way to compute the operations.
pub trait Implementation {
    /// What it is called when a test fails.
    fn name(&self) -> String;
    fn outputs(
        &self,
        activation: Activation,
        parameters: &[f32],
        images: Minibatch<'_>,
    ) -> Vec<f32>;
    fn gradients(&self, activation: Activation, parameters: &[f32], images: Minibatch<'_>)
    -> Found;
    /// A step of gradient descent along `gradients`.
    fn update(&self, sgd: Sgd, rate: f32, parameters: &mut Parameters, gradients: &[f32]);

    /// All steps of a pass: what the parameters come to, and the images' losses.
    fn train(
        &self,
        activation: Activation,
        sgd: Sgd,
        start: &Parameters,
        pass: &Batches,
        rates: &[f32],
    ) -> (Parameters, Vec<f32>) {
        let (mut parameters, mut losses) = (start.clone(), vec![]);
        for (step, rate) in rates.iter().enumerate() {
            let found = self.gradients(activation, &parameters.values, pass.batch(step));
            losses.extend(found.losses);
            self.update(sgd, *rate, &mut parameters, &found.gradients);
        }
        (parameters, losses)
    }
}

/// Burn's own operations on backend `B`.
#[allow(dead_code, reason = "on a GPU only the kernels are asked")]
pub struct Reference<B: LeNetBackend>(pub B::Device);

/// What backend `B` has for its operations.
pub struct Backend<B: LeNetBackend>(pub B::Device);

fn upload<B: LeNetBackend>(
    values: &[f32],
    device: &B::Device,
) -> burn::tensor::ops::FloatTensor<B> {
    Tensor::<B, 1>::from_floats(values, device).into_primitive().tensor()
}

fn read<B: LeNetBackend>(primitive: burn::tensor::ops::FloatTensor<B>) -> Vec<f32> {
    let data = Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(primitive)).into_data();
    data.into_vec().unwrap()
}

macro_rules! implement {
    ($kind:ident, $name:literal, $outputs:path, $gradients:path, $update:path, $trainer:path) => {
        impl<B: LeNetBackend> Implementation for $kind<B> {
            fn name(&self) -> String {
                format!("{} ({})", $name, B::name(&self.0))
            }
            fn outputs(
                &self,
                activation: Activation,
                parameters: &[f32],
                images: Minibatch<'_>,
            ) -> Vec<f32> {
                let parameters = upload::<B>(parameters, &self.0);
                let outputs = $outputs(activation, parameters, images);
                Tensor::<B, 2>::from_primitive(TensorPrimitive::Float(outputs))
                    .into_data()
                    .into_vec()
                    .unwrap()
            }
            fn gradients(
                &self,
                activation: Activation,
                parameters: &[f32],
                images: Minibatch<'_>,
            ) -> Found {
                let found = $gradients(activation, upload::<B>(parameters, &self.0), images);
                Found {
                    losses: read::<B>(found.losses),
                    correct: read::<B>(found.correct),
                    gradients: read::<B>(found.gradients),
                }
            }
            fn update(&self, sgd: Sgd, rate: f32, parameters: &mut Parameters, gradients: &[f32]) {
                let [w, g] = [&parameters.values, gradients].map(|x| upload::<B>(x, &self.0));
                let v = parameters.velocity.as_ref().map(|v| upload::<B>(v, &self.0));
                let (w, v) = $update(sgd, rate, w, v, g);
                parameters.values = read::<B>(w);
                parameters.velocity = v.map(read::<B>);
            }
            fn train(
                &self,
                activation: Activation,
                sgd: Sgd,
                start: &Parameters,
                pass: &Batches,
                rates: &[f32],
            ) -> (Parameters, Vec<f32>) {
                let mut trainer = <$trainer>::new(activation, sgd, start, &self.0);
                trainer.begin(pass.clone(), rates.to_vec(), 0);
                rates.iter().for_each(|_| trainer.step());
                let scores = trainer.scores().unwrap();
                let losses = scores.iter().map(|score| score.loss).collect();
                (trainer.parameters().unwrap(), losses)
            }
        }
    };
}

implement!(
    Reference,
    "Burn's operations",
    reference::outputs::<B>,
    reference::gradients::<B>,
    reference::update::<B>,
    reference::BurnTrainer<B>
);
implement!(Backend, "the backend's operations", B::outputs, B::gradients, B::update, B::Trainer);
