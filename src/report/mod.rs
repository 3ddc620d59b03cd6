//! A page about a model: one HTML file with everything in it, which asks nothing of any network.
//!
//! [`Figures`] computes what is shown, [`Training`] finds what the training left to tell, and [`page()`] writes
//! both down; each section has its file. There are no scripts and no dates: equal inputs give equal bytes.

mod confidence;
mod confusion;
mod curves;
mod figures;
mod kernels;
mod mistakes;
mod page;
mod pictures;
mod recipe;
mod text;
mod training;

pub use figures::{BINS, Bin, Figures, Mistake};
pub use page::{Report, page};
pub use training::Training;
