//! Trains, evaluates, explains and exports the LeNet network on Fashion-MNIST, built on Burn.
//!
//! The crate has two parts: the library, and the command-line program in [`cli`]. The library does not depend on the program.
//! Build with `default-features = false, features = ["ndarray"]` to leave out the program and its dependencies.
//!
//! # Where to start
//!
//! `examples/plain_burn.rs` trains the network in 80 lines of ordinary Burn: data loader, optimizer, backward pass, recorder.
//! [`backend`] trains the same network with kernels written for it. On the CPU these kernels are more than 50 times faster, as
//! `benches/peers/run` measures.
//!
//! # Data flow
//!
//! Data flows through the library in this order:
//!
//! ```text
//! data     gzipped IDX files -> images and labels -> Burn Dataset -> minibatches
//! model    LeNet<B> in plain Burn: layers, initial weights, shapes
//! optim    the update rules and the learning-rate schedule
//! backend  outputs, gradients and updates: plain Burn, fused CPU kernels, fused GPU kernels
//! train    epochs, recipe, checkpoint, run record
//! eval     weights + images -> loss, accuracy, confusion matrix
//! format   weights <-> model files in every format
//! io       reading, writing and locking files safely
//! ```
//!
//! Comments give shapes as [N, C, H, W]: images of the batch, channels, height, width.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

pub mod backend;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod data;
pub mod error;
pub mod eval;
pub mod format;
#[doc(hidden)]
pub mod io;
pub mod model;
pub mod optim;
pub mod random;
pub mod signal;
pub mod train;

/// The release of Burn that this program is built on.
pub const BURN_VERSION: &str = "0.21.0";
