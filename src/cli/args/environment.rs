//! The environment variables that set options, such as `LENET_SEED`.

use std::env;

use clap::builder::{OsStr, Resettable};
use clap::{Arg, Command};

/// Prepares all options of `command` and its subcommands that have an environment variable.
///
/// An empty variable counts as unset: Docker Compose and CI systems set variables without a value to the empty string. The
/// help does not show values, which may contain anything.
pub fn with_environment(command: Command) -> Command {
    command.mut_args(prepared).mut_subcommands(with_environment)
}

fn prepared(arg: Arg) -> Arg {
    let value = arg.get_env().and_then(env::var_os);
    let arg = arg.hide_env_values(true);
    match value {
        Some(value) if value.is_empty() => arg.env(Resettable::<OsStr>::Reset),
        _ => arg,
    }
}

/// Returns the environment variable of an option such as `--epochs`, if it is set.
pub fn variable(command: &Command, option: &str) -> Option<String> {
    let has_name = |arg: &&Arg| arg.get_long().is_some_and(|long| option == format!("--{long}"));
    let own = command.get_arguments().find(has_name).and_then(Arg::get_env);
    own.filter(|name| env::var_os(name).is_some())
        .map(|name| name.to_string_lossy().into_owned())
        .or_else(|| command.get_subcommands().find_map(|command| variable(command, option)))
}
