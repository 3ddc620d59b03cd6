//! The output of the program: results on stdout, progress and notes on stderr.

mod bar;
mod confusion;
pub(crate) mod events;
pub(crate) mod format;
mod notes;
mod out;
mod reporter;
pub(crate) mod table;
mod tensorboard;
mod terminal;
mod text;

pub use bar::Bar;
pub use confusion::confusion;
pub use events::JsonReporter;
pub use notes::notes;
pub use out::Out;
pub use reporter::RunReporter;
pub use tensorboard::TensorBoard;
pub use terminal::{
    Drawing, bar_columns, bars_wanted, columns, drawing_wanted, error, exit_status, note,
};
pub use text::{TextReporter, fit};
