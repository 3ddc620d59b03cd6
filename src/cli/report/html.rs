//! Building blocks of the pages: document, sections and tables.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use crate::cli::ui::table::{Table, number};
use crate::io::text::escaped;

const STYLE: &str = include_str!("style.css");

/// The value of the meta element `generator`, which marks a page as written by `lenet report`.
pub const GENERATOR: &str = "lenet report";

/// A page.
pub struct Page<'a> {
    pub title: &'a str,
    /// The command that writes the page, for its footer.
    pub command: &'a str,
    /// CSS rules in addition to those of all pages.
    pub style: &'static str,
    pub header: Markup,
    pub main: Markup,
    /// Data of the script.
    pub data: Markup,
    /// The only script of the page, which runs when the page has been parsed.
    pub script: &'static str,
}

impl Page<'_> {
    /// Renders the page, with a content security policy that allows no requests and no other scripts.
    pub fn render(self) -> String {
        let Self { title, command, style, header, main, data, script } = self;
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{}'; base-uri 'none'; \
             form-action 'none'",
            BASE64_STANDARD.encode(Sha256::digest(script))
        );
        let generator = command.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content=(generator);
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    link rel="icon" href="data:,";
                    title { (title) }
                    style { (PreEscaped(STYLE)) (PreEscaped(style)) }
                }
                body {
                    header { (header) }
                    main { (main) }
                    footer { p { "Written by lenet " (env!("CARGO_PKG_VERSION")) ": " code { (command) } } }
                    (data)
                    script { (PreEscaped(script)) }
                }
            }
        };
        // Names from files may contain characters that change the writing direction or are invisible.
        escaped(&(page.into_string() + "\n"), |character| match character {
            '\n' => "\n".to_owned(),
            other => other.escape_default().collect(),
        })
    }
}

/// A section of a page: its id, its heading and its content.
pub struct Section(pub &'static str, pub &'static str, pub Markup);

impl Render for Section {
    fn render(&self) -> Markup {
        let Self(id, heading, body) = self;
        html! { section id=(id) { h2 { (heading) } (body) } }
    }
}

/// Renders a box that scrolls horizontally if the page is too narrow for `body`.
pub fn scroll(label: &str, body: Markup) -> Markup {
    html! { div .scroll tabindex="0" role="region" aria-label=(label) { (body) } }
}

/// Renders a table. The first cell of each row is its heading. The row with the index `kept` and the best value of each metric
/// are marked.
pub fn table(label: &str, class: &str, table: &Table, kept: Option<usize>) -> Markup {
    let best = table.best();
    let body = html! {
        table class=(class) {
            thead { tr { @for column in &table.columns { th scope="col" { (column) } } } }
            tbody { @for (index, row) in table.rows.iter().enumerate() { tr .kept[kept == Some(index)] {
                th scope="row" { (row[0]) }
                @for (cell, best) in row.iter().zip(&best).skip(1) {
                    @let is_best = best.is_some() && number(cell) == *best;
                    td class=[is_best.then_some("best")] { (cell) }
                }
            } } }
        }
    };
    scroll(label, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::text::is_interpreted;

    #[test]
    fn page_has_no_interpreted_characters() {
        let page = Page {
            title: "a\u{202e}b",
            command: "lenet report",
            style: "",
            header: html! { "\u{7}" },
            main: html! { p title="\u{200f}" { "ok\u{feff}" } },
            data: html! {},
            script: "",
        };
        let page = page.render();
        assert!(!page.contains(|c| c != '\n' && is_interpreted(c)), "{page:?}");
        assert!(page.contains(r"<title>a\u{202e}b</title>") && page.contains(r"ok\u{feff}"));
        for script in [crate::cli::report::script::SCRIPT, STYLE] {
            assert!(!script.contains(|c| c != '\n' && is_interpreted(c)));
        }
    }
}
