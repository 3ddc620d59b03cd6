//! Command-line values of [`Keep`] and [`Invert`], whose modules do not depend on clap.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::picture::Invert;
use crate::train::Keep;

impl ValueEnum for Keep {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Last, Self::Best]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Last => PossibleValue::new("last").help("The weights of the last epoch"),
            Self::Best => PossibleValue::new("best")
                .help("The weights of the epoch with the lowest validation loss"),
        })
    }
}

impl ValueEnum for Invert {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Yes, Self::No]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => {
                PossibleValue::new("auto").help("If the subject is darker than the background")
            }
            Self::Yes => PossibleValue::new("yes").help("Always"),
            Self::No => PossibleValue::new("no").help("Never"),
        })
    }
}
