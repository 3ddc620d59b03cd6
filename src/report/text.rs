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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let counts = [0, 999, 1000, 54_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "54,000", "1,234,567"]);
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
