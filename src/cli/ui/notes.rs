//! Notes on how a run ended, with advice.

use crate::train::{Keep, RunRecord, StopReason};

use super::format::plural;

/// Returns notes on early stopping, on the kept epoch and on a collapsed model, if any.
pub fn notes(record: &RunRecord) -> Vec<String> {
    let mut notes = Vec::new();
    let (settings, done) = (&record.settings, record.epochs.len());
    if let (Some(StopReason::Patience), Some(patience)) = (record.stop_reason, settings.patience) {
        notes.push(format!(
            "note: stopped after epoch {done} of {}: the validation loss did not improve for {}; \
             to continue, use --resume with a larger --patience",
            settings.epochs,
            plural(patience, "epoch")
        ));
    }
    if let (Keep::Best, Some(kept)) = (settings.keep, record.kept_epoch)
        && kept != done
    {
        notes.push(format!(
            "note: the model has the weights of epoch {kept}, which had the best validation loss"
        ));
    }
    if record.is_collapsed() {
        notes.push(format!(
            "warning: the model predicts the same class for every test image; use a learning rate below {} (--lr), \
             or train for longer if there were few training images",
            settings.recipe.learning_rate
        ));
    }
    notes
}
