//! Several trainings side by side: what was set otherwise, what came out, and whether the difference is more than chance.
//!
//! [`Run`] is one training, from its record or from a log of Keras; [`Group`] holds the runs that differ in nothing but
//! their seed; [`statistics`] has the tests. [`Comparison`] puts them together; the command prints it, and
//! [`crate::report::compare_page`] draws it.

mod groups;
mod log;
mod run;
pub mod statistics;
mod tables;

pub use groups::{Comparison, Difference, Group, ModelPair, SeedTest};
pub use run::{Answers, Epoch, Figure, Run};
pub use tables::Table;
