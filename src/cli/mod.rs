//! The program: command line, commands and everything they print. The library does not depend on it.

pub mod args;
pub mod commands;
mod compare;
pub mod fetch;
pub mod picture;
mod report;
pub mod ui;
