//! Checks of single option values: what is refused here never reaches a command.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::train::is_learning_rate;

/// A whole number in this range.
pub fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("a whole number from {least} to {most} is wanted"))
    }
}

/// A number of images to stop at.
pub fn limit(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "a whole number from 1 is wanted".to_owned())
}

pub fn learning_rate(text: &str) -> Result<f64, String> {
    number(text, is_learning_rate, "a number above 0")
}

/// A share that leaves something over.
pub fn share(text: &str) -> Result<f64, String> {
    number(text, |share| (0.0..1.0).contains(&share), "a number from 0 to below 1")
}

pub fn accuracy(text: &str) -> Result<f64, String> {
    number(text, |share| (0.0..=1.0).contains(&share), "a number from 0 to 1, as in 0.75,")
}

/// A time to wait, up to an hour.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let is_wait = |seconds| (0.001..=3600.0).contains(&seconds);
    number(text, is_wait, "a number of seconds above 0, up to 3600,").map(Duration::from_secs_f64)
}

fn number(text: &str, is_right: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| is_right(*number));
    number.ok_or_else(|| format!("{wanted} is wanted"))
}

/// The address of a folder on a server.
pub fn url(text: &str) -> Result<String, String> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(is_odd) => Ok(text.to_owned()),
        _ => Err("an address that begins with https:// or http:// is wanted".to_owned()),
    }
}

/// Seeds, in the order typed, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

/// Numbers and ranges with both ends, between commas, as in `1,2,7..9`.
pub fn seeds(text: &str) -> Result<Seeds, String> {
    const MOST: usize = 1000;
    let number = |text: &str| {
        let wanted = "seeds and ranges of seeds are wanted, as in 1..10 or 1,2,7..9";
        text.trim().parse::<u64>().map_err(|_| wanted.to_owned())
    };
    let mut seeds = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if last < first {
            return Err(format!("{part} runs backwards"));
        }
        // One too many is enough to be refused; a range may be as long as memory.
        seeds.extend((first..=last).take(MOST + 1));
    }
    if seeds.len() > MOST {
        return Err(format!("at most {MOST} seeds are possible"));
    }
    let mut sorted = seeds.clone();
    sorted.sort_unstable();
    match sorted.array_windows().find(|[a, b]| a == b) {
        Some([twice, _]) => Err(format!("{twice} is there twice")),
        None => Ok(Seeds(seeds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_bounded() {
        let batch_size = whole::<usize>(1..=60_000);
        assert_eq!(batch_size("60000"), Ok(60_000));
        for text in ["0", "-1", "1.5", "", "60001", "18446744073709551616", "x"] {
            assert!(batch_size(text).is_err(), "{text}");
        }
        assert!(whole::<u32>(0..=u64::MAX)("4294967296").is_err());
        assert!(limit("1").is_ok() && limit("0").is_err() && limit("-1").is_err());
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
    fn rates_shares_and_times_are_finite_and_in_range() {
        assert_eq!(learning_rate("0.9"), Ok(0.9));
        for text in ["0", "-1", "nan", "inf", "1e300", "1e-45", ""] {
            assert!(learning_rate(text).is_err(), "{text}");
        }
        assert_eq!((share("0"), share("0.5")), (Ok(0.0), Ok(0.5)));
        assert!(share("1").is_err() && share("-0.1").is_err() && share("nan").is_err());
        assert_eq!(accuracy("1"), Ok(1.0));
        assert!(accuracy("1.01").is_err() && accuracy("nan").is_err());
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "3601", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_have_a_scheme() {
        assert!(url("https://example.org/a").is_ok() && url("http://127.0.0.1:8000").is_ok());
        for text in ["", "http://", "example.org", "ftp://example.org", "http://a b"] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
