//! Several trainings side by side: what was set otherwise, what came out, and whether the difference is more than chance.
//!
//! [`Run`] is one training, from its record or from a log of Keras; [`Comparison`] puts runs into groups that differ in
//! nothing but their seed; [`statistics`] has the tests. The command prints it, `report` draws it.

mod document;
mod groups;
mod log;
mod page;
mod run;
mod statistics;
mod tables;
mod text;

pub use document::document;
pub use groups::{Comparison, ModelPair};
pub use page::page;
pub use run::{Metric, Predictions, Run};
pub use statistics::Summary;
pub use text::text;
