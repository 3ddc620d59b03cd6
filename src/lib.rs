//! `lenet` trains, evaluates, explains and exports the LeNet network on Fashion-MNIST, on Burn.
//!
//! Data flows through the modules in this order:
//!
//! ```text
//! data     gzipped IDX files -> images and labels -> Burn Dataset -> batches
//! model    LeNet<B>: the five layers, their initial weights, their shapes
//! ops      the layers as Burn backend-extension operations, forward and backward
//! kernels  the same operations as plain CPU code on slices, without Burn
//! train    batches -> loss -> gradients -> SGD -> weights, epoch by epoch
//! eval     weights + images -> loss, accuracy, confusion matrix
//! format   weights <-> model files of every kind
//! ```
//!
//! Symbols used in comments on shapes: N images of a batch, C channels, H height, W width.

pub mod kernels;
pub mod model;
