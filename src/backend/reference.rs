//! The operations out of Burn's own: what a backend without kernels of ours runs.

use burn::backend::Autodiff;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Int, Tensor, TensorData};

use crate::data::{Batch, Batches, Minibatch};
use crate::error::Error;
use crate::model::{Activation, CLIP, LeNet, PARAMETERS, SampleResult, TENSORS, range};
use crate::optim::{MATRICES, Muon, Sgd};

use super::{Gradients, LeNetBackend, Parameters, Trainer, primitive, read, tensor};

/// See [`LeNetBackend::outputs`].
pub fn outputs<B: Backend>(
    activation: Activation,
    parameters: FloatTensor<B>,
    images: Minibatch<'_>,
) -> FloatTensor<B> {
    let parameters = tensor::<B, 1>(parameters);
    let images = images.tensors(&parameters.device()).images;
    primitive(LeNet::from_parameters(parameters).forward_with(activation, images))
}

/// See [`LeNetBackend::gradients`].
pub fn gradients<B: Backend>(
    activation: Activation,
    parameters: FloatTensor<B>,
    images: Minibatch<'_>,
) -> Gradients<B> {
    let parameters = tensor::<B, 1>(parameters);
    let batch: Batch<Autodiff<B>> = images.tensors(&parameters.device());
    let parameters = Tensor::<Autodiff<B>, 1>::from_inner(parameters).require_grad();
    let network = LeNet::from_parameters(parameters.clone());
    let outputs = network.forward_with(activation, batch.images);
    let losses = cross_entropy(outputs.clone(), batch.labels.clone());
    let gradients = parameters.grad(&losses.clone().mean().backward());
    Gradients {
        losses: primitive(losses.inner()),
        correct: primitive(correct(outputs.inner(), batch.labels.inner())),
        gradients: primitive(gradients.expect("the loss depends on every parameter")),
    }
}

/// The loss `[N]` of outputs `[N, 10]` for labels `[N]`: see [`Gradients::losses`].
pub fn cross_entropy<B: Backend>(outputs: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let outputs = outputs.clamp(CLIP, 1.0 - CLIP);
    let sum = outputs.clone().sum_dim(1);
    let of_label = outputs.gather(1, labels.unsqueeze_dim(1));
    (sum.log() - of_label.log()).squeeze_dim(1)
}

/// 1 for each image whose largest output is its label's, or else 0, `[N]`.
fn correct<B: Backend>(outputs: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let predicted = outputs.argmax(1).squeeze_dim::<1>(1);
    predicted.equal(labels).float()
}

/// See [`LeNetBackend::update`].
pub fn update<B: Backend>(
    sgd: Sgd,
    rate: f32,
    parameters: FloatTensor<B>,
    velocity: Option<FloatTensor<B>>,
    gradients: FloatTensor<B>,
) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let (w, mut g) = (tensor::<B, 1>(parameters), tensor::<B, 1>(gradients));
    if sgd.weight_decay != 0.0 {
        let decays = (0..TENSORS.len()).flat_map(|index| {
            let has_muon = sgd.muon.is_some() && Muon::moves(index);
            let decay = match index % 2 == 0 && !has_muon {
                true => sgd.weight_decay,
                false => 0.0,
            };
            range(index).map(move |_| decay)
        });
        let decays = TensorData::new(decays.collect(), [PARAMETERS]);
        g = g + w.clone() * Tensor::from_data(decays, &w.device());
    }
    let velocity = velocity.map(|v| tensor::<B, 1>(v) * sgd.momentum + g.clone());
    let direction = match &velocity {
        None => g,
        Some(v) if sgd.nesterov => g + v.clone() * sgd.momentum,
        Some(v) => v.clone(),
    };
    let mut after = w.clone() - direction.clone() * rate;
    let matrices = sgd.muon.into_iter().flat_map(|muon| MATRICES.map(|matrix| (muon, matrix)));
    for (muon, matrix) in matrices {
        let part = |all: &Tensor<B, 1>| {
            let values = all.clone().slice([range(matrix.tensor)]);
            values.reshape([matrix.rows, matrix.columns])
        };
        let (w, x) = (part(&w), orthogonal(part(&direction)));
        let moved = w.clone() - (x * Muon::scale(matrix) + w * muon.weight_decay) * rate;
        after = after.slice_assign([range(matrix.tensor)], moved.reshape([-1]));
    }
    (primitive(after), velocity.map(primitive))
}

/// A matrix near the orthogonal one that is nearest to `d`: see [`Muon`].
fn orthogonal<B: Backend>(d: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, columns] = d.dims();
    if rows < columns {
        return orthogonal(d.transpose()).transpose();
    }
    let [a, b, c] = Muon::COEFFICIENTS;
    // By dimensions, in a fixed order: the sum of all at once takes whatever order a GPU's atomics come in.
    let norm = d.clone().powf_scalar(2.0).sum_dim(0).sum_dim(1).sqrt();
    let mut x = d / norm.clamp_min(Muon::LEAST_NORM);
    for _ in 0..Muon::ROUNDS {
        let g = x.clone().transpose().matmul(x.clone());
        let polynomial = g.clone() * b + g.clone().matmul(g) * c;
        x = x.clone() * a + x.matmul(polynomial);
    }
    x
}

/// A [`Trainer`] that makes each step by [`LeNetBackend::gradients`] and [`LeNetBackend::update`].
pub struct BurnTrainer<B: Backend> {
    activation: Activation,
    sgd: Sgd,
    parameters: FloatTensor<B>,
    velocity: Option<FloatTensor<B>>,
    epoch: Option<(Batches, Vec<f32>)>,
    next: usize,
    /// Losses and right answers of steps whose scores were not asked for yet.
    pending: Vec<Tensor<B, 1>>,
}

impl<B: LeNetBackend> Trainer<B> for BurnTrainer<B> {
    fn new(activation: Activation, sgd: Sgd, start: &Parameters, device: &B::Device) -> Self {
        let upload = |values: &[f32]| primitive(Tensor::<B, 1>::from_floats(values, device));
        Self {
            activation,
            sgd,
            parameters: upload(&start.values),
            velocity: start.velocity.as_deref().map(upload),
            epoch: None,
            next: 0,
            pending: Vec::new(),
        }
    }

    fn begin(&mut self, pass: Batches, rates: Vec<f32>, first: usize) {
        self.epoch = Some((pass, rates));
        self.next = first;
    }

    fn step(&mut self) {
        let (pass, rates) = self.epoch.as_ref().expect("an epoch has begun");
        let found = B::gradients(self.activation, self.parameters.clone(), pass.batch(self.next));
        (self.parameters, self.velocity) = B::update(
            self.sgd,
            rates[self.next],
            self.parameters.clone(),
            self.velocity.take(),
            found.gradients,
        );
        self.next += 1;
        self.pending.push(Tensor::cat(vec![tensor(found.losses), tensor(found.correct)], 0));
    }

    fn scores(&mut self) -> Result<Vec<SampleResult>, Error> {
        let mut scores = Vec::new();
        for step in self.pending.drain(..) {
            let values = read(step)?;
            let (losses, correct) = values.split_at(values.len() / 2);
            scores.extend(SampleResult::all(losses, correct));
        }
        Ok(scores)
    }

    fn parameters(&mut self) -> Result<Parameters, Error> {
        let read = |values: &FloatTensor<B>| read(tensor::<B, 1>(values.clone()));
        Ok(Parameters {
            values: read(&self.parameters)?,
            velocity: self.velocity.as_ref().map(read).transpose()?,
        })
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use burn_ndarray::NdArray;

    #[test]
    fn outputs_that_are_clipped_have_no_gradient() {
        let device = Default::default();
        let values = [0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        let outputs = Tensor::<Autodiff<NdArray>, 2>::from_data([values], &device).require_grad();
        let labels = Tensor::from_ints([0], &device);
        let gradients = cross_entropy(outputs.clone(), labels).backward();
        let found = outputs.grad(&gradients).unwrap().into_data().into_vec::<f32>().unwrap();
        assert!(found[..2] == [0.0, 0.0] && found[2] > 0.0, "{found:?}");
    }
}
