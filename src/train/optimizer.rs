//! Burn's stochastic gradient descent, and its velocities as numbers on the host for the saved state.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::momentum::{MomentumConfig, MomentumState};
use burn::optim::record::AdaptorRecord;
use burn::optim::{GradientsParams, Optimizer, Sgd, SgdConfig, SgdState};
use burn::record::{FullPrecisionSettings, Record};
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;

use crate::model::{LeNet, Weights};

use super::Recipe;

type Burns<B> = OptimizerAdaptor<Sgd<<B as AutodiffBackend>::InnerBackend>, LeNet<B>, B>;
type Records<B> = <Burns<B> as Optimizer<LeNet<B>, B>>::Record;

/// The optimiser of one training.
pub struct Descent<B: AutodiffBackend> {
    burns: Burns<B>,
}

impl<B: AutodiffBackend> Descent<B> {
    /// The recipe's optimiser, with the velocities of a stopped training where there are any.
    #[must_use]
    pub fn new(recipe: &Recipe, velocity: Option<&Weights>, device: &B::Device) -> Self {
        let mut config = SgdConfig::new();
        if recipe.momentum > 0.0 {
            // Burn dampens the gradient by 0.1 unless told not to; PyTorch and Keras do not.
            let momentum = MomentumConfig::new()
                .with_momentum(recipe.momentum)
                .with_dampening(0.0);
            config = config.with_momentum(Some(momentum));
        }
        let mut burns: Burns<B> = config.init();
        if let Some(velocity) = velocity {
            // A network of velocities: its parameters have the ids and layouts of the real one's.
            let mut restore = Restore::<B>(Records::<B>::default());
            LeNet::<B>::from_weights(velocity, device).visit(&mut restore);
            burns = burns.load_record(restore.0);
        }
        Self { burns }
    }

    /// The model one step further down the gradients.
    pub fn step(&mut self, rate: f64, model: LeNet<B>, gradients: GradientsParams) -> LeNet<B> {
        self.burns.step(rate, model, gradients)
    }

    /// The velocity of every weight of `model`, where the optimiser has momentum and has made a step.
    #[must_use]
    pub fn velocity(&self, model: &LeNet<B>) -> Option<Weights> {
        let mut extract = Extract::<B> {
            records: self.burns.to_record(),
            complete: true,
        };
        let velocity = model.clone().map(&mut extract);
        extract.complete.then(|| velocity.to_weights())
    }
}

/// Makes an optimiser record out of a network of velocities.
struct Restore<B: AutodiffBackend>(Records<B>);

impl<B: AutodiffBackend> ModuleVisitor<B> for Restore<B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let state = SgdState::new(Some(MomentumState::new(param.val().inner())));
        self.0
            .insert(param.id, AdaptorRecord::from_state::<D>(state));
    }
}

/// Makes a network of velocities out of an optimiser record.
struct Extract<B: AutodiffBackend> {
    records: Records<B>,
    complete: bool,
}

impl<B: AutodiffBackend> burn::module::ModuleMapper<B> for Extract<B> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let state = self
            .records
            .remove(&param.id)
            .map(AdaptorRecord::into_state::<D>);
        let Some(momentum) = state.and_then(|state| state.momentum) else {
            self.complete = false;
            return param;
        };
        // The velocity itself is private to Burn; its record item is not.
        let item = momentum.into_item::<FullPrecisionSettings>();
        let velocity = Tensor::from_item::<FullPrecisionSettings>(item.velocity, &param.device());
        param.map(|_| Tensor::from_inner(velocity))
    }
}
