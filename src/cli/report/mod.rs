//! A page about a model: one HTML file with everything in it, which asks nothing of any network.
//!
//! [`TestResults`] computes what is shown and [`page()`] writes it down; each section has its file. What moves is in
//! `script/`, plain JavaScript that is part of the page, as are the weights. Without it the page is whole but for the
//! section that computes. There is no date of its own in it: equal inputs give equal bytes.

pub mod card;
mod chart;
mod compare;
mod confusion;
mod curves;
mod header;
mod html;
mod inside;
mod network;
mod page;
mod pictures;
mod reliability;
mod settings;
mod test_results;

pub use compare::compare_page;
pub use page::{Report, page};
pub use settings::rows as training_rows;
pub use test_results::{Prediction, TestResults};
