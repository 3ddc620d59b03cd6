//! `lenet completions` and `lenet man`: both are made from what [`crate::cli`] declares.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::error::Error;
use crate::io::Target;
use crate::ui::Out;

impl CompletionsArgs {
    /// Prints the script.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub fn run(&self) -> Result<(), Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lenet", &mut script);
        print(&script)
    }
}

impl ManArgs {
    /// Prints a page, or writes them all.
    ///
    /// # Errors
    /// If there is no such command, or a page cannot be printed or written.
    pub fn run(&self) -> Result<(), Error> {
        let mut root = Cli::command();
        root.build();
        if let Some(dir) = &self.dir {
            std::fs::create_dir_all(dir)
                .map_err(|error| Error::file("cannot make the folder", dir, error))?;
            let mut out = Out::default();
            for (name, command) in pages(&root, "") {
                let path = dir.join(format!("{name}.1"));
                let page = page(command, &name).map_err(Error::Output)?;
                Target::made_up(&path)?.replace(&page)?;
                out.line(&format!("saved {}", path.display()));
            }
            return out.finish();
        }
        let mut command = &root;
        for name in &self.command {
            command = command
                .find_subcommand(name)
                .ok_or_else(|| Error::Usage(format!("there is no command {name:?}")))?;
        }
        let words = ["lenet".to_owned()].into_iter().chain(self.command.clone());
        let name = words.collect::<Vec<_>>().join("-");
        print(&page(command, &name).map_err(Error::Output)?)
    }
}

fn print(text: &[u8]) -> Result<(), Error> {
    let mut out = Out::default();
    out.verbatim(String::from_utf8_lossy(text).trim_end());
    out.finish()
}

/// `command` and all commands below it, each with the name of its page, as in `lenet-data-fetch`.
fn pages<'a>(command: &'a Command, above: &str) -> Vec<(String, &'a Command)> {
    let name = format!("{above}{}", command.get_name());
    let below = command.get_subcommands().flat_map(|command| pages(command, &format!("{name}-")));
    let mut pages: Vec<_> = below.collect();
    pages.insert(0, (name, command));
    pages
}

/// The page of `command` in the language of man, with the examples that its help opens with.
fn page(command: &Command, name: &str) -> io::Result<Vec<u8>> {
    // clap shows the name with spaces in a usage line, and with this in the page's title.
    let named = command.clone().display_name(name.to_owned());
    let man = Man::new(named)
        .title(name)
        .source(concat!("lenet ", env!("CARGO_PKG_VERSION")))
        .manual("lenet");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    if let Some(examples) = command.get_before_help() {
        page.extend(examples_section(&examples.to_string()).as_bytes());
    }
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if command.get_after_help().is_some() || command.get_after_long_help().is_some() {
        man.render_extra_section(&mut page)?;
    }
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(page)
}

/// Lines as they stand; what man would take for its own signs is escaped.
fn examples_section(examples: &str) -> String {
    let lines = examples.lines().filter(|line| *line != "Examples:");
    let lines: Vec<String> = lines
        .map(|line| {
            let line = line.replace('\\', "\\e").replace('-', "\\-");
            // A zero-width character in front of a dot or quote that would begin a request.
            match line.starts_with(['.', '\'']) {
                true => format!("\\&{line}"),
                false => line,
            }
        })
        .collect();
    format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_escaped() {
        let section = examples_section("Examples:\n  a --b \\c\n.d");
        assert_eq!(section, ".SH EXAMPLES\n.nf\n  a \\-\\-b \\ec\n\\&.d\n.fi\n");
    }

    #[test]
    fn every_command_has_a_page() {
        let mut root = Cli::command();
        root.build();
        let names: Vec<String> = pages(&root, "").into_iter().map(|(name, _)| name).collect();
        for name in ["lenet", "lenet-train", "lenet-data", "lenet-data-fetch"] {
            assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
        }
    }
}
