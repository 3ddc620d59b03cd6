//! Suggested commands: the command line of this process with a few options changed.

use std::ffi::{OsStr, OsString};

use crate::io::text::is_interpreted;

/// Returns the command line of this process, quoted for a shell, with some changes.
///
/// Removes `--force`, `--resume` and the option `replaced` with its value, and appends `appended`.
pub fn rerun_command(replaced: Option<&str>, appended: &[&OsStr]) -> String {
    change(std::env::args_os().skip(1), replaced, appended)
}

fn change(
    args: impl IntoIterator<Item = OsString>,
    replaced: Option<&str>,
    appended: &[&OsStr],
) -> String {
    // The option and its value may be one argument, as in `--seeds=1..3`.
    let joined = replaced.map(|option| format!("{option}=").into_bytes());
    let is_joined = |arg: &OsString| {
        joined.as_ref().is_some_and(|joined| arg.as_encoded_bytes().starts_with(joined))
    };
    let mut args = args.into_iter();
    let mut kept = vec![OsString::from("lenet")];
    while let Some(arg) = args.next() {
        if replaced.is_some_and(|option| arg == option) {
            // Skip the value.
            args.next();
        } else if arg != "--force" && arg != "--resume" && !is_joined(&arg) {
            kept.push(arg);
        }
    }
    shell(kept.iter().map(OsString::as_os_str).chain(appended.iter().copied()))
}

/// Joins arguments to a command line, quoted for a shell.
fn shell<'a>(args: impl IntoIterator<Item = &'a OsStr>) -> String {
    let args: Vec<String> = args.into_iter().map(quoted).collect();
    args.join(" ")
}

/// Quotes an argument for a shell.
pub fn quoted(arg: &OsStr) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    match arg.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(is_interpreted) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let escaped = arg.as_encoded_bytes().iter();
            let escaped: String = escaped.map(|byte| format!("\\x{byte:02x}")).collect();
            format!("$'{escaped}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_replaces_options_in_command() {
        let change = |args: &[&str], appended: &[&str]| {
            let appended: Vec<_> = appended.iter().map(OsStr::new).collect();
            change(args.iter().map(OsString::from), Some("--seeds"), &appended)
        };
        let args = ["train", "--seeds", "1..3", "--force", "-o", "my {seed}.mpk"];
        let found = change(&args, &["--seeds", "2,3"]);
        assert_eq!(found, "lenet train -o 'my {seed}.mpk' --seeds 2,3");
        assert_eq!(change(&["--seeds=1", "--resume", "-q"], &[]), "lenet -q");
    }

    #[cfg(unix)]
    #[test]
    fn quoted_command_line_round_trips() {
        use std::os::unix::ffi::OsStrExt;
        let args = ["plain.mpk", "two args", "it's", "", "$HOME;`x`", "a\nb\u{1b}", "{seed}"];
        let mut args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        args.push(OsStr::from_bytes(b"m\xff.mpk"));
        let typed = shell(args.iter().copied());
        assert!(!typed.contains(is_interpreted), "{typed}");
        let script = format!("printf '%s\\0' {typed}");
        let output = std::process::Command::new("bash").args(["-c", &script]).output();
        let expected: Vec<u8> = args.iter().flat_map(|w| [w.as_bytes(), b"\0"].concat()).collect();
        assert_eq!(output.unwrap().stdout, expected);
    }
}
