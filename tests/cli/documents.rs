//! README and docs are correct: their commands, run in order in a new directory, print the output that they quote.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::TestDir;
use super::hints::run_shell;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Commands that are not run, because they build the program, take long, or need other programs or a GPU.
const SKIPPED: [&str; 4] = ["cargo install", "cargo test", "jq ", "benches/"];

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// Returns the fenced blocks of a page, each with its language.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.split_once('\n')).collect()
}

/// Masks the times in `text`. On machines without AVX2, masks all digits, because other instruction sets round differently.
fn mask(text: &str) -> String {
    let mask_word = |word: &str| {
        let is_time = ["us/sample", "ms/sample", "ms", "us", "s"].iter().any(|unit| {
            let number = word.strip_suffix(unit);
            number.is_some_and(|number| number.parse::<f64>().is_ok())
        });
        match is_time {
            true => "TIME".to_owned(),
            false if has_avx2() => word.to_owned(),
            false => word.replace(|c: char| c.is_ascii_digit(), "#"),
        }
    };
    let mask_line = |line: &str| line.split(' ').map(mask_word).collect::<Vec<_>>().join(" ");
    text.trim_end().lines().map(mask_line).collect::<Vec<_>>().join("\n")
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Runs the commands of a page. Compares each `text` block with the output of the last command of the block before it.
/// Adds `limit` to each `lenet train` without `--limit`. Returns the numbers of commands and comparisons.
fn run_page(name: &str, limit: &str) -> (usize, usize) {
    let dir = TestDir::empty();
    if name == "docs/your-own-images.md" {
        dir.draw_shapes("drawings", 40);
        dir.draw_shapes("others", 3);
        fs::copy(dir.path("others/circle/1.png"), dir.path("new.png")).unwrap();
    }
    for name in ["data", "tests"] {
        symlink(Path::new(ROOT).join(name), dir.path(name)).unwrap();
    }
    let (mut commands, mut compared) = (0, 0);
    let mut printed: Option<String> = None;
    for (language, text) in blocks(&page(name)).iter() {
        if *language == "text" {
            if let Some(printed) = printed.take() {
                assert_eq!(mask(text), mask(&printed), "{name}");
                compared += 1;
            }
            continue;
        }
        if *language != "sh" {
            continue;
        }
        printed = None;
        for line in text.lines() {
            let (line, _) = line.split_once(" #").unwrap_or((line, ""));
            if SKIPPED.iter().any(|start| line.starts_with(start)) {
                continue;
            }
            let command = line.replace("cargo run --release --", "lenet");
            assert!(command.starts_with("lenet "), "{name}: {line}");
            let more = match command.starts_with("lenet train") && !command.contains("--limit") {
                true => limit,
                false => "",
            };
            let output = run_shell(&dir, &format!("{} {more}", command.trim_end()));
            assert_eq!(output.code(), 0, "{name}: {line}: {}", output.stderr());
            commands += 1;
            printed = Some(output.stdout().to_owned());
        }
    }
    (commands, compared)
}

#[test]
fn readme_commands_print_quoted_output() {
    let (commands, compared) = run_page("README.md", "");
    assert!(commands >= 6 && compared == 1, "{commands}, {compared}");
}

#[test]
fn docs_commands_print_quoted_output() {
    for (name, least) in [
        ("docs/training.md", (9, 1)),
        ("docs/models-elsewhere.md", (4, 0)),
        ("docs/benchmarks.md", (0, 0)),
        ("docs/differences-from-the-book.md", (0, 0)),
        ("docs/gpu.md", (0, 0)),
        ("docs/how-it-is-made.md", (0, 0)),
        ("docs/lesson.md", (3, 0)),
        ("docs/stability.md", (0, 0)),
        ("docs/tuned.md", (0, 0)),
        ("docs/your-own-images.md", (9, 1)),
    ] {
        let (commands, compared) = run_page(name, "--limit 640");
        assert!(commands >= least.0 && compared >= least.1, "{name}: {commands}, {compared}");
    }
}

#[test]
fn readme_snippet_matches_example() {
    let readme = page("README.md");
    // The README stays short.
    assert!(readme.split_whitespace().count() <= 1000);
    let all = blocks(&readme);
    let (_, snippet) = all.iter().find(|(language, _)| *language == "rust").unwrap();
    let example = page("examples/predict.rs");
    let unindented = example.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    let snippet = snippet.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    assert!(unindented.contains(&snippet), "{snippet}");
}

#[test]
fn links_and_quoted_tests_exist() {
    for name in [
        "README.md",
        "docs/training.md",
        "docs/models-elsewhere.md",
        "docs/benchmarks.md",
        "docs/differences-from-the-book.md",
        "docs/how-it-is-made.md",
        "docs/gpu.md",
        "docs/lesson.md",
        "docs/many-runs.md",
        "docs/stability.md",
        "docs/tuned.md",
        "docs/your-own-images.md",
        ".github/CONTRIBUTING.md",
        ".github/SECURITY.md",
        "CHANGELOG.md",
        "data/README.md",
    ] {
        let page = page(name);
        let path_of_page = Path::new(ROOT).join(name);
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            let exists = path.starts_with("https://") || path_of_page.with_file_name(path).exists();
            assert!(exists, "{name}: {link}");
        }
        for (file, test) in page.split('`').filter_map(|text| text.split_once("::")) {
            if file.starts_with("tests/") {
                let source = fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
                assert!(source.contains(&format!("fn {test}(")), "{name}: {file}::{test}");
            }
        }
    }
    // `tests/faults.rs` checks the tests in that table.
    assert!(page("README.md").contains("](tests/faults.md)"));
}
