//! How the model came about, as a table: recipe, settings, data, machine, versions.

use maud::{Markup, html};

use crate::cli::ui::format::{count, plural};
use crate::data::{Augmentation, Scaling};
use crate::model::Activation;
use crate::optim::Schedule;
use crate::train::{Keep, Recipe, RunRecord, StopReason};

use super::html::{cells, duration, scroll, section};

pub fn training(record: &RunRecord) -> Markup {
    let body = html! {
        table .facts { tbody {
            @for (name, value) in rows(record) { tr { (cells(&[name.to_owned(), value])) } }
            tr { th scope="row" { "Data files, SHA-256" } td {
                @for (name, digest) in &record.data {
                    span .digest { (name) " " code { (digest) } }
                }
            } }
        } }
    };
    section("training", "Training", scroll("Settings of the training", body))
}

/// Name and value of everything that is known of a training.
pub fn rows(record: &RunRecord) -> Vec<(&'static str, String)> {
    let settings = &record.settings;
    let validation = match (record.validation_samples, settings.stratified) {
        (0, _) => "none".to_owned(),
        (number, true) => format!("{}, of all classes in proportion", count(number)),
        (number, false) => format!("{}, the last ones", count(number)),
    };
    let limit = settings.limit.map(|limit| plural(limit, "image"));
    let mut rows = vec![("Recipe", settings.recipe.name.clone())];
    rows.extend(recipe(&settings.recipe));
    let run = [
        Some(("Batch size", count(settings.batch_size))),
        Some(("Seed", settings.seed.to_string())),
        Some(("Epochs", epochs(record))),
        Some(("Kept", kept(record))),
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

/// What the recipe does, each part with its name; what it leaves out has no row.
fn recipe(recipe: &Recipe) -> Vec<(&'static str, String)> {
    let schedule = match recipe.schedule {
        Schedule::Constant => "constant".to_owned(),
        Schedule::Linear { warm_up } => {
            format!("rises for {}% of the steps, then falls evenly", 100.0 * warm_up)
        }
    };
    let nesterov = if recipe.nesterov { ", Nesterov's" } else { "" };
    let momentum = format!("{}{nesterov}", recipe.momentum);
    let muon = recipe.muon.map(|muon| muon.weight_decay);
    let tanh = "tanh in training, turned into the sigmoids that the model has".to_owned();
    let weights = match recipe.gain {
        1.0 => "Glorot uniform".to_owned(),
        gain => format!("Glorot uniform, {gain} times as wide"),
    };
    let pixels = match recipe.scaling {
        Scaling::Raw => "as they are, 0 to 255".to_owned(),
        Scaling::Standardise { mean, deviation } => {
            format!("standardised: less {mean}, divided by {deviation}")
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
        images(recipe.augmentation).map(|changes| ("Images", changes)),
    ];
    rows.into_iter().flatten().collect()
}

fn images(Augmentation { flip, shift, clean_epochs }: Augmentation) -> Option<String> {
    let (pixels, epochs) = (plural(shift.into(), "pixel"), plural(clean_epochs, "epoch"));
    let parts = [
        flip.then(|| "all but shoes mirrored in every second epoch".to_owned()),
        (shift > 0).then(|| format!("moved by up to {pixels}")),
        (clean_epochs > 0).then(|| format!("but not in the last {epochs}")),
    ];
    (flip || shift > 0).then(|| parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn epochs(record: &RunRecord) -> String {
    let done = count(record.epochs.len());
    match why_no_more(record) {
        None => done,
        Some(why) => format!("{done} of {}: {why}", count(record.settings.epochs)),
    }
}

/// Why a training has not done all its epochs; none if it has.
pub fn why_no_more(record: &RunRecord) -> Option<String> {
    let settings = &record.settings;
    if record.epochs.len() >= settings.epochs {
        return None;
    }
    // Records of earlier versions do not say why a training ended, only that it did.
    let is_over = record.stop_reason == Some(StopReason::Patience) || record.test.is_some();
    Some(match settings.patience.filter(|_| is_over) {
        Some(patience) => {
            format!("the validation loss had not fallen for {}", plural(patience, "epoch"))
        }
        None => "training is not finished".to_owned(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_tells_what_it_does_and_nothing_else() {
        let row = |name, what: &str| (name, what.to_owned());
        let classic = [
            row("Learning rate", "0.9"),
            row("Schedule", "constant"),
            row("Initial weights", "Glorot uniform"),
            row("Pixels", "as they are, 0 to 255"),
        ];
        assert_eq!(recipe(&Recipe::classic()), classic);
        let tuned = recipe(&Recipe::tuned());
        for expected in [
            row("Schedule", "rises for 5% of the steps, then falls evenly"),
            row("Momentum", "0.9, Nesterov's"),
            row("Weight decay", "0.001"),
            row("Initial weights", "Glorot uniform, 3 times as wide"),
            row("Muon", "on conv2, fc1 and fc2, weight decay 0.07"),
            row(
                "Images",
                "all but shoes mirrored in every second epoch, moved by up to 1 pixel, but not in the last 3 epochs",
            ),
        ] {
            assert!(tuned.contains(&expected), "{expected:?} in {tuned:?}");
        }
    }
}
