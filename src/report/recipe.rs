//! A recipe in words.

use crate::data::{Augmentation, Scaling};
use crate::descent::Schedule;
use crate::model::Activation;
use crate::train::Recipe;

use super::text::plural;

/// What the recipe does, as parts of a sentence; what it leaves out is not told.
pub fn parts(recipe: &Recipe) -> Vec<String> {
    let mut parts = vec![format!(
        "gradient descent with learning rate {}{}",
        recipe.learning_rate,
        schedule(recipe.schedule)
    )];
    let mut tell = |is_done: bool, what: String| {
        if is_done {
            parts.push(what);
        }
    };
    let nesterov = if recipe.nesterov { "Nesterov " } else { "" };
    tell(
        recipe.momentum > 0.0,
        format!("{nesterov}momentum {}", recipe.momentum),
    );
    tell(
        recipe.weight_decay > 0.0,
        format!("weight decay {}", recipe.weight_decay),
    );
    tell(
        recipe.activation == Activation::Tanh,
        "trained with tanh, saved with sigmoids".to_owned(),
    );
    tell(
        recipe.gain != 1.0,
        format!("initial weights up to {} times Glorot's limit", recipe.gain),
    );
    tell(
        recipe.scaling != Scaling::Raw,
        "standardised pixels".to_owned(),
    );
    let Augmentation {
        flip,
        shift,
        clean_epochs,
    } = recipe.augmentation;
    let but = match clean_epochs {
        0 => String::new(),
        clean => format!(" except in the last {}", plural(clean, "epoch")),
    };
    tell(flip, format!("half of the images mirrored{but}"));
    tell(
        shift > 0,
        format!(
            "images moved by up to {}{but}",
            plural(usize::from(shift), "pixel")
        ),
    );
    parts
}

fn schedule(schedule: Schedule) -> String {
    match schedule {
        Schedule::Constant => String::new(),
        Schedule::Linear { warm_up } => format!(
            " (rising for {}% of the steps, then falling evenly)",
            100.0 * warm_up
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_tells_what_it_does_and_nothing_else() {
        let classic = parts(&Recipe::classic());
        assert_eq!(classic, ["gradient descent with learning rate 0.9"]);
        let tuned = parts(&Recipe::tuned());
        let expected = [
            "gradient descent with learning rate 0.025 (rising for 5% of the steps, then falling evenly)",
            "Nesterov momentum 0.9",
            "weight decay 0.001",
            "trained with tanh, saved with sigmoids",
            "initial weights up to 3 times Glorot's limit",
            "standardised pixels",
            "images moved by up to 1 pixel except in the last 3 epochs",
        ];
        assert_eq!(tuned, expected);
    }
}
