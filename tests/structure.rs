//! The structure of `src`: which part may import which, and how long a file may be.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The parts of `src` from top to bottom, each with the parts that it may import. A part is a directory or a file in
/// `src` or in `src/cli`. The parts of `src/cli` may also import every part outside `src/cli`. A row names only rows below
/// it, so import cycles are impossible.
///
/// `error` is in the middle, because its error type wraps the errors of `data`, `format` and `io`, and `backend`, `eval`
/// and `train` return that type. `random`, `signal` and the constants of `lib` import nothing.
const PARTS: [(&str, &str); 25] = [
    ("main", ""),
    (
        "cli/commands",
        "cli/compare cli/report cli/ui cli/args cli/error cli/fetch cli/import cli/picture cli/restart cli/threads",
    ),
    ("cli/compare", "cli/report cli/ui"),
    ("cli/report", "cli/ui cli/args cli/picture"),
    ("cli/fetch", "cli/ui cli/error cli/threads"),
    ("cli/import", "cli/error cli/picture"),
    ("cli/ui", "cli/args cli/error"),
    ("cli/hints", "cli/args cli/error cli/picture"),
    ("cli/args", "cli/picture"),
    ("cli/error", "cli/picture"),
    ("cli/picture", ""),
    ("cli/restart", ""),
    ("cli/threads", ""),
    ("train", "eval backend error format optim model data io signal lib"),
    ("eval", "backend error model data signal"),
    ("backend", "error optim model data io"),
    ("error", "format data io"),
    ("format", "model io"),
    ("optim", "model"),
    ("model", "data random"),
    ("data", "io random signal"),
    ("io", ""),
    ("random", ""),
    ("signal", ""),
    ("lib", ""),
];

#[test]
fn imports_point_downwards() {
    for (index, (part, allowed)) in PARTS.iter().enumerate() {
        let is_below = |name| PARTS[index + 1..].iter().any(|(below, _)| *below == name);
        assert!(allowed.split_whitespace().all(is_below), "{part} may import a part above it");
    }
    let is_rust = |file: &Path| file.extension().is_some_and(|extension| extension == "rs");
    for (file, text) in sources().into_iter().filter(|(file, _)| is_rust(file)) {
        let part = part(&file);
        let row = PARTS.iter().find(|(name, _)| *name == part);
        let (_, allowed) = row.unwrap_or_else(|| panic!("{part} is not in the table"));
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for path in line.split("crate::").skip(1) {
                let imported = imported(path);
                let is_allowed = imported == part
                    || allowed.split_whitespace().any(|name| name == imported)
                    || part.starts_with("cli/") && !imported.starts_with("cli/");
                assert!(is_allowed, "{}: {part} may not import {imported}: {line}", file.display());
            }
        }
    }
}

#[test]
fn files_are_short() {
    for (file, text) in sources() {
        assert!(text.lines().count() <= 300, "{} has more than 300 lines", file.display());
    }
}

/// Only the module `cli` depends on the feature `cli`, so all code that needs the program's dependencies is in that module.
#[test]
fn cli_feature_is_named_once() {
    let count = |(_, text): (PathBuf, String)| text.matches("feature = \"cli\"").count();
    assert_eq!(sources().into_iter().map(count).sum::<usize>(), 1);
}

/// A pipe that replaces a file blocks whoever opens it. `io` opens files without blocking.
#[test]
fn only_io_opens_files() {
    let is_other = |(file, _): &(PathBuf, String)| !file.starts_with("io");
    for (file, text) in sources().into_iter().filter(is_other) {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for call in
            ["File::open", "File::options", "OpenOptions", "fs::read(", "fs::read_to_string"]
        {
            assert!(!code.contains(call), "{}: {call}", file.display());
        }
    }
}

/// A device reports an error only when the program waits for it. Therefore, each of the two functions that copy values from a
/// device waits first, and no other function copies values.
#[test]
fn device_reads_return_errors() {
    let mut reads = 0;
    for (file, text) in sources().into_iter().filter(|(file, _)| file.starts_with("backend")) {
        for (at, _) in ["read_async(", "read_one", "into_data(", "into_scalar("]
            .iter()
            .flat_map(|call| text.match_indices(call))
        {
            reads += 1;
            let before: Vec<_> = text[..at].lines().rev().take(3).collect();
            assert!(before.iter().any(|line| line.contains("sync(")), "{}", file.display());
        }
    }
    assert_eq!(reads, 2);
}

/// Returns the files below `src`, with paths relative to it.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut directories, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(sources.len() > 100, "{} files", sources.len());
    sources
}

/// Returns the part that a file belongs to.
fn part(file: &Path) -> String {
    let names = file.with_extension("");
    let names: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
    match names[..] {
        // `src/cli/mod.rs` only declares the parts of `src/cli`, so it counts as `lib`.
        ["cli", "mod"] => "lib".to_owned(),
        ["cli", part, ..] => format!("cli/{part}"),
        [part, ..] => part.to_owned(),
        [] => unreachable!("a file has a name"),
    }
}

/// Returns the part that `crate::` followed by `path` imports.
fn imported(path: &str) -> String {
    let mut names = path.split("::").map(|name| {
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        &name[..end]
    });
    match names.next().unwrap_or_default() {
        "" => panic!("one path per import, please: crate::{path}"),
        "cli" => format!("cli/{}", names.next().unwrap_or_default()),
        // An item with an upper-case name is a constant of `lib.rs`, not a module.
        name if name.starts_with(char::is_uppercase) => "lib".to_owned(),
        name => name.to_owned(),
    }
}
