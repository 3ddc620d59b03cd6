//! Building blocks of the pages: document, sections and tables.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::cli::ui::table::Table;

const STYLE: &str = concat!(include_str!("style.css"), include_str!("lesson.css"));

/// The generator that a report names, which marks it as written by `lenet report`.
pub const GENERATOR: &str = "lenet report";

/// Renders a whole page with a content security policy that allows no requests and no scripts but `scripts`.
pub fn page(
    title: &str,
    scripts: &str,
    command: &str,
    header: Markup,
    main: Markup,
    end: Markup,
) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {scripts}; base-uri 'none'; \
         form-action 'none'"
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
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (header) }
                main { (main) }
                footer { p { "Written by lenet " (env!("CARGO_PKG_VERSION")) ": " code { (command) } } }
                (end)
            }
        }
    };
    page.into_string() + "\n"
}

pub fn section(id: &str, heading: &str, body: Markup) -> Markup {
    html! { section id=(id) { h2 { (heading) } (body) } }
}

/// Renders a box that scrolls horizontally if the page is too narrow for `body`.
pub fn scroll(label: &str, body: Markup) -> Markup {
    html! { div .scroll tabindex="0" role="region" aria-label=(label) { (body) } }
}

/// Renders a table. The first cell of each row is its heading. The row with the index `kept` is emphasised.
pub fn table(label: &str, class: &str, table: &Table, kept: Option<usize>) -> Markup {
    let body = html! {
        table class=(class) {
            thead { tr { @for column in &table.columns { th scope="col" { (column) } } } }
            tbody { @for (index, row) in table.rows.iter().enumerate() { tr .kept[kept == Some(index)] {
                th scope="row" { (row[0]) }
                @for cell in &row[1..] { td { (cell) } }
            } } }
        }
    };
    scroll(label, body)
}
