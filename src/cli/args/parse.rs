//! Parsing of the command line into [`Cli`], with two checks that clap does not make by itself: options without effect
//! are rejected, and an error about a value from an environment variable names that variable.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::{Backend, Cli, Split, environment, name};
use crate::io::text::{line, without_password};

impl Cli {
    /// Parses the command line of this process. Prints help or a usage error and exits with status 0 or 2 if needed.
    pub fn from_command_line() -> Self {
        let args: Vec<OsString> = wild::args_os().collect();
        Self::parse_args(args.clone()).unwrap_or_else(|error| {
            // The message quotes arguments, which may be untrusted file names. Parse again with escaped arguments to
            // get an escaped message: some of its parts are already formatted. Values of environment variables are escaped
            // below. An error about invalid Unicode does not recur, because escaping removes the
            // cause; its message quotes no arguments.
            let escape = |arg: &OsString| line(&arg.to_string_lossy()).into_owned();
            let escaped: Vec<_> = args.iter().map(escape).collect();
            let again = Self::parse_args(escaped.iter().map(OsString::from).collect());
            let error = again.err().unwrap_or(error);
            let message = escape_values(with_source_of_value(error, &escaped));
            // Help that could not be printed is a failure, unless its reader did not want more.
            let is_printed = match message.print() {
                Err(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
                Ok(()) => true,
            };
            let status = message.exit_code();
            std::process::exit(if is_printed { status } else { status.max(1) })
        })
    }

    /// Parses a command line, which starts with the name of the program.
    pub(super) fn parse_args(args: Vec<OsString>) -> Result<Self, clap::Error> {
        let command = environment::with_environment(Self::command());
        let mut command = command.mut_subcommands(with_negative_numbers);
        let matches = command.try_get_matches_from_mut(args)?;
        reject_options_without_effect(&mut command, &matches)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// Makes clap read `--epochs -1` as an invalid number, not as an unknown option `-1`.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| match arg.get_action().takes_values() && !arg.is_positional() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    })
}

/// Returns an error with the usage of the subcommand if an option has no effect in combination with the others.
fn reject_options_without_effect(
    command: &mut clap::Command,
    matches: &ArgMatches,
) -> Result<(), clap::Error> {
    if let Some((name, matches)) = matches.subcommand()
        && let Some(command) = command.find_subcommand_mut(name)
    {
        return reject_options_without_effect(command, matches);
    }
    match without_effect(matches) {
        Some(message) => Err(command.error(ErrorKind::ArgumentConflict, message)),
        None => Ok(()),
    }
}

/// Describes the first option that has no effect in combination with the others, if any.
///
/// Values from environment variables are ignored, because a variable may be meant for other commands.
fn without_effect(matches: &ArgMatches) -> Option<String> {
    let is_given = |id: &&str| {
        let exists = matches.ids().any(|known| known == *id);
        exists && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let is_test = matches!(matches.try_get_one("split"), Ok(Some(Split::Test)));
    let no_validation = matches!(matches.try_get_one("validation_split"), Ok(Some(0.0)));
    let saves_nothing = is_given(&"seeds") && !matches.contains_id("output");
    let writes_nothing = saves_nothing && !matches.contains_id("tensorboard");
    let is_cpu = matches!(
        matches.try_get_one::<Backend>("backend"), Ok(Some(backend)) if name(backend) != "wgpu"
    );
    let rules: [(bool, &[&str], &str); 8] = [
        (
            is_test,
            &["stratified", "validation_split"],
            "has no effect without --split train or --split validation",
        ),
        (no_validation, &["stratified"], "has no effect with --validation-split 0"),
        (is_given(&"images"), &["data", "any_dataset", "limit"], "has no effect without --index"),
        (
            is_given(&"records_only"),
            &["data", "any_dataset", "limit", "backend", "gpu", "threads"],
            "has no effect with --records-only",
        ),
        (is_cpu, &["gpu"], "has no effect without --backend wgpu"),
        (is_given(&"seeds"), &["seed"], "cannot be used with --seeds"),
        (saves_nothing, &["resume", "snapshots"], "has no effect with --seeds unless -o is given"),
        (
            writes_nothing,
            &["force"],
            "has no effect with --seeds unless -o or --tensorboard is given",
        ),
    ];
    rules.iter().filter(|(applies, ..)| *applies).find_map(|(_, options, problem)| {
        let option = options.iter().find(|id| is_given(id))?.replace('_', "-");
        Some(format!("--{option} {problem}"))
    })
}

/// Maximum length of a value in an error, in characters.
const MAX_SHOWN: usize = 200;

/// Escapes and truncates the values that an error quotes, and hides passwords in URLs.
fn escape_values(mut error: clap::Error) -> clap::Error {
    let escape = |text: &String| {
        let shown = line(&without_password(text)).into_owned();
        match shown.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}..", &shown[..end]),
            None => shown,
        }
    };
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        let escaped = match &value {
            ContextValue::String(text) => ContextValue::String(escape(text)),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(escape).collect())
            }
            _ => continue,
        };
        error.insert(kind, escaped);
    }
    error
}

/// Names the environment variable instead of the option in an error about a value that came from the variable.
fn with_source_of_value(mut error: clap::Error, args: &[String]) -> clap::Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    if error.kind() == ErrorKind::UnknownArgument && !option.starts_with('-') && args[1] == "train"
    {
        let tip = "use -o to choose the model file to write or resume";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        return error;
    }
    let name = option.split(' ').next().unwrap_or_default().to_owned();
    let is_given = args.iter().any(|arg| arg.split('=').next() == Some(&name));
    let is_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    if let Some(variable) = environment::variable(&Cli::command(), &name)
        && is_value
        && !is_given
    {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}
