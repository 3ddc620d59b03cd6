//! Numbers as text.

/// With a comma between thousands: 54,000.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in hundredths: 79.31%.
pub fn percent(share: f64) -> String {
    format!("{:.2}%", 100.0 * share)
}

/// A number of things: 1 epoch, 2 epochs.
pub fn plural(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", count(number))
}

/// A time: 4.8 s, 3 min 20 s.
pub fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round() as u64;
    format!("{} min {} s", seconds / 60, seconds % 60)
}

/// A probability that a test found, to two digits: 0.34, 0.00049, 5.3e-70.
#[must_use]
pub fn probability(p: f64) -> String {
    match p {
        p if p >= 0.1 => format!("{p:.2}"),
        p if p >= 1e-4 => {
            let digits = (1.0 - p.log10().floor()) as usize;
            format!("{p:.digits$}")
        }
        p => format!("{p:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let counts = [0, 999, 1000, 54_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "54,000", "1,234,567"]);
        let texts = [1.0, 0.344, 0.0844, 0.000_488, 5.34e-70, 0.0].map(probability);
        assert_eq!(
            texts,
            ["1.00", "0.34", "0.084", "0.00049", "5.3e-70", "0.0e0"]
        );
        assert_eq!(percent(0.793_14), "79.31%");
        assert_eq!(
            (plural(1, "epoch"), plural(2, "epoch")),
            ("1 epoch".into(), "2 epochs".into())
        );
        assert_eq!(
            (duration(4.84), duration(200.4)),
            ("4.8 s".into(), "3 min 20 s".into())
        );
    }
}
