//! Compares runs: their settings, their metrics, and whether a difference is more than chance.
//!
//! A [`Run`] comes from a run record or from a Keras log. [`Comparison`] groups runs that differ only in their seed, and
//! `statistics` has the significance tests. The output is text, JSON ([`document()`]) or an HTML report ([`page()`]).

mod document;
mod groups;
pub mod log;
mod page;
mod run;
mod setting;
mod statistics;
mod tables;
mod text;

pub use document::document;
pub use groups::{Comparison, differences};
pub use page::page;
pub use run::{Metric, Predictions, Run};
pub use setting::Setting;
pub use statistics::Summary;
pub use text::text;
