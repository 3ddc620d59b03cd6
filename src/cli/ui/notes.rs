//! Notes on how a run ended, with advice.

use std::cmp::Ordering;

use crate::train::{
    EpochRecord, Keep, MAX_EPOCHS, Recipe, RunRecord, Settings, StopReason, TestRecord,
};

use super::format::plural;

/// Validation accuracy by which an earlier epoch must be better than the last one to be noted.
const DROP: f64 = 0.01;

/// Loss that a network reaches only by large steps. Before the first step it is about 2.4.
const LARGE_LOSS: f64 = 3.0;

/// Returns notes on early stopping, on the kept epoch and on a model that has not learned, if any.
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
    if let (Keep::Last, Some(best), Some(last)) =
        (settings.keep, best(record), record.epochs.last())
        && let (Some(best_accuracy), Some(accuracy)) = (best.val_accuracy, last.val_accuracy)
        && best_accuracy - accuracy >= DROP
    {
        notes.push(format!(
            "note: epoch {} was better: its validation accuracy was {best_accuracy:.4}, that of the last epoch is \
             {accuracy:.4}; --keep best would have kept it, and still does with --resume",
            best.epoch
        ));
    }
    if let Some(test) = record.test.as_ref().filter(|test| test.is_failure()) {
        let what = match test.collapsed {
            true => "the model predicts the same class for every test image".to_owned(),
            false => {
                format!("the test accuracy of {:.4} is near chance, which is 0.1", test.accuracy)
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

/// Returns what to change if the model has not learned. Too large steps saturate the outputs, and after too few or too small
/// steps the loss is still near that of guessing, ln 10.
fn advice(settings: &Settings, test: &TestRecord, record: &RunRecord) -> String {
    let recipe = &settings.recipe;
    let usual = Recipe::named(&recipe.name).unwrap_or_else(Recipe::classic);
    let (rate, usual_rate, batch) = (recipe.learning_rate, usual.learning_rate, usual.batch_size());
    if test.saturated || test.loss > LARGE_LOSS {
        let symptom = match test.saturated {
            true => "its outputs are saturated".to_owned(),
            false => format!("its loss is {:.4}, above ln 10 = 2.3026 of guessing", test.loss),
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
        "the training loss is still {loss:.4}, and guessing has ln 10 = 2.3026; use {}",
        remedies.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the notes on a run with `settings` that has these validation accuracies and this test result.
    fn notes_of(settings: Settings, accuracies: &[f64], test: Option<TestRecord>) -> Vec<String> {
        let epoch = |(index, accuracy): (usize, &f64)| EpochRecord {
            epoch: index + 1,
            seconds: 1.0,
            loss: 2.3036,
            accuracy: 0.1,
            val_loss: Some(2.0 - accuracy),
            val_accuracy: Some(*accuracy),
        };
        let epochs = accuracies.iter().enumerate().map(epoch).collect();
        notes(&RunRecord { epochs, test, ..RunRecord::new(settings, "CPU") })
    }

    #[test]
    fn better_earlier_epoch_is_noted() {
        let settings = || Settings::new(Recipe::classic());
        let found = notes_of(settings(), &[0.6, 0.8067, 0.28], None);
        let [note] = &found[..] else { panic!("{found:?}") };
        assert!(
            note.starts_with("note: epoch 2 was better: its validation accuracy was 0.8067"),
            "{note}"
        );
        assert!(
            note.contains("0.2800") && note.contains("--keep best would have kept it"),
            "{note}"
        );
        assert_eq!(notes_of(settings(), &[0.6, 0.8067, 0.7999], None), [""; 0]);
        assert_eq!(notes_of(settings(), &[0.6, 0.7, 0.8], None), [""; 0]);
        assert_eq!(notes_of(settings(), &[], None), [""; 0]);
        let best = Settings { keep: Keep::Best, ..settings() };
        assert_eq!(notes_of(best, &[0.8, 0.3], None), [""; 0]);
    }

    #[test]
    fn advice_tells_large_from_small_steps() {
        let advice = |rate: f64, momentum: f64, batch_size: usize, saturated: bool| {
            let recipe = Recipe { learning_rate: rate, momentum, ..Recipe::classic() };
            let settings = Settings { batch_size, epochs: 3, ..Settings::new(recipe) };
            let test = TestRecord {
                samples: 10_000,
                loss: 2.302,
                accuracy: 0.1,
                correct: 1000,
                collapsed: true,
                saturated,
            };
            let found = notes_of(settings, &[0.1; 3], Some(test));
            found[0]
                .strip_prefix("warning: the model predicts the same class for every test image; ")
                .unwrap()
                .to_owned()
        };
        let small = "the training loss is still 2.3036, and guessing has ln 10 = 2.3026; use ";
        for (rate, batch_size, expected) in [
            (0.001, 32, "a larger learning rate (--lr 0.9) or more epochs (--epochs 6)"),
            (0.9, 54_000, "smaller batches (--batch-size 32) or more epochs (--epochs 6)"),
            (0.9, 32, "more epochs (--epochs 6)"),
        ] {
            assert_eq!(advice(rate, 0.0, batch_size, false), format!("{small}{expected}"));
        }
        for (rate, momentum, expected) in [
            (50.0, 0.0, "use the default learning rate (--lr 0.9)"),
            (1e30, 0.0, "use the default learning rate (--lr 0.9)"),
            (0.1, 0.99, "such as --lr 0.01, or --momentum 0"),
        ] {
            let found = advice(rate, momentum, 32, true);
            assert!(found.ends_with(expected) && found.contains("saturated"), "{found}");
        }
    }
}
