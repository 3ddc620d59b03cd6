//! HTML reports: one self-contained file per report, which loads nothing from the network.
//!
//! [`TestResults`] computes the metrics and [`page()`] renders them; each section of the page has its own file. The
//! interactive parts are plain JavaScript (`script/`), embedded in the page together with the weights. With scripts
//! disabled, only the section that runs the network is missing. The page contains no creation date, so that equal
//! inputs give equal bytes.

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
