//! How the model came about, as a table: recipe, settings, data, machine, versions.

use maud::{Markup, html};

use crate::train::{Keep, RunRecord};

use super::recipe;
use super::text::duration;
use crate::io::text::{count, plural};

/// The section for this run.
pub fn section(record: &RunRecord) -> Markup {
    html! {
        section #training {
            h2 { "Training" }
            div .scroll tabindex="0" role="region" aria-label="Settings of the training" {
                table .facts {
                    tbody {
                        @for (name, value) in rows(record) { tr { th scope="row" { (name) } td { (value) } } }
                        tr { th scope="row" { "Data files, SHA-256" } td {
                            @for (name, digest) in &record.data {
                                span .digest { (name) " " code { (digest) } }
                            }
                        } }
                    }
                }
            }
        }
    }
}

/// Name and value of everything that is known of a training.
#[must_use]
pub fn rows(record: &RunRecord) -> Vec<(&'static str, String)> {
    let settings = &record.settings;
    let mut rows = vec![("Recipe", settings.recipe.name.clone())];
    rows.extend(recipe::rows(&settings.recipe));
    rows.extend([
        ("Batch size", count(settings.batch_size)),
        ("Seed", settings.seed.to_string()),
        ("Epochs", epochs(record)),
        ("Kept", kept(record)),
        ("Training images", count(record.train_samples)),
        (
            "Validation images",
            match (record.validation_samples, settings.stratified) {
                (0, _) => "none".to_owned(),
                (number, true) => format!("{}, of all classes in proportion", count(number)),
                (number, false) => format!("{}, the last ones", count(number)),
            },
        ),
    ]);
    if let Some(limit) = settings.limit {
        rows.push(("Limit", format!("the first {} of each file", plural(limit, "image"))));
    }
    if let Some(started) = &record.started {
        rows.push(("Started", started.clone()));
    }
    let seconds = record.epochs.iter().map(|epoch| epoch.seconds).sum();
    rows.extend([
        ("Time", duration(seconds)),
        ("Machine", format!("{}, {}", record.device, plural(record.threads, "thread"))),
        ("Backend", settings.backend.clone()),
        ("Versions", format!("lenet {}, Burn {}", record.lenet, record.burn)),
    ]);
    rows
}

/// How many were trained, and why no more.
fn epochs(record: &RunRecord) -> String {
    let (done, asked) = (record.epochs.len(), record.settings.epochs);
    match record.settings.patience {
        _ if done >= asked => count(done),
        Some(patience) if record.test.is_some() => format!(
            "{} of {}: the validation loss had not fallen for {}",
            count(done),
            count(asked),
            plural(patience, "epoch")
        ),
        _ => format!("{} of {} so far", count(done), count(asked)),
    }
}

/// Whose weights the model has.
fn kept(record: &RunRecord) -> String {
    match (record.kept_epoch, record.settings.keep) {
        (None, _) => "the weights in the middle of the first epoch".to_owned(),
        (Some(epoch), Keep::Best) => {
            format!("the weights of epoch {epoch}, the one with the smallest validation loss")
        }
        (Some(epoch), Keep::Last) => format!("the weights of epoch {epoch}, the last one"),
    }
}
