//! Notes on how a run ended, with advice.

use std::cmp::Ordering;

use crate::eval::{chance, rounded};
use crate::train::{
    EpochRecord, Keep, MAX_EPOCHS, Recipe, RunRecord, Settings, StopReason, TestRecord,
};

use super::format::plural;

/// Minimum gain in validation accuracy of an earlier epoch over the last one that causes a note.
const MIN_GAIN: f64 = 0.01;

/// Loss above which the steps must have been too large. Before the first step, the loss is about 2.4.
const LARGE_LOSS: f64 = 3.0;

/// Returns notes on early stopping, on the kept epoch and on a model that has not learned, if any. A run that `is_saved` can be
/// resumed.
pub fn notes(record: &RunRecord, is_saved: bool) -> Vec<String> {
    let resume = |advice: &'static str| if is_saved { advice } else { "" };
    let mut notes = Vec::new();
    let (settings, done) = (&record.settings, record.epochs.len());
    if let (Some(StopReason::Patience), Some(patience)) = (record.stop_reason, settings.patience) {
        notes.push(format!(
            "note: stopped after epoch {done} of {}: the validation loss did not improve for {}{}",
            settings.epochs,
            plural(patience, "epoch"),
            resume("; to continue, use --resume with a larger --patience")
        ));
    }
    if let (Keep::Best, Some(kept)) = (settings.keep, record.kept_epoch)
        && kept != done
    {
        notes.push(format!(
            "note: the model has the weights of epoch {kept}, which had the best validation loss"
        ));
    }
    if let (Keep::Last, Some(best), Some(last)) =
        (settings.keep, best(record), record.epochs.last())
        && let (Some(best_accuracy), Some(accuracy)) = (best.val_accuracy, last.val_accuracy)
        && best_accuracy - accuracy >= MIN_GAIN
    {
        notes.push(format!(
            "note: epoch {} was better than the last one: its validation accuracy was {best_accuracy:.4}, not \
             {accuracy:.4}{}",
            best.epoch,
            resume("; to save its weights, use --resume with --keep best")
        ));
    }
    if let Some(test) = record.failure() {
        let what = match test.collapsed {
            true => "the model predicts the same class for every test image".to_owned(),
            false => {
                let chance = rounded(chance(record.classes()));
                format!("the test accuracy of {:.4} is near chance ({chance})", test.accuracy)
            }
        };
        notes.push(format!("warning: {what}; {}", advice(settings, test, record)));
    }
    notes
}

/// Returns the epoch with the lowest validation loss, as `--keep best` does.
fn best(record: &RunRecord) -> Option<&EpochRecord> {
    let validated = record.epochs.iter().filter(|epoch| epoch.val_loss.is_some());
    validated.min_by(|a, b| a.val_loss.partial_cmp(&b.val_loss).unwrap_or(Ordering::Equal))
}

/// Returns the loss of guessing, for example `ln 10 = 2.3026`.
fn guessing(record: &RunRecord) -> String {
    let classes = record.classes();
    format!("ln {classes} = {:.4}", (classes as f64).ln())
}

/// Returns what to change if the model has not learned. Steps that are too large saturate the outputs. If there were too few
/// steps, or they were too small, the loss is still near that of guessing.
fn advice(settings: &Settings, test: &TestRecord, record: &RunRecord) -> String {
    let recipe = &settings.recipe;
    let usual = Recipe::named(&recipe.name).unwrap_or_else(Recipe::classic);
    let (rate, usual_rate, batch) = (recipe.learning_rate, usual.learning_rate, usual.batch_size());
    if test.saturated || test.loss > LARGE_LOSS {
        let symptom = match test.saturated {
            true => "its outputs are saturated".to_owned(),
            false => {
                format!(
                    "its loss is {:.4}, above that of guessing ({})",
                    test.loss,
                    guessing(record)
                )
            }
        };
        let smaller = match rate > usual_rate {
            true => format!("the default learning rate (--lr {usual_rate})"),
            false => format!("a smaller learning rate, such as --lr {}", (rate / 10.0) as f32),
        };
        let mut advice = format!("{symptom}, because the steps were too large; use {smaller}");
        if recipe.momentum > usual.momentum {
            advice += &format!(", or --momentum {}", usual.momentum);
        }
        if settings.batch_size < batch {
            advice += &format!(", or larger batches (--batch-size {batch})");
        }
        return advice;
    }
    let mut remedies = Vec::new();
    if rate != usual_rate {
        let size = if rate < usual_rate { "a larger" } else { "the default" };
        remedies.push(format!("{size} learning rate (--lr {usual_rate})"));
    }
    if settings.batch_size > batch {
        remedies.push(format!("smaller batches (--batch-size {batch})"));
    }
    if settings.epochs < MAX_EPOCHS {
        let epochs = (2 * settings.epochs).min(MAX_EPOCHS);
        remedies.push(format!("more epochs (--epochs {epochs})"));
    }
    if settings.limit.is_some() {
        remedies.push("more images (no --limit)".to_owned());
    }
    let loss = record.epochs.last().map_or(test.loss, |epoch| epoch.loss);
    format!(
        "the training loss is still {loss:.4}, and that of guessing is {}; use {}",
        guessing(record),
        remedies.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the notes on a run with `settings` that has these validation accuracies.
    fn notes_of(settings: Settings, accuracies: &[f64]) -> Vec<String> {
        let epoch = |(index, accuracy): (usize, &f64)| EpochRecord {
            epoch: index + 1,
            seconds: 1.0,
            loss: 2.3036,
            accuracy: 0.1,
            val_loss: Some(2.0 - accuracy),
            val_accuracy: Some(*accuracy),
        };
        let epochs = accuracies.iter().enumerate().map(epoch).collect();
        notes(&RunRecord { epochs, ..RunRecord::new(settings, "CPU") }, true)
    }

    #[test]
    fn better_earlier_epoch_is_noted() {
        let settings = || Settings::new(Recipe::classic());
        let found = notes_of(settings(), &[0.6, 0.8067, 0.28]);
        let [note] = &found[..] else { panic!("{found:?}") };
        assert!(
            note.contains(
                "epoch 2 was better than the last one: its validation accuracy was 0.8067"
            ),
            "{note}"
        );
        assert!(
            note.contains("not 0.2800") && note.contains("--resume with --keep best"),
            "{note}"
        );
        assert_eq!(notes_of(settings(), &[0.6, 0.8067, 0.7999]), [""; 0]);
        assert_eq!(notes_of(settings(), &[0.6, 0.7, 0.8]), [""; 0]);
        assert_eq!(notes_of(settings(), &[]), [""; 0]);
        let best = Settings { keep: Keep::Best, ..settings() };
        assert_eq!(notes_of(best, &[0.8, 0.3]), [""; 0]);
    }
}
