//! The two tests of a comparison, and mean and deviation.

use serde::Serialize;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

/// Number of values, their mean, and their sample standard deviation (n - 1; none for a single value).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    pub n: usize,
    pub mean: f64,
    pub sd: Option<f64>,
}

impl Summary {
    /// Of `values`; none if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (n > 0).then(|| Self { n, mean, sd: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()) })
    }
}

/// Welch's t-test: whether two groups with variances of their own have the same mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// Of the means, a - b.
    pub difference: f64,
    /// The difference in units of its standard error.
    pub t: f64,
    /// Degrees of freedom (Welch and Satterthwaite).
    pub df: f64,
    /// Two-sided probability of a t this far from zero, if the means are the same.
    pub p: f64,
}

/// The test of `a` against `b`; none for a group of one, or where nothing varies.
pub fn welch(a: &Summary, b: &Summary) -> Option<Welch> {
    let share = |group: &Summary| Some(group.sd?.powi(2) / group.n as f64);
    let (va, vb) = (share(a)?, share(b)?);
    let difference = a.mean - b.mean;
    let t = difference / (va + vb).sqrt();
    let freedom = |v: f64, group: &Summary| v.powi(2) / (group.n - 1) as f64;
    let df = (va + vb).powi(2) / (freedom(va, a) + freedom(vb, b));
    let p = 2.0 * StudentsT::new(0.0, 1.0, df).ok()?.sf(t.abs());
    t.is_finite().then_some(Welch { difference, t, df, p })
}

/// McNemar's exact test: the two-sided probability of a split this uneven of the images that only one of two models
/// gets right, if both are as good. 1 where there are none.
pub fn mcnemar(only_a: usize, only_b: usize) -> f64 {
    let n = (only_a + only_b) as u64;
    let tail = Binomial::new(0.5, n).map(|split| split.cdf(only_a.min(only_b) as u64));
    match (n, tail) {
        (1.., Ok(tail)) => (2.0 * tail).min(1.0),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// By `tests/goldens/make_statistics.py`.
    const SCIPY: &str = include_str!("../../../tests/goldens/statistics.json");

    fn close(found: f64, expected: &Value) {
        let expected = expected.as_f64().unwrap();
        let far = (found - expected).abs() / expected.abs().max(1e-300);
        assert!(far < 1e-9, "{found} for {expected}");
    }

    #[test]
    fn the_tests_say_what_scipy_says() {
        let goldens: Value = serde_json::from_str(SCIPY).unwrap();
        let values = |list: &Value| -> Vec<f64> {
            let list = list.as_array().unwrap().iter();
            list.map(|value| value.as_f64().unwrap()).collect()
        };
        for case in goldens["welch"].as_array().unwrap() {
            let [a, b] = ["a", "b"].map(|name| Summary::of(&values(&case[name])).unwrap());
            let found = welch(&a, &b).unwrap();
            close(found.t, &case["t"]);
            close(found.df, &case["df"]);
            close(found.p, &case["p"]);
        }
        for case in goldens["mcnemar"].as_array().unwrap() {
            let [a, b] = ["a", "b"].map(|name| case[name].as_u64().unwrap() as usize);
            close(mcnemar(a, b), &case["p"]);
        }
    }

    #[test]
    fn a_single_value_and_equal_values_have_no_test() {
        let summary = |values: &[f64]| Summary::of(values).unwrap();
        let one = summary(&[0.8]);
        assert_eq!(one.sd, None);
        assert_eq!(welch(&one, &summary(&[0.7, 0.8])), None);
        assert_eq!(welch(&summary(&[0.5, 0.5]), &summary(&[0.5, 0.5])), None);
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(mcnemar(0, 0), 1.0);
    }
}
