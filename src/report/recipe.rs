//! A recipe as the rows of a table. All that the report knows of a recipe's parts is here.

use crate::data::{Augmentation, Scaling};
use crate::descent::Schedule;
use crate::model::Activation;
use crate::train::{Recipe, Settings};

use crate::io::text::plural;

/// What the recipe does, each part with its name; what it leaves out is not told.
pub fn rows(recipe: &Recipe) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("Learning rate", recipe.learning_rate.to_string()),
        ("Schedule", schedule(recipe.schedule)),
    ];
    let mut tell = |is_done: bool, name: &'static str, what: String| {
        if is_done {
            rows.push((name, what));
        }
    };
    let nesterov = if recipe.nesterov { ", Nesterov's" } else { "" };
    tell(recipe.momentum > 0.0, "Momentum", format!("{}{nesterov}", recipe.momentum));
    tell(recipe.weight_decay > 0.0, "Weight decay", recipe.weight_decay.to_string());
    if let Some(muon) = recipe.muon {
        let decay = muon.weight_decay;
        let what = format!("on conv2, fc1 and fc2, weight decay {decay}");
        tell(true, "Muon", what);
    }
    tell(
        recipe.activation == Activation::Tanh,
        "Activation",
        "tanh in training, turned into the sigmoids that the model has".to_owned(),
    );
    tell(
        true,
        "Initial weights",
        match recipe.gain {
            1.0 => "Glorot uniform".to_owned(),
            gain => format!("Glorot uniform, {gain} times as wide"),
        },
    );
    tell(
        true,
        "Pixels",
        match recipe.scaling {
            Scaling::Raw => "as they are, 0 to 255".to_owned(),
            Scaling::Standardise { mean, deviation } => {
                format!("standardised: less {mean}, divided by {deviation}")
            }
        },
    );
    let Augmentation { flip, shift, clean_epochs } = recipe.augmentation;
    let but = match clean_epochs {
        0 => String::new(),
        clean => format!(", but not in the last {}", plural(clean, "epoch")),
    };
    let moved = format!("moved by up to {}", plural(usize::from(shift), "pixel"));
    let changes: Vec<&str> =
        [(flip, "all but shoes mirrored in every second epoch"), (shift > 0, &moved)]
            .into_iter()
            .filter_map(|(is_done, what)| is_done.then_some(what))
            .collect();
    tell(!changes.is_empty(), "Images", format!("{}{but}", changes.join(", ")));
    rows
}

fn schedule(schedule: Schedule) -> String {
    match schedule {
        Schedule::Constant => "constant".to_owned(),
        Schedule::Linear { warm_up } => {
            format!("rises for {}% of the steps, then falls evenly", 100.0 * warm_up)
        }
    }
}

/// The learning rate in the middle of epoch `epoch`, counted from 1.
pub fn learning_rate(settings: &Settings, epoch: usize) -> f64 {
    let recipe = &settings.recipe;
    recipe.learning_rate * recipe.schedule.factor(epoch - 1, settings.epochs)
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
        assert_eq!(rows(&Recipe::classic()), classic);
        let tuned = rows(&Recipe::tuned());
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
