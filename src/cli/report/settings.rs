//! The settings of a run as a table: recipe, options, data, machine and versions.

use maud::{Markup, html};

use crate::cli::ui::format::{count, duration, plural};
use crate::data::{Augmentation, DatasetIdentity, DatasetInfo, Scaling};
use crate::model::Activation;
use crate::optim::Schedule;
use crate::train::{Keep, Recipe, RunRecord, StopReason};

use super::header::time;
use super::html::scroll;

pub fn training(record: &RunRecord) -> Markup {
    let body = html! {
        table .facts { tbody {
            @for (name, value) in rows(record) { tr {
                th scope="row" { (name) }
                td { @if name == "Started" { (time(&value)) } @else { (value) } }
            } }
            tr { th scope="row" { "Data files, SHA-256" } td {
                @for (name, digest) in &record.data {
                    span .digest { (name) " " code { (digest) } }
                }
            } }
        } }
    };
    scroll("Training settings", body)
}

/// Returns the names and values of all settings in a run record.
pub fn rows(record: &RunRecord) -> Vec<(&'static str, String)> {
    let settings = &record.settings;
    let validation = match (record.validation_samples, settings.stratified) {
        (0, _) => "none".to_owned(),
        (number, true) => format!("{}, stratified by class", count(number)),
        (number, false) => format!("{}, the last in the file", count(number)),
    };
    let limit = settings.limit.map(|limit| plural(limit, "image"));
    let mut rows = vec![("Recipe", settings.recipe.name.clone())];
    let recorded = record.trained_on();
    let data = recorded.as_ref().map(|dataset| &dataset.names).filter(|names| names.is_named());
    let dataset =
        recorded.as_ref().map_or_else(|| DatasetIdentity::assumed().info(), DatasetIdentity::info);
    rows.extend(recipe(&settings.recipe, &dataset));
    let run = [
        data.map(|names| ("Data set", names.title())),
        Some(("Batch size", count(settings.batch_size))),
        Some(("Seed", settings.seed.to_string())),
        Some(("Epochs", epochs(record))),
        Some(("Kept weights", kept(record))),
        Some(("Training images", count(record.train_samples))),
        Some(("Validation images", validation)),
        limit.map(|images| ("Limit", format!("the first {images} of each file"))),
        record.started.clone().map(|started| ("Started", started)),
        Some(("Time", duration(record.seconds()))),
        Some(("Machine", format!("{}, {}", record.device, plural(record.threads, "thread")))),
        Some(("Backend", settings.backend.clone())),
        Some(("Versions", format!("lenet {}, Burn {}", record.lenet, record.burn))),
    ];
    rows.extend(run.into_iter().flatten());
    rows
}

/// Returns a row for each part of the recipe that has an effect on images of `dataset`.
fn recipe(recipe: &Recipe, dataset: &DatasetInfo) -> Vec<(&'static str, String)> {
    let schedule = match recipe.schedule {
        Schedule::Constant => "constant".to_owned(),
        Schedule::Linear { warm_up } => {
            format!("linear warm-up for {}% of the steps, then linear decay", 100.0 * warm_up)
        }
    };
    let nesterov = if recipe.nesterov { ", Nesterov" } else { "" };
    let momentum = format!("{}{nesterov}", recipe.momentum);
    let muon = recipe.muon.map(|muon| muon.weight_decay);
    let tanh = "tanh during training, converted to sigmoid in the model".to_owned();
    let weights = match recipe.gain {
        1.0 => "Glorot uniform".to_owned(),
        gain => format!("Glorot uniform, scaled by {gain}"),
    };
    let pixels = match recipe.scaling {
        Scaling::Raw => "unscaled, 0 to 255".to_owned(),
        Scaling::Standardise { mean, deviation } => {
            format!("standardised: mean {mean}, standard deviation {deviation}")
        }
    };
    let rows = [
        Some(("Learning rate", recipe.learning_rate.to_string())),
        Some(("Schedule", schedule)),
        (recipe.momentum > 0.0).then_some(("Momentum", momentum)),
        (recipe.weight_decay > 0.0).then_some(("Weight decay", recipe.weight_decay.to_string())),
        muon.map(|decay| ("Muon", format!("on conv2, fc1 and fc2, weight decay {decay}"))),
        (recipe.activation == Activation::Tanh).then_some(("Activation", tanh)),
        Some(("Initial weights", weights)),
        Some(("Pixels", pixels)),
        augmentation(recipe.augmentation, dataset).map(|text| ("Augmentation", text)),
    ];
    rows.into_iter().flatten().collect()
}

/// Describes the augmentation of images of `dataset`.
fn augmentation(augmentation: Augmentation, dataset: &DatasetInfo) -> Option<String> {
    let Augmentation { flip, shift, clean_epochs } = augmentation;
    let flip = flip && !dataset.flippable.is_empty();
    let (pixels, epochs) = (plural(shift.into(), "pixel"), plural(clean_epochs, "epoch"));
    let parts = [
        flip.then(|| format!("flipped in every second epoch{}", unflipped(dataset))),
        (shift > 0).then(|| format!("shifted by up to {pixels}")),
        (clean_epochs > 0).then(|| format!("none in the last {epochs}")),
    ];
    (flip || shift > 0).then(|| parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// Lists the classes that are never flipped, if there are any.
fn unflipped(dataset: &DatasetInfo) -> String {
    let classes = dataset.classes.iter().enumerate();
    let names = classes.filter(|(label, _)| !dataset.may_flip(*label as u8));
    let names: Vec<&str> = names.map(|(_, name)| &**name).collect();
    match names[..] {
        [] => String::new(),
        _ => format!(" (except {})", names.join(", ")),
    }
}

fn epochs(record: &RunRecord) -> String {
    let done = count(record.epochs.len());
    match reason_for_fewer_epochs(record) {
        None => done,
        Some(reason) => format!("{done} of {}: {reason}", count(record.settings.epochs)),
    }
}

/// Returns why a run has trained fewer epochs than its settings allow, or `None` if it has trained all.
pub fn reason_for_fewer_epochs(record: &RunRecord) -> Option<String> {
    let settings = &record.settings;
    if record.epochs.len() >= settings.epochs {
        return None;
    }
    // Records of earlier versions have no stop reason. A finished run has test results.
    let is_finished = record.stop_reason == Some(StopReason::Patience) || record.test.is_some();
    Some(match settings.patience.filter(|_| is_finished) {
        Some(patience) => {
            format!("the validation loss did not improve for {}", plural(patience, "epoch"))
        }
        None => "the run is not finished".to_owned(),
    })
}

/// Describes which weights the model has.
fn kept(record: &RunRecord) -> String {
    match (record.kept_epoch, record.settings.keep) {
        (None, _) => "an unfinished first epoch".to_owned(),
        (Some(epoch), Keep::Best) => {
            format!("epoch {epoch}, with the lowest validation loss")
        }
        (Some(epoch), Keep::Last) => format!("epoch {epoch}, the last one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{FASHION_MNIST, MNIST};

    #[test]
    fn recipe_table_omits_unused_parts() {
        let text = |of: Recipe, dataset| -> String {
            recipe(&of, dataset).iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
        };
        let classic = text(Recipe::classic(), &FASHION_MNIST);
        assert_eq!(
            classic,
            "Learning rate: 0.9\nSchedule: constant\nInitial weights: Glorot uniform\nPixels: unscaled, 0 to 255\n"
        );
        let tuned = text(Recipe::tuned(), &FASHION_MNIST);
        for expected in [
            "Schedule: linear warm-up for 5% of the steps, then linear decay\nMomentum: 0.9, Nesterov\n",
            "Weight decay: 0.001\nMuon: on conv2, fc1 and fc2, weight decay 0.07\n",
            "Initial weights: Glorot uniform, scaled by 3\n",
            "Augmentation: flipped in every second epoch (except Sandal, Sneaker, Ankle boot), shifted by up to 1 pixel, \
             none in the last 3 epochs\n",
        ] {
            assert!(tuned.contains(expected), "{expected:?} in {tuned:?}");
        }
        let digits = text(Recipe::tuned(), &MNIST);
        let expected = "Augmentation: shifted by up to 1 pixel, none in the last 3 epochs\n";
        assert!(digits.contains(expected), "{digits:?}");
    }
}
