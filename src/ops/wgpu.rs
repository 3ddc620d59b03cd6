//! The GPU backend: the default bodies, out of Burn's own operations.

use super::{LeNetBackend, reference};

impl LeNetBackend for burn_wgpu::Wgpu {
    type Trainer = reference::StepByStep<Self>;
}
