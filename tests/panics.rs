//! A panic, which no input is known to cause, is told to the user like any error. Without libtest, which has a way
//! of its own with panics: started with a word, this program is the one that panics.

use std::env;
use std::process::{Command, ExitCode};

use lenet::ui::exit_status;

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some("panic") => exit_status(|| panic!("first line\nsecond line")),
        Some("panic-elsewhere") => exit_status(|| {
            rayon::join(|| (), || panic!("in another thread"));
            Ok(())
        }),
        _ => {
            check("panic", "first line second line");
            check("panic-elsewhere", "in another thread");
            ExitCode::SUCCESS
        }
    }
}

fn check(word: &str, message: &str) {
    let program = env::current_exe().expect("a running program has a path");
    let output = Command::new(program).arg(word).output();
    let output = output.expect("a program that runs can be started");
    assert_eq!(output.status.code(), Some(1), "{word}");
    assert!(output.stdout.is_empty(), "{word}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = stderr.lines().collect();
    let [error, hint] = lines[..] else {
        panic!("{word}: not two lines: {stderr}");
    };
    assert!(error.starts_with("error: internal error: "), "{error}");
    assert!(
        error.contains(message) && error.contains("panics.rs:"),
        "{error}"
    );
    assert!(
        hint.starts_with("hint: this is a bug in lenet; please report it"),
        "{hint}"
    );
    println!("{word}: told in two lines");
}
