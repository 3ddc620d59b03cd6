//! The table of faults survived names tests that exist.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// Each `file::name` in backquotes.
fn named_tests(table: &str) -> Vec<(&str, &str)> {
    let quoted = table.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).collect()
}

#[test]
fn every_row_has_a_test_that_exists_or_a_reason_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("tests/faults.md")).unwrap();
    let named = named_tests(&table);
    assert!(named.len() > 80, "{}", named.len());
    for (file, name) in &named {
        let source =
            fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let is_there = source.contains(&format!("fn {name}("));
        assert!(is_there, "{file} has no test {name}");
    }
    let rows = table.lines().filter(|line| line.starts_with("| "));
    for row in rows.filter(|row| !row.starts_with("| provoked")) {
        let proof = row.trim_end_matches('|').rsplit('|').next().unwrap();
        assert!(proof.contains("::") || proof.contains("none"), "{row}");
    }
}
