//! Stochastic gradient descent as a Burn optimiser, and what it remembers as numbers on the host for the saved
//! state.
//!
//! Burn's own [`Sgd`](burn::optim::Sgd) makes the same steps (a test holds them together), but with momentum it
//! takes six passes over the weights; and it keeps no average.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::record::AdaptorRecord;
use burn::optim::{GradientsParams, LearningRate, Optimizer, SimpleOptimizer};
use burn::record::Record;
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};

use crate::model::{LeNet, Weights};
use crate::ops::{self, LeNetBackend};

use super::coordinates::Direction;
use super::{Recipe, State};

type Adaptor<B> = OptimizerAdaptor<Rule, LeNet<B>, B>;
type Records<B> = <Adaptor<B> as Optimizer<LeNet<B>, B>>::Record;

/// The optimiser of one training.
pub struct Descent<B>
where
    B: AutodiffBackend,
    B::InnerBackend: LeNetBackend,
{
    direction: Direction,
    adaptor: Adaptor<B>,
}

/// How a tensor of weights is changed.
#[derive(Debug, Clone)]
struct Rule {
    /// Share of its velocity that a weight keeps.
    momentum: f32,
    nesterov: bool,
    /// The way from its average to the weight that the average goes at each step.
    average_share: f32,
}

/// What the optimiser remembers of a tensor of weights.
#[derive(Record, Debug, Clone)]
struct Memory<B: Backend, const D: usize> {
    /// Where there is momentum.
    velocity: Option<Tensor<B, D>>,
    /// Where weights are averaged.
    average: Option<Tensor<B, D>>,
}

impl<B: LeNetBackend> SimpleOptimizer<B> for Rule {
    type State<const D: usize> = Memory<B, D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        weight: Tensor<B, D>,
        gradient: Tensor<B, D>,
        memory: Option<Memory<B, D>>,
    ) -> (Tensor<B, D>, Option<Memory<B, D>>) {
        let Some(Memory { velocity, average }) = memory else {
            return (ops::step(rate as f32, weight, gradient), None);
        };
        let (weight, velocity) = match velocity {
            None => (ops::step(rate as f32, weight, gradient), None),
            Some(velocity) => {
                let rule = ops::Momentum {
                    rate: rate as f32,
                    momentum: self.momentum,
                    nesterov: self.nesterov,
                };
                let (weight, velocity) = ops::momentum_step(rule, weight, velocity, gradient);
                (weight, Some(velocity))
            }
        };
        let average =
            average.map(|average| ops::average(self.average_share, average, weight.clone()));
        (weight, Some(Memory { velocity, average }))
    }

    fn to_device<const D: usize>(memory: Memory<B, D>, device: &B::Device) -> Memory<B, D> {
        let to_device = |tensor: Tensor<B, D>| tensor.to_device(device);
        Memory {
            velocity: memory.velocity.map(to_device),
            average: memory.average.map(to_device),
        }
    }
}

impl<B> Descent<B>
where
    B: AutodiffBackend,
    B::InnerBackend: LeNetBackend,
{
    /// The recipe's optimiser, with what `state` remembers.
    #[must_use]
    pub fn new(recipe: &Recipe, state: &State, device: &B::Device) -> Self {
        let adaptor = Adaptor::<B>::from(Rule {
            momentum: recipe.momentum as f32,
            nesterov: recipe.nesterov,
            average_share: (1.0 - recipe.averaging) as f32,
        });
        let mut records = Records::<B>::default();
        for part in [Part::Velocity, Part::Average] {
            if let Some(values) = part.of_state(state) {
                // A network of velocities or averages: its parameters have the ids and layouts of the real one's.
                LeNet::<B>::from_weights(values, device).visit(&mut Restore {
                    part,
                    records: &mut records,
                });
            }
        }
        Self {
            direction: Direction::of(recipe),
            adaptor: adaptor.load_record(records),
        }
    }

    /// The model one step further down the gradients.
    pub fn step(&mut self, rate: f64, model: LeNet<B>, mut gradients: GradientsParams) -> LeNet<B> {
        self.direction.turn(&model, &mut gradients);
        self.adaptor.step(rate, model, gradients)
    }

    /// Puts the weights of `model`, and what the optimiser remembers of each, into `state`.
    pub fn store(&self, model: &LeNet<B>, state: &mut State) {
        state.weights = model.to_weights();
        let mut records = self.adaptor.to_record();
        for part in [Part::Velocity, Part::Average] {
            if let Some(values) = part.of_state_mut(state) {
                let records = &mut records;
                let network = model.clone().map(&mut Extract::<B> { part, records });
                *values = network.to_weights();
            }
        }
    }
}

/// Which of the things remembered.
#[derive(Debug, Clone, Copy)]
enum Part {
    Velocity,
    Average,
}

impl Part {
    fn of_state(self, state: &State) -> Option<&Weights> {
        match self {
            Self::Velocity => state.velocity.as_ref(),
            Self::Average => state.average.as_ref(),
        }
    }

    fn of_state_mut(self, state: &mut State) -> Option<&mut Weights> {
        match self {
            Self::Velocity => state.velocity.as_mut(),
            Self::Average => state.average.as_mut(),
        }
    }

    fn of_memory<B: Backend, const D: usize>(
        self,
        memory: &mut Memory<B, D>,
    ) -> &mut Option<Tensor<B, D>> {
        match self {
            Self::Velocity => &mut memory.velocity,
            Self::Average => &mut memory.average,
        }
    }
}

/// Makes an optimiser record out of a network of things remembered.
struct Restore<'a, B>
where
    B: AutodiffBackend,
    B::InnerBackend: LeNetBackend,
{
    part: Part,
    records: &'a mut Records<B>,
}

impl<B> ModuleVisitor<B> for Restore<'_, B>
where
    B: AutodiffBackend,
    B::InnerBackend: LeNetBackend,
{
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let mut memory = match self.records.remove(&param.id) {
            Some(record) => record.into_state::<D>(),
            None => Memory {
                velocity: None,
                average: None,
            },
        };
        *self.part.of_memory(&mut memory) = Some(param.val().inner());
        self.records
            .insert(param.id, AdaptorRecord::from_state::<D>(memory));
    }
}

/// Makes a network of things remembered out of an optimiser record.
struct Extract<'a, B>
where
    B: AutodiffBackend,
    B::InnerBackend: LeNetBackend,
{
    part: Part,
    records: &'a mut Records<B>,
}

impl<B> ModuleMapper<B> for Extract<'_, B>
where
    B: AutodiffBackend,
    B::InnerBackend: LeNetBackend,
{
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let record = self.records.remove(&param.id);
        let mut memory = record
            .map(AdaptorRecord::into_state::<D>)
            .expect("the optimiser was made from a state that has this part");
        let value = self
            .part
            .of_memory(&mut memory)
            .take()
            .expect("a step keeps the parts that it finds");
        self.records
            .insert(param.id, AdaptorRecord::from_state::<D>(memory));
        param.map(|_| Tensor::from_inner(value))
    }
}
