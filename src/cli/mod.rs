//! The program: command line, commands and everything they print. The library does not depend on it.

pub mod args;
pub mod commands;
pub mod compare;
pub mod error;
pub mod fetch;
mod hints;
pub mod import;
pub mod picture;
mod report;
#[cfg(feature = "wgpu")]
pub mod restart;
pub mod threads;
pub mod ui;
