//! Training: batches -> loss -> gradients -> weights, epoch by epoch, in a way that can stop at any batch and
//! go on as if it had not.

mod fit;
mod output;
mod recipe;
mod record;
mod reporter;
mod scores;
mod settings;
mod state;
mod state_file;
#[cfg(feature = "cli")]
mod tensorboard;

pub use fit::{Job, fit};
pub use output::Output;
pub use recipe::Recipe;
pub use record::{EpochRecord, RunRecord, StopReason, TestRecord};
pub use reporter::{Quiet, Reporter};
pub use scores::RunningSums;
pub use settings::{Keep, MAX_BATCH_SIZE, MAX_EPOCHS, Settings, is_learning_rate};
pub use state::{Best, State};
pub use state_file::sha256;
#[cfg(feature = "cli")]
pub use tensorboard::TensorBoard;
