//! HTML reports: one self-contained file per report, which loads nothing from the network.
//!
//! [`TestResults`] computes the metrics and [`page()`] renders them; each section of the page has its own file. The
//! interactive parts are plain JavaScript (`script/`), embedded in the page together with the weights. With scripts
//! disabled, only the section that runs the network is missing. The page contains no creation date, so that equal
//! inputs give equal bytes.

pub mod card;
pub(super) mod chart;
mod confusion;
mod curves;
pub(super) mod differences;
mod header;
pub(super) mod html;
mod inside;
mod network;
mod page;
mod pictures;
mod reliability;
mod script;
mod settings;
mod test_results;

pub use html::GENERATOR;
pub use network::layer_table;
pub use page::{ReplayEpoch, Report, page};
pub use settings::rows as training_rows;
pub use test_results::{Prediction, TestResults};
