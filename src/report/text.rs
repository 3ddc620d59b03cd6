//! Numbers as text.

/// A share in hundredths: 79.31%.
pub fn percent(share: f64) -> String {
    format!("{:.2}%", 100.0 * share)
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
        assert_eq!(percent(0.793_14), "79.31%");
        assert_eq!((duration(4.84), duration(200.4)), ("4.8 s".into(), "3 min 20 s".into()));
    }
}
