//! From the words that were typed to [`Cli`], with what clap does not do by itself: options that would have no effect are
//! refused, and errors name the variable that a wrong value came from.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::{Cli, Split};
use crate::io::text::line;

impl Cli {
    /// What was typed. Prints help and wrong usage itself, and exits with 0 or 2.
    pub fn from_command_line() -> Self {
        let parse = |words: Vec<OsString>| {
            let mut command = Self::command().mut_subcommands(with_negative_numbers);
            let matches = command.try_get_matches_from_mut(words)?;
            if let Some(wrong) = without_effect(&matches) {
                return Err(command.error(ErrorKind::ArgumentConflict, wrong));
            }
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
        };
        let words: Vec<OsString> = std::env::args_os().collect();
        parse(words.clone()).unwrap_or_else(|error| {
            // The message repeats words, which may be names of files. With words made fit for a terminal it is the
            // same message; but for one about words that are not Unicode, which does not repeat them.
            let fit = |word: &OsString| line(&word.to_string_lossy()).into_owned();
            let fit: Vec<_> = words.iter().map(fit).collect();
            let error = parse(fit.iter().map(OsString::from).collect()).err().unwrap_or(error);
            blame(error, &fit).exit()
        })
    }
}

/// `--epochs -1` is a wrong number, not an unknown option.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| match arg.get_action().takes_values() && !arg.is_positional() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    })
}

/// What is wrong with an option that has no effect beside the others. Only what was typed counts: a variable may be meant
/// for other commands.
fn without_effect(matches: &ArgMatches) -> Option<String> {
    if let Some((_, below)) = matches.subcommand() {
        return without_effect(below);
    }
    let is_typed = |id: &&str| {
        let is_known = matches.ids().any(|known| known == *id);
        is_known && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let is_test = matches!(matches.try_get_one("split"), Ok(Some(Split::Test)));
    let is_all = matches!(matches.try_get_one("validation_split"), Ok(Some(0.0)));
    let writes_nothing = is_typed(&"seeds") && !matches.contains_id("output");
    let rules: [(bool, &[&str], &str); 6] = [
        (
            is_test,
            &["stratified", "validation_split"],
            "is about --split train and --split validation",
        ),
        (
            is_all,
            &["stratified"],
            "is about validation images, and --validation-split 0 leaves none",
        ),
        (
            is_typed(&"images"),
            &["data", "any_dataset", "limit"],
            "is about --index, not about pictures",
        ),
        (
            is_typed(&"records_only"),
            &["data", "any_dataset", "limit", "backend", "threads"],
            "is about models, which --records-only leaves alone",
        ),
        (is_typed(&"seeds"), &["seed"], "cannot be used with --seeds"),
        (writes_nothing, &["resume", "force"], "is about files, which --seeds writes only with -o"),
    ];
    rules.iter().filter(|(applies, ..)| *applies).find_map(|(_, options, wrong)| {
        let option = options.iter().find(|id| is_typed(id))?.replace('_', "-");
        Some(format!("--{option} {wrong}"))
    })
}

/// The error, about the variable where the wrong value came from one.
fn blame(mut error: clap::Error, words: &[String]) -> clap::Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    if error.kind() == ErrorKind::UnknownArgument && !option.starts_with('-') && words[1] == "train"
    {
        let tip = "a model that is written, or continued with --resume, is named by -o";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        return error;
    }
    let name = option.split(' ').next().unwrap_or_default().to_owned();
    let is_typed = words.iter().any(|word| word.split('=').next() == Some(&name));
    let is_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    let variable = variable(&Cli::command(), &name).filter(|v| std::env::var_os(v).is_some());
    if let Some(variable) = variable
        && is_value
        && !is_typed
    {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// The variable that gives this option, as in `--epochs`, its value.
fn variable(command: &clap::Command, option: &str) -> Option<String> {
    let is_it = |arg: &&clap::Arg| arg.get_long().is_some_and(|l| option == format!("--{l}"));
    let own = command.get_arguments().find(is_it);
    own.and_then(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()))
        .or_else(|| command.get_subcommands().find_map(|c| variable(c, option)))
}
