//! The GPU backend: the default bodies, out of Burn's own operations, are its layers.

use super::LeNetBackend;

impl LeNetBackend for burn_wgpu::Wgpu {}
