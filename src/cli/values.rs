//! Checks of single option values: what is refused here never reaches a command.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use crate::train::{MAX_BATCH_SIZE, MAX_EPOCHS, is_learning_rate};

/// A whole number from 1.
pub fn positive(text: &str) -> Result<usize, String> {
    within(text, 1, usize::MAX)
}

/// A number of images to stop at.
pub fn limit(text: &str) -> Result<NonZeroUsize, String> {
    positive(text)?.try_into().map_err(|_| "a whole number from 1 is wanted".to_owned())
}

/// A number of epochs.
pub fn epochs(text: &str) -> Result<usize, String> {
    within(text, 1, MAX_EPOCHS)
}

/// A number of images in a batch.
pub fn batch_size(text: &str) -> Result<usize, String> {
    within(text, 1, MAX_BATCH_SIZE)
}

/// A number of classes to name.
pub fn top(text: &str) -> Result<usize, String> {
    within(text, 1, 10)
}

/// A number of threads.
pub fn threads(text: &str) -> Result<usize, String> {
    within(text, 1, 1024)
}

fn within(text: &str, least: usize, most: usize) -> Result<usize, String> {
    match usize::from_str(text) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Ok(_) | Err(_) if most == usize::MAX => {
            Err(format!("a whole number from {least} is wanted"))
        }
        Ok(_) | Err(_) => Err(format!("a whole number from {least} to {most} is wanted")),
    }
}

pub fn seed(text: &str) -> Result<u64, String> {
    u64::from_str(text).map_err(|_| format!("a whole number from 0 to {} is wanted", u64::MAX))
}

pub fn learning_rate(text: &str) -> Result<f64, String> {
    match f64::from_str(text) {
        Ok(rate) if is_learning_rate(rate) => Ok(rate),
        _ => Err("a number above 0 is wanted".to_owned()),
    }
}

/// A share from 0 up to, but not, 1.
pub fn share(text: &str) -> Result<f64, String> {
    match f64::from_str(text) {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to below 1 is wanted".to_owned()),
    }
}

/// An accuracy from 0 to 1.
pub fn accuracy(text: &str) -> Result<f64, String> {
    match f64::from_str(text) {
        Ok(accuracy) if (0.0..=1.0).contains(&accuracy) => Ok(accuracy),
        _ => Err("a number from 0 to 1 is wanted, as in 0.75".to_owned()),
    }
}

/// A time to wait in seconds, up to an hour.
pub fn seconds(text: &str) -> Result<Duration, String> {
    match f64::from_str(text) {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds above 0, up to 3600, is wanted".to_owned()),
    }
}

/// A number of further tries; it may be none.
pub fn retries(text: &str) -> Result<u32, String> {
    within(text, 0, 100).map(|number| number as u32)
}

/// The address of a folder on a server.
pub fn url(text: &str) -> Result<String, String> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(rest)
            if !rest.is_empty()
                && !rest.contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("an address that begins with https:// or http:// is wanted".to_owned()),
    }
}

/// Seeds, in the order typed, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

/// Numbers and ranges with both ends, between commas, as in `1,2,7..9`.
pub fn seeds(text: &str) -> Result<Seeds, String> {
    const MOST: u64 = 1000;
    let wanted = || "seeds and ranges of seeds are wanted, as in 1..10 or 1,2,7..9".to_owned();
    let number = |text: &str| u64::from_str(text.trim()).map_err(|_| wanted());
    let mut seeds = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        match last.checked_sub(first) {
            None => return Err(format!("{part} runs backwards")),
            Some(more) if more >= MOST => return Err(format!("at most {MOST} seeds are possible")),
            Some(_) => seeds.extend(first..=last),
        }
    }
    let mut sorted = seeds.clone();
    sorted.sort_unstable();
    match sorted.array_windows().find(|[a, b]| a == b) {
        Some([twice, _]) => Err(format!("{twice} is there twice")),
        None if seeds.len() as u64 > MOST => Err(format!("at most {MOST} seeds are possible")),
        None => Ok(Seeds(seeds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_bounded() {
        assert_eq!(epochs("5"), Ok(5));
        assert_eq!(batch_size("60000"), Ok(60_000));
        for text in ["0", "-1", "1.5", "", "18446744073709551616", "x"] {
            assert!(
                positive(text).is_err() && epochs(text).is_err() && threads(text).is_err(),
                "{text}"
            );
        }
        assert!(
            batch_size("60001").is_err()
                && threads("10000").is_err()
                && epochs("1000000000").is_err()
        );
    }

    #[test]
    fn seeds_are_listed_or_run_from_first_to_last() {
        assert_eq!(seeds("1..4"), Ok(Seeds(vec![1, 2, 3, 4])));
        assert_eq!(seeds("9,1..2, 5"), Ok(Seeds(vec![9, 1, 2, 5])));
        let end = u64::MAX;
        assert_eq!(seeds(&format!("{end}..{end}")), Ok(Seeds(vec![end])));
        for text in ["", "1..", "..2", "4..1", "1,1", "1..5,3", "1,,2", "a", "-1", "0..1000"] {
            assert!(seeds(text).is_err(), "{text}");
        }
        assert!(seeds("0..18446744073709551615").is_err());
    }

    #[test]
    fn rates_and_shares_are_finite_and_in_range() {
        assert_eq!(learning_rate("0.9"), Ok(0.9));
        for text in ["0", "-1", "nan", "inf", "1e300", "1e-45", ""] {
            assert!(learning_rate(text).is_err(), "{text}");
        }
        assert_eq!((share("0"), share("0.5")), (Ok(0.0), Ok(0.5)));
        assert!(share("1").is_err() && share("-0.1").is_err() && share("nan").is_err());
        assert_eq!(accuracy("1"), Ok(1.0));
        assert!(accuracy("1.01").is_err() && accuracy("nan").is_err());
    }

    #[test]
    fn waiting_has_an_end_and_addresses_a_scheme() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "3601", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!((retries("0"), retries("100")), (Ok(0), Ok(100)));
        assert!(retries("101").is_err() && retries("-1").is_err());
        assert!(url("https://example.org/a").is_ok() && url("http://127.0.0.1:8000").is_ok());
        for text in ["", "http://", "example.org", "ftp://example.org", "http://a b"] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
