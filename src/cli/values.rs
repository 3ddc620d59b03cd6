//! Checks of single option values: what is refused here never reaches a command.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

/// A whole number from 1.
pub fn positive(text: &str) -> Result<usize, String> {
    within(text, 1, usize::MAX)
}

/// A number of images to stop at.
pub fn limit(text: &str) -> Result<NonZeroUsize, String> {
    positive(text)?
        .try_into()
        .map_err(|_| "a whole number from 1 is wanted".to_owned())
}

/// A number of epochs; more than 100,000 is a slip of the finger.
pub fn epochs(text: &str) -> Result<usize, String> {
    within(text, 1, 100_000)
}

/// A number of images in a batch; Fashion-MNIST has 60,000.
pub fn batch_size(text: &str) -> Result<usize, String> {
    within(text, 1, 60_000)
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

/// A learning rate.
pub fn learning_rate(text: &str) -> Result<f64, String> {
    match f64::from_str(text) {
        // Weights are f32: a rate that is zero or infinite there is none.
        Ok(rate) if rate > 0.0 && (rate as f32).is_finite() && rate as f32 >= f32::MIN_POSITIVE => {
            Ok(rate)
        }
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
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
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
        for text in [
            "",
            "http://",
            "example.org",
            "ftp://example.org",
            "http://a b",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
