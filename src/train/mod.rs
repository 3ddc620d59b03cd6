//! Training: batches -> loss -> gradients -> weights, epoch by epoch, in a way that can stop at any batch and
//! go on as if it had not.

mod event_file;
mod fit;
mod history;
mod output;
mod recipe;
mod record;
mod reporter;
mod scores;
mod settings;
mod state;
mod state_file;
pub mod stop;
mod tensorboard;

pub use fit::{Job, fit};
pub use history::{EpochRecord, RunningSums};
pub use output::Output;
pub use recipe::Recipe;
pub use record::{RunRecord, TestRecord};
pub use reporter::{End, Quiet, Reporter, Start, StopReason, fields};
pub use settings::{Keep, MAX_BATCH_SIZE, MAX_EPOCHS, Settings, is_learning_rate};
pub use state::{Best, State};
pub use state_file::{ModelDigests, Saved, sha256};
pub use tensorboard::TensorBoard;
