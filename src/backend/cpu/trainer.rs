//! The CPU backend: the operations by the kernels. The only place that knows both Burn's arrays and the kernels' slices.

use burn::tensor::TensorMetadata;
use burn::tensor::ops::FloatTensor;
use burn_ndarray::{NdArray, NdArrayDevice, NdArrayTensor, SharedArray};
use ndarray::IxDyn;

use crate::backend::cpu::{self, ParameterUpdate, SimdLevel, Stepper};
use crate::data::{Batches, Minibatch};
use crate::error::Error;
use crate::model::{Activation, PARAMETERS, SampleResult};
use crate::optim::Sgd;

use crate::backend::{Gradients, LeNetBackend, Parameters, Trainer};

impl LeNetBackend for NdArray {
    type Trainer = CpuTrainer;

    /// One a thread: a training on one thread never waits for another.
    fn side_by_side(threads: usize) -> usize {
        threads
    }

    fn outputs(
        activation: Activation,
        parameters: FloatTensor<Self>,
        images: Minibatch<'_>,
    ) -> FloatTensor<Self> {
        let parameters = owned(parameters);
        let outputs = cpu::outputs(level(), activation, values(&parameters), images);
        tensor(outputs, &[images.len(), 10])
    }

    fn gradients(
        activation: Activation,
        parameters: FloatTensor<Self>,
        images: Minibatch<'_>,
    ) -> Gradients<Self> {
        let parameters = owned(parameters);
        let mut gradients = vec![0.0; PARAMETERS];
        let mut stepper = Stepper::default();
        stepper.gradients(level(), activation, values(&parameters), images, &mut gradients);
        let score = |of: fn(SampleResult) -> f32| {
            tensor(stepper.scores().map(of).collect(), &[images.len()])
        };
        Gradients {
            losses: score(|score| score.loss),
            correct: score(|score| f32::from(score.is_correct)),
            gradients: tensor(gradients, &[PARAMETERS]),
        }
    }

    fn update(
        sgd: Sgd,
        rate: f32,
        parameters: FloatTensor<Self>,
        velocity: Option<FloatTensor<Self>>,
        gradients: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        let (mut parameters, mut velocity) = (owned(parameters), velocity.map(owned));
        let descent = ParameterUpdate {
            sgd,
            rate,
            parameters: values_mut(&mut parameters),
            velocity: velocity.as_mut().map(values_mut),
        };
        descent.update(level(), values(&owned(gradients)));
        (parameters.into(), velocity.map(NdArrayTensor::from))
    }
}

/// A [`Trainer`] whose steps change the parameters in place.
pub struct CpuTrainer {
    level: SimdLevel,
    activation: Activation,
    sgd: Sgd,
    parameters: Parameters,
    stepper: Stepper,
    epoch: Option<(Batches, Vec<f32>)>,
    next: usize,
    scores: Vec<SampleResult>,
}

impl Trainer<NdArray> for CpuTrainer {
    fn new(activation: Activation, sgd: Sgd, start: &Parameters, _: &NdArrayDevice) -> Self {
        Self {
            level: level(),
            activation,
            sgd,
            parameters: start.clone(),
            stepper: Stepper::default(),
            epoch: None,
            next: 0,
            scores: Vec::new(),
        }
    }

    fn begin(&mut self, pass: Batches, rates: Vec<f32>, first: usize) {
        self.epoch = Some((pass, rates));
        self.next = first;
    }

    fn step(&mut self) {
        let (pass, rates) = self.epoch.as_ref().expect("an epoch has begun");
        let descent = self.parameters.descent(self.sgd, rates[self.next]);
        let images = pass.batch(self.next);
        self.stepper.step(self.level, self.activation, descent, images);
        self.scores.extend(self.stepper.scores());
        self.next += 1;
    }

    fn scores(&mut self) -> Result<Vec<SampleResult>, Error> {
        Ok(std::mem::take(&mut self.scores))
    }

    fn parameters(&mut self) -> Result<Parameters, Error> {
        Ok(self.parameters.clone())
    }
}

/// The CPU level to use. A wrong `LENET_SIMD` is reported by the program at its start; to a program that has
/// not asked, it means nothing.
fn level() -> SimdLevel {
    cpu::level().unwrap_or_else(|_| SimdLevel::best())
}

/// The tensor as an array that may be changed in place, row-major: itself, unless it lies otherwise.
fn owned(tensor: NdArrayTensor) -> SharedArray<f32> {
    let NdArrayTensor::F32(storage) = tensor else {
        panic!("a float tensor of NdArray<f32> holds f32, not {:?}", tensor.dtype());
    };
    let array = storage.into_owned();
    if array.is_standard_layout() {
        array
    } else {
        array.as_standard_layout().into_owned().into_shared()
    }
}

fn values(array: &SharedArray<f32>) -> &[f32] {
    array.as_slice().expect("what `owned` returns is row-major")
}

fn values_mut(array: &mut SharedArray<f32>) -> &mut [f32] {
    array.as_slice_mut().expect("what `owned` returns is row-major")
}

fn tensor(values: Vec<f32>, shape: &[usize]) -> NdArrayTensor {
    SharedArray::from_shape_vec(IxDyn(shape), values)
        .expect("the values were counted by this shape")
        .into()
}
