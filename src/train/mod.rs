//! Training: minibatches -> losses -> gradients -> weights, epoch by epoch. A run can stop after any batch, and a resumed run
//! ends with the weights of an uninterrupted run, bit for bit.

mod checkpoint;
mod checkpoint_file;
mod fit;
mod recipe;
mod record_check;
mod reporter;
mod run_files;
mod run_record;
mod running_sums;
mod settings;
mod snapshots;
mod test_record;

pub use checkpoint::{Best, Checkpoint};
pub use checkpoint_file::sha256;
pub use fit::{TrainingContext, fit};
pub use recipe::Recipe;
pub use record_check::{MAX_LOSS, MAX_SECONDS};
pub use reporter::{Quiet, Reporter};
pub use run_files::RunFiles;
pub use run_record::{EpochRecord, RunRecord, StopReason};
pub use running_sums::RunningSums;
pub use settings::{Keep, MAX_BATCH_SIZE, MAX_EPOCHS, Settings, is_learning_rate};
pub use snapshots::{Snapshot, Snapshots};
pub use test_record::TestRecord;
