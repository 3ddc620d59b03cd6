//! Passes the inputs in `tests/fuzz/seeds` to the fuzzed functions, without a fuzzer.

#![allow(clippy::unwrap_used)]

mod targets;

use std::fs;
use std::path::Path;

use targets::TARGETS;

/// Returns the sorted names of the entries in a directory of `tests/fuzz`, without the extension `.rs`.
fn names(directory: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(directory);
    let entries = fs::read_dir(path).unwrap();
    let name = |name: String| name.trim_end_matches(".rs").to_owned();
    let mut names: Vec<_> =
        entries.map(|entry| name(entry.unwrap().file_name().into_string().unwrap())).collect();
    names.sort();
    names
}

#[test]
fn every_target_has_program_and_seeds() {
    let targets: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("seeds"), targets);
}

#[test]
fn seeds_never_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    for (target, _) in TARGETS {
        let inputs = names(&format!("seeds/{target}"));
        assert!(!inputs.is_empty(), "{target} has no seeds");
        for input in inputs {
            println!("{target}/{input}");
            targets::run(target, &fs::read(root.join(target).join(input)).unwrap());
        }
    }
}
