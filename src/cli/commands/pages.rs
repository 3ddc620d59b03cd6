//! `lenet completions` and `lenet man`, both generated from the declarations in [`crate::cli::args`].

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::args::{Cli, CompletionsArgs, ManArgs};
use crate::cli::error::Error;
use crate::cli::ui::Out;
use crate::io::{Origin, OutputDir, Target};

impl CompletionsArgs {
    /// Prints the script.
    ///
    /// # Errors
    /// Returns an error if the script cannot be printed.
    pub fn run(&self) -> Result<(), Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lenet", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}

impl ManArgs {
    /// Prints the page of a command, or writes all pages to a directory.
    ///
    /// # Errors
    /// Returns an error if the command does not exist, or if a page cannot be printed or written.
    pub fn run(&self) -> Result<(), Error> {
        let mut root = Cli::command();
        root.build();
        let Some(dir) = &self.dir else {
            let name = ["lenet"].into_iter().chain(self.command.iter().map(String::as_str));
            let mut command = &root;
            for word in &self.command {
                command = command
                    .find_subcommand(word)
                    .ok_or_else(|| Error::Usage(format!("there is no command {word:?}")))?;
            }
            let page = page(command, &name.collect::<Vec<_>>().join("-"));
            return print(&page.map_err(Error::Stdout)?);
        };
        OutputDir::typed(dir).create()?;
        let mut out = Out::default();
        for (name, command) in pages(&root, "") {
            let path = dir.join(format!("{name}.1"));
            let page = page(command, &name).map_err(Error::Stdout)?;
            Target::new(&path, Origin::Program)?.write(page.as_bytes(), true)?;
            out.line(&format!("saved {}", path.display()));
        }
        out.finish()
    }
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = Out::default();
    out.verbatim(text.trim_end());
    out.finish()
}

/// Returns `command` and all its subcommands, each with the name of its page, such as `lenet-data-fetch`.
fn pages<'a>(command: &'a Command, above: &str) -> Vec<(String, &'a Command)> {
    let name = format!("{above}{}", command.get_name());
    let below = command.get_subcommands().flat_map(|command| pages(command, &format!("{name}-")));
    let mut pages: Vec<_> = below.collect();
    pages.insert(0, (name, command));
    pages
}

/// Returns the man page of `command` in roff, with the examples from the start of its help.
fn page(command: &Command, name: &str) -> io::Result<String> {
    // The page title is the display name, such as `lenet-data-fetch`. The usage line keeps the name with spaces.
    let named = command.clone().display_name(name.to_owned());
    let man = Man::new(named)
        .title(name)
        .source(concat!("lenet ", env!("CARGO_PKG_VERSION")))
        .manual("lenet");
    let mut page = Vec::new();
    man.render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    let Some(examples) = command.get_before_help() else {
        return Ok(page.into_owned());
    };
    let examples = roman(examples.to_string().trim_start_matches("Examples:\n"));
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]).control("nf", []).text([examples]).control("fi", []);
    let section = section.to_roff();
    Ok(page.replacen(".SH DESCRIPTION\n", &format!("{section}.SH DESCRIPTION\n"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_page_with_examples() {
        let mut root = Cli::command();
        root.build();
        let pages = pages(&root, "");
        for name in ["lenet", "lenet-train", "lenet-data", "lenet-data-fetch"] {
            assert!(pages.iter().any(|(found, _)| found == name), "{name}");
        }
        for (name, command) in
            pages.iter().filter(|(_, command)| command.get_before_help().is_some())
        {
            let page = page(command, name).unwrap();
            assert!(page.contains("\n.SH EXAMPLES\n.nf\n  lenet "), "{page}");
            assert!(!page.contains("Examples:"), "{page}");
        }
    }
}
