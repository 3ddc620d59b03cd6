//! Ordinary Burn code next to `lenet`: the network with Burn's own operations, the example `plain_burn`, and Burn's files.
//!
//! All tests of ordinary Burn code are here, because each test program that contains some compiles Burn's training code again,
//! which takes longer than compiling any other test program.
#![cfg(feature = "ndarray")]
#![allow(clippy::unwrap_used)]

#[path = "../numbers/agreement.rs"]
mod agreement;
mod burn_record;
mod burnpack;
#[path = "../numbers/goldens.rs"]
mod goldens;
#[path = "../common/implementation.rs"]
mod implementation;
mod network;
#[path = "../common/plain.rs"]
mod plain;
#[path = "../numbers/steps.rs"]
mod steps;
#[path = "../numbers/support.rs"]
mod support;
mod training;

use burn_ndarray::NdArray;

use implementation::{Implementation, PlainBurn};

/// Returns the network with Burn's own operations.
fn implementations() -> Vec<Box<dyn Implementation>> {
    vec![Box::new(PlainBurn::<NdArray>(Default::default()))]
}
