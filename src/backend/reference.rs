//! Training and inference in plain Burn, on any backend: the readable version, and the reference in the tests of the kernels.

use burn::backend::Autodiff;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

use crate::data::{Batches, Minibatch};
use crate::error::Error;
use crate::model::{
    Activation, LeNet, OUTPUTS, PARAMETERS, SampleResult, TENSORS, Weights, cross_entropy, range,
};
use crate::optim::{MATRICES, Muon, Sgd};

use super::{Epoch, Inference, Parameters, Trainer};

/// A [`Trainer`] in plain Burn operations. All parameters are one tensor, `[PARAMETERS]`.
pub struct BurnTrainer<B: Backend> {
    activation: Activation,
    sgd: Sgd,
    parameters: Tensor<B, 1>,
    velocity: Option<Tensor<B, 1>>,
    epoch: Option<Epoch>,
    /// One tensor per step whose results have not been read: the losses of the images, then whether each prediction is
    /// correct (1 or 0).
    pending: Vec<Tensor<B, 1>>,
}

impl<B: Backend> BurnTrainer<B> {
    /// Starts training a network with `activation` from `start` on `device`, with the update rule `sgd`.
    pub fn new(activation: Activation, sgd: Sgd, start: &Parameters, device: &B::Device) -> Self {
        let upload = |weights: &Weights| Tensor::from_floats(weights.values(), device);
        Self {
            activation,
            sgd,
            parameters: upload(&start.weights),
            velocity: start.slots.first().map(upload),
            epoch: None,
            pending: Vec::new(),
        }
    }

    /// Computes the gradients of the mean loss, and keeps the results of the images.
    fn gradients(&mut self, images: Minibatch<'_>) -> Tensor<B, 1> {
        let batch = images.tensors::<Autodiff<B>>(&self.parameters.device());
        let parameters = Tensor::from_inner(self.parameters.clone()).require_grad();
        let network = LeNet::from_parameters(parameters.clone());
        let outputs = network.forward_with(self.activation, batch.images);
        let losses = cross_entropy(outputs.clone(), batch.labels.clone());
        let gradients = parameters.grad(&losses.clone().mean().backward());
        let correct = correct(outputs.inner(), batch.labels.inner());
        self.pending.push(Tensor::cat(vec![losses.inner(), correct], 0));
        gradients.expect("the loss depends on every parameter")
    }

    /// Updates all parameters by their gradients `g`.
    fn update(&mut self, learning_rate: f32, mut g: Tensor<B, 1>) {
        let (sgd, w) = (self.sgd, self.parameters.clone());
        if sgd.weight_decay != 0.0 {
            g = g + w.clone() * weight_decays(sgd, &w.device());
        }
        let velocity = self.velocity.take().map(|v| v * sgd.momentum + g.clone());
        let direction = match &velocity {
            None => g,
            Some(v) if sgd.nesterov => g + v.clone() * sgd.momentum,
            Some(v) => v.clone(),
        };
        let mut updated = w.clone() - direction.clone() * learning_rate;
        let matrices = sgd.muon.into_iter().flat_map(|muon| MATRICES.map(|matrix| (muon, matrix)));
        for (muon, matrix) in matrices {
            let matrix_of = |all: &Tensor<B, 1>| {
                let values = all.clone().slice([range(matrix.tensor)]);
                values.reshape([matrix.rows, matrix.columns])
            };
            let (w, x) = (matrix_of(&w), orthogonalise(matrix_of(&direction)));
            let step = x * Muon::scale(matrix) + w.clone() * muon.weight_decay;
            let w = (w - step * learning_rate).reshape([-1]);
            updated = updated.slice_assign([range(matrix.tensor)], w);
        }
        (self.parameters, self.velocity) = (updated, velocity);
    }
}

impl<B: Backend> Trainer for BurnTrainer<B> {
    fn start_epoch(&mut self, batches: Batches, learning_rates: Vec<f32>, first: usize) {
        self.epoch = Some(Epoch::new(batches, learning_rates, first));
    }

    fn step(&mut self) {
        let mut epoch = self.epoch.take().expect("an epoch has been started");
        let batch = epoch.advance();
        let gradients = self.gradients(epoch.batches.batch(batch));
        self.update(epoch.learning_rates[batch], gradients);
        self.epoch = Some(epoch);
    }

    fn results(&mut self) -> Result<Vec<SampleResult>, Error> {
        let mut results = Vec::new();
        for step in self.pending.drain(..) {
            let values = read(step)?;
            let (losses, correct) = values.split_at(values.len() / 2);
            results.extend(SampleResult::from_floats(losses, correct));
        }
        Ok(results)
    }

    fn parameters(&mut self) -> Result<Parameters, Error> {
        let read = |values: &Tensor<B, 1>| read(values.clone()).map(Weights::new);
        Ok(Parameters {
            weights: read(&self.parameters)?,
            slots: self.velocity.iter().map(read).collect::<Result<_, _>>()?,
        })
    }
}

/// An [`Inference`] in plain Burn operations.
pub struct BurnInference<B: Backend> {
    activation: Activation,
    network: LeNet<B>,
    device: B::Device,
}

impl<B: Backend> BurnInference<B> {
    /// Copies the weights of a network with `activation` to `device`.
    pub fn new(activation: Activation, weights: &Weights, device: &B::Device) -> Self {
        let network = LeNet::from_weights(weights, device);
        Self { activation, network, device: device.clone() }
    }
}

impl<B: Backend> Inference for BurnInference<B> {
    fn outputs(&mut self, images: Minibatch<'_>) -> Result<Vec<[f32; OUTPUTS]>, Error> {
        let images = images.tensors::<B>(&self.device).images;
        let outputs = read(self.network.forward_with(self.activation, images))?;
        Ok(outputs.as_chunks().0.to_vec())
    }
}

/// Returns 1 for each image whose predicted class is its label, otherwise 0: `[N]`.
fn correct<B: Backend>(outputs: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    outputs.argmax(1).squeeze_dim::<1>(1).equal(labels).float()
}

/// Returns the weight decay of each parameter, which is 0 for biases and for the matrices of Muon: `[PARAMETERS]`.
fn weight_decays<B: Backend>(sgd: Sgd, device: &B::Device) -> Tensor<B, 1> {
    let decays = TENSORS.iter().enumerate().flat_map(|(index, spec)| {
        let has_muon = sgd.muon.is_some() && Muon::updates(index);
        let is_weight = spec.shape.len() > 1;
        let decay = if is_weight && !has_muon { sgd.weight_decay } else { 0.0 };
        range(index).map(move |_| decay)
    });
    Tensor::from_data(TensorData::new(decays.collect(), [PARAMETERS]), device)
}

/// Approximates the orthogonal matrix that is nearest to `d`; see [`Muon`].
fn orthogonalise<B: Backend>(d: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, columns] = d.dims();
    if rows < columns {
        return orthogonalise(d.transpose()).transpose();
    }
    let [a, b, c] = Muon::COEFFICIENTS;
    // Sum one dimension at a time: on a GPU, a sum over all dimensions uses atomics, so the order of its additions varies.
    let norm = d.clone().powf_scalar(2.0).sum_dim(0).sum_dim(1).sqrt();
    let mut x = d / norm.clamp_min(Muon::LEAST_NORM);
    for _ in 0..Muon::ROUNDS {
        let g = x.clone().transpose().matmul(x.clone());
        let polynomial = g.clone() * b + g.clone().matmul(g) * c;
        x = x.clone() * a + x.matmul(polynomial);
    }
    x
}

/// Waits for the device and copies the values of a tensor to the host, in row-major order. Returns an error if the device failed,
/// whereas Burn would panic.
fn read<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Result<Vec<f32>, Error> {
    let device = tensor.device();
    let failed = |cause: String| Error::Device { backend: B::name(&device), cause };
    // Reading a tensor does not report earlier errors of the device; `sync` does.
    B::sync(&device).map_err(|error| failed(error.to_string()))?;
    let data = tensor.try_into_data().map_err(|error| failed(error.to_string()))?;
    data.convert::<f32>().into_vec().map_err(|error| failed(format!("{error:?}")))
}
