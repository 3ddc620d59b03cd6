//! Checks that every test named in `tests/faults.md` exists, and that a panic is reported like any other error.
//!
//! This test program does not use libtest, because libtest installs its own panic hook. To test a panic, the program starts
//! itself with an argument that makes it panic.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use lenet::cli::ui::exit_status;

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some("panic") => exit_status(|| panic!("first line\nsecond line")),
        Some("panic-in-thread") => exit_status(|| {
            rayon::join(|| (), || panic!("in another thread"));
            Ok(())
        }),
        _ => {
            check_panic("panic", "first line second line");
            check_panic("panic-in-thread", "in another thread");
            check_table();
            ExitCode::SUCCESS
        }
    }
}

/// Starts this program with `arg` and asserts that it reports the panic in two lines and exits with status 1.
fn check_panic(arg: &str, message: &str) {
    let program = env::current_exe().expect("the program has a path");
    let output = Command::new(program).arg(arg).output();
    let output = output.expect("the program starts");
    assert_eq!(output.status.code(), Some(1), "{arg}");
    assert!(output.stdout.is_empty(), "{arg}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = stderr.lines().collect();
    let [error, hint] = lines[..] else {
        panic!("{arg}: not two lines: {stderr}");
    };
    assert!(error.starts_with("error: internal error: "), "{error}");
    assert!(error.contains(message) && error.contains("faults.rs:"), "{error}");
    assert!(hint.starts_with("hint: this is a bug in lenet; please report it"), "{hint}");
    println!("{arg}: reported in two lines");
}

/// Asserts that every row of `tests/faults.md` names a test as `file::name` in backquotes, and that all named tests exist.
fn check_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| {
        fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    let table = read("tests/faults.md");
    let quoted = table.split('`').skip(1).step_by(2);
    let named: Vec<_> = quoted.filter_map(|text| text.split_once("::")).collect();
    assert!(named.len() > 80, "{}", named.len());
    for (file, name) in &named {
        let exists = read(file).contains(&format!("fn {name}("));
        assert!(exists, "{file} has no test {name}");
    }
    let rows = table.lines().filter(|line| line.starts_with("| "));
    for row in rows.filter(|row| !row.starts_with("| provoked")) {
        let proof = row.trim_end_matches('|').rsplit('|').next();
        assert!(proof.is_some_and(|proof| proof.contains("::")), "{row}");
    }
    println!("the table names {} tests", named.len());
}
