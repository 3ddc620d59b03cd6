//! Parsers of option values.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use ureq::http::Uri;

use crate::cli::picture::Crop;
use crate::train::is_learning_rate;

/// Returns a parser of integers in this range.
pub fn integer<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (min, max) = (range.start(), range.end());
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("expected an integer from {min} to {max}"))
    }
}

/// Parses an integer of at least 1.
pub fn positive(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("expected an integer from 1 to {}", usize::MAX))
}

pub fn learning_rate(text: &str) -> Result<f64, String> {
    number(text, is_learning_rate, "expected a number from 1.2e-38 to 3.4e38")
}

/// Parses a part of a picture: left, top, width and height.
pub fn crop(text: &str) -> Result<Crop, String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let crop: Option<[u32; 4]> = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    let crop = crop.filter(|[.., width, height]| *width > 0 && *height > 0);
    crop.map(Crop).ok_or_else(|| {
        "expected four integers: left, top, width and height, for example 0,0,300,400".to_owned()
    })
}

/// Parses a fraction below 1.
pub fn fraction(text: &str) -> Result<f64, String> {
    let is_fraction = |number| (0.0..1.0).contains(&number);
    number(text, is_fraction, "expected a number that is at least 0 and less than 1")
}

pub fn accuracy(text: &str) -> Result<f64, String> {
    let is_accuracy = |number| (0.0..=1.0).contains(&number);
    number(text, is_accuracy, "expected a number from 0 to 1, for example 0.75")
}

/// Parses a time in seconds of at most an hour.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let is_time = |number| (0.001..=3600.0).contains(&number);
    number(text, is_time, "expected a number of seconds from 0.001 to 3600")
        .map(Duration::from_secs_f64)
}

/// Parses a time span of at least a second, for example `90s`, `55m` or `1h 30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let long_enough = |time: &Duration| *time >= Duration::from_secs(1);
    let expected =
        "expected a time of at least a second with its unit, for example 90s, 55m or 1h30m";
    humantime::parse_duration(text).ok().filter(long_enough).ok_or_else(|| expected.to_owned())
}

/// Parses `KEY=VALUE`.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, for example gain=2")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

fn number(text: &str, is_valid: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number| is_valid(*number)).ok_or_else(|| expected.to_owned())
}

/// Checks the URL of a directory on a server.
pub fn url(text: &str) -> Result<String, String> {
    let is_directory = |url: &Uri| {
        let scheme = url.scheme_str().is_some_and(|scheme| ["https", "http"].contains(&scheme));
        let host = url.host().unwrap_or_default();
        // The parser does not check the port.
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let port = authority.rsplit('@').next().unwrap_or_default().strip_prefix(host);
        let has_valid_port = port == Some("") || url.port_u16().is_some();
        scheme && !host.is_empty() && has_valid_port && url.query().is_none()
    };
    // The parser drops a fragment.
    match text.parse::<Uri>() {
        Ok(url) if is_directory(&url) && !text.contains('#') => Ok(text.to_owned()),
        _ => Err("expected the URL of a directory that starts with https:// or http://; in a user name or password, \
                  write / as %2F, ? as %3F, # as %23 and @ as %40"
            .to_owned()),
    }
}

/// Distinct seeds, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

/// Parses a comma-separated list of seeds and inclusive ranges, for example `1,2,7..9`.
pub fn seeds(text: &str) -> Result<Seeds, String> {
    const MAX_SEEDS: usize = 1000;
    let number = |text: &str| {
        let expected = "expected seeds or ranges of seeds, for example 1..10 or 1,2,7..9";
        text.trim().parse::<u64>().map_err(|_| expected.to_owned())
    };
    let mut seeds = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if last < first {
            return Err("expected an ascending range, for example 1..10".to_owned());
        }
        // A range may not fit in memory. One seed more than allowed is enough to cause the error below.
        seeds.extend((first..=last).take(MAX_SEEDS + 1));
    }
    if seeds.len() > MAX_SEEDS {
        return Err(format!("expected at most {MAX_SEEDS} seeds"));
    }
    let mut sorted = seeds.clone();
    sorted.sort_unstable();
    match sorted.array_windows().find(|[a, b]| a == b) {
        Some([seed, _]) => Err(format!("seed {seed} is given twice")),
        None => Ok(Seeds(seeds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_parser_rejects_out_of_range() {
        let batch_size = integer::<usize>(1..=60_000);
        assert_eq!(batch_size("60000"), Ok(60_000));
        for text in ["0", "-1", "1.5", "", "60001", "18446744073709551616", "x"] {
            assert!(batch_size(text).is_err(), "{text}");
        }
        assert!(integer::<u32>(0..=u64::MAX)("4294967296").is_err());
        assert!(positive("1").is_ok() && positive("0").is_err() && positive("-1").is_err());
    }

    #[test]
    fn seeds_accept_lists_and_ranges() {
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
    fn numbers_are_finite_and_in_range() {
        assert_eq!(learning_rate("0.9"), Ok(0.9));
        for text in ["0", "-1", "nan", "inf", "1e300", "1e-45", ""] {
            assert!(learning_rate(text).is_err(), "{text}");
        }
        assert_eq!((fraction("0"), fraction("0.5")), (Ok(0.0), Ok(0.5)));
        assert!(fraction("1").is_err() && fraction("-0.1").is_err() && fraction("nan").is_err());
        assert_eq!(accuracy("1"), Ok(1.0));
        assert!(accuracy("1.01").is_err() && accuracy("nan").is_err());
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "3601", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn crop_has_four_numbers() {
        assert_eq!(crop("0,10, 300,400"), Ok(Crop([0, 10, 300, 400])));
        for text in ["", "1,2,3", "1,2,3,4,5", "-1,0,3,4", "0,0,0,4", "0,0,4,0", "a,0,1,1"] {
            assert!(crop(text).is_err(), "{text}");
        }
    }

    #[test]
    fn urls_need_a_scheme() {
        assert!(url("https://example.org/a").is_ok() && url("http://127.0.0.1:8000").is_ok());
        assert!(url("http://me:p%2Fss@example.org").is_ok());
        assert!(url("http://[::1]:8000/a").is_ok() && url("http://[::1]").is_ok());
        for text in [
            "",
            "http://a:b",
            "http://a:99999/",
            "http://",
            "http:///a",
            "example.org",
            "ftp://example.org",
            "http://a b",
            "http://me:p/ss@example.org",
            "http://me:p?ss@example.org",
            "http://me:p#ss@example.org",
            "http://me:1?ss@example.org",
            "http://me:1#ss@example.org",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
