//! `lenet` trains, evaluates, explains and exports the LeNet network on Fashion-MNIST, on Burn.
//!
//! A Burn user wants [`model::LeNet`], [`data::FashionMnist`], [`data::Pass`], [`train::Recipe`] and [`train::fit`], and finds
//! them at work in `examples/`: a model loaded, a loop of one's own, one operation replaced. The rest is the program;
//! `default-features = false, features = ["ndarray"]` leaves it out, with the crates that it alone needs.
//!
//! Data flows through the modules in this order:
//!
//! ```text
//! data     gzipped IDX files -> images and labels -> Burn Dataset -> batches
//! model    LeNet<B>: the five layers, their initial weights, their shapes
//! descent  gradient descent: the rule of a step, the schedule of the learning rate
//! ops      outputs, gradients and update as operations of a Burn backend, and a trainer of steps
//! kernels  the same for the CPU, on slices, without Burn
//! train    steps, epoch by epoch; recipe, state, record
//! eval     weights + images -> loss, accuracy, confusion matrix
//! signal   whether Ctrl-C has come
//! io       files read, written and locked; text for a terminal
//! format   weights <-> model files of every kind
//! picture  picture files -> 28x28 images
//! report   weights + outputs -> a page of HTML
//! compare  records and models of several runs -> figures and tests
//! schema   JSON Schemas of what is printed
//! ```
//!
//! Symbols used in comments on shapes: N images of a batch, C channels, H height, W width.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod commands;
#[cfg(feature = "cli")]
mod compare;
pub mod data;
pub mod descent;
pub mod error;
pub mod eval;
pub mod format;
#[cfg(feature = "wgpu")]
pub mod gpu;
#[doc(hidden)]
pub mod io;
pub mod kernels;
pub mod model;
pub mod ops;
#[cfg(feature = "cli")]
pub mod picture;
pub mod random;
#[cfg(feature = "cli")]
mod report;
#[cfg(feature = "cli")]
mod schema;
pub mod signal;
pub mod train;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod ui;

/// The release of Burn that this program is built on.
pub const BURN_VERSION: &str = "0.21.0";
