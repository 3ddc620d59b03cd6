//! The CPU backend.

use super::{LeNetBackend, reference};

impl LeNetBackend for burn_ndarray::NdArray {
    type Trainer = reference::StepByStep<Self>;
}
