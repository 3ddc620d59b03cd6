//! Suggested commands: the command line of this process with a few options changed.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::CommandFactory;

use super::Cli;
use crate::data::DataFile;
use crate::data::source::{self, DIR_VARIABLE};
use crate::io::text::is_interpreted;

/// Returns the command line of this process, quoted for a shell, with some changes.
///
/// Removes `--force`, `--resume` and the option `replaced` with its value, and appends `appended`. Options that come from
/// environment variables are written out, so that the command does the same in another shell.
pub fn rerun_command(replaced: Option<&str>, appended: &[&OsStr]) -> String {
    let mut args = change(env::args_os().skip(1), replaced);
    args.extend(appended.iter().map(OsString::from));
    let variable = |name: &OsStr| env::var_os(name).filter(|value| !value.is_empty());
    let options = options_from(
        |name| variable(name).or_else(|| (name == DIR_VARIABLE).then(cached_data).flatten()),
        &args,
    );
    args.splice(args.len().min(2)..args.len().min(2), options);
    if let Some(simd) = variable("LENET_SIMD".as_ref()) {
        // No option selects the instruction set, and a run continues only on the same one.
        let mut setting = OsString::from("LENET_SIMD=");
        setting.push(simd);
        args.splice(0..0, ["env".into(), setting]);
    }
    shell(args.iter().map(OsString::as_os_str))
}

/// Returns the options that the command `args` takes from environment variables.
fn options_from(variable: impl Fn(&OsStr) -> Option<OsString>, args: &[OsString]) -> Vec<OsString> {
    let cli = Cli::command();
    let command = args.get(1).and_then(|name| cli.find_subcommand(name));
    let options = command.into_iter().flat_map(|command| command.get_arguments());
    let options = options.filter_map(|option| {
        let mut typed = OsString::from(format!("--{}=", option.get_long()?));
        typed.push(variable(option.get_env()?)?);
        Some(typed)
    });
    // Leave out an option that is already there or has no effect: both are usage errors.
    let is_accepted = |option: &OsString| {
        let args = args.iter().chain([option]).cloned().collect();
        Cli::parse_args(args).is_ok()
    };
    options.filter(is_accepted).collect()
}

/// Removes `--force`, `--resume` and the option `replaced` with its value. Prepends the name of the program.
fn change(args: impl IntoIterator<Item = OsString>, replaced: Option<&str>) -> Vec<OsString> {
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
    kept
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
            let escaped: String = escaped.map(|byte| format!("\\{byte:03o}")).collect();
            format!("\"$(printf '{escaped}')\"")
        }
    }
}

/// Quotes the path of a file for a shell, so that the command does not read it as an option.
pub fn quoted_path(path: &Path) -> String {
    match path.as_os_str().as_encoded_bytes() {
        [b'-', ..] => quoted(Path::new(".").join(path).as_os_str()),
        _ => quoted(path.as_os_str()),
    }
}

/// Returns the directory of the data set if it was found only because XDG_CACHE_HOME is set, which another shell may not have.
fn cached_data() -> Option<OsString> {
    env::var_os("XDG_CACHE_HOME")?;
    let found = source::find(None, &DataFile::ALL).ok()?;
    (Some(&found) == source::cache_dir().as_ref()).then(|| found.into_os_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_replaces_options_in_command() {
        let change = |args: &[&str]| {
            let args = change(args.iter().map(OsString::from), Some("--seeds"));
            shell(args.iter().map(OsString::as_os_str))
        };
        let args = ["train", "--seeds", "1..3", "--force", "-o", "my {seed}.mpk"];
        assert_eq!(change(&args), "lenet train -o 'my {seed}.mpk'");
        assert_eq!(change(&["--seeds=1", "--resume", "-q"]), "lenet -q");
    }

    #[test]
    fn variables_become_options() {
        let variables = [
            ("LENET_OUTPUT", "my.mpk"),
            ("LENET_EPOCHS", "9"),
            ("LENET_SEED", "4"),
            ("LENET_DATA_DIR", "d"),
        ];
        let variable = |name: &OsStr| {
            let found = variables.iter().find(|(known, _)| name == *known);
            found.map(|(_, value)| OsString::from(value))
        };
        for (args, expected) in [
            (
                "lenet train --resume",
                &["--output=my.mpk", "--epochs=9", "--seed=4", "--data=d"][..],
            ),
            ("lenet train -o a.mpk --epochs 5 --data x", &["--seed=4"]),
            ("lenet train --seeds 1..3 -oa.mpk", &["--epochs=9", "--data=d"]),
            ("lenet eval m.mpk", &["--data=d"]),
        ] {
            let args: Vec<OsString> = args.split(' ').map(OsString::from).collect();
            assert_eq!(options_from(variable, &args), expected, "{args:?}");
        }
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
        let output = std::process::Command::new("sh").args(["-c", &script]).output();
        let expected: Vec<u8> = args.iter().flat_map(|w| [w.as_bytes(), b"\0"].concat()).collect();
        assert_eq!(output.unwrap().stdout, expected);
    }
}
