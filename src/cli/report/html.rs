//! Building blocks of the pages: document, sections, tables and formatted numbers.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::cli::ui::table::Table;
use crate::data::DatasetInfo;

const STYLE: &str = concat!(include_str!("style.css"), include_str!("lesson.css"));

/// The generator that each page names, which marks it as written by this program.
pub const GENERATOR: &str = "lenet";

/// Returns the line above the title of a page about models that were measured on `dataset`.
pub fn kicker(dataset: &DatasetInfo) -> String {
    match dataset.is_known() {
        true => format!("LeNet · {}", dataset.name),
        false => "LeNet".to_owned(),
    }
}

/// Renders a whole page with a content security policy that allows no requests and no scripts but `scripts`.
pub fn page(
    kicker: &str,
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
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(GENERATOR);
                meta http-equiv="Content-Security-Policy" content=(policy);
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { @if !kicker.is_empty() { p .kicker { (kicker) } } (header) }
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

pub fn table(label: &str, class: &str, table: &Table) -> Markup {
    let body = html! { @for row in &table.rows { tr { (cells(row)) } } };
    table_with_rows(label, class, &table.columns, body)
}

/// Renders the cells of a row. The first cell is the row heading.
pub fn cells(row: &[String]) -> Markup {
    html! {
        @for (column, cell) in row.iter().enumerate() {
            @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
        }
    }
}

/// Renders a table with custom rows.
pub fn table_with_rows(
    label: &str,
    class: &str,
    columns: &[impl AsRef<str>],
    rows: Markup,
) -> Markup {
    scroll(
        label,
        html! {
            table class=(class) {
                thead { tr { @for column in columns { th scope="col" { (column.as_ref()) } } } }
                tbody { (rows) }
            }
        },
    )
}

/// Formats a fraction as a percentage, for example 79.31%.
pub fn percent(fraction: f64) -> String {
    format!("{:.2}%", 100.0 * fraction)
}

/// Formats a duration, for example 4.8 s or 3 min 20 s.
pub fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round() as u64;
    format!("{} min {} s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_and_durations_are_formatted() {
        assert_eq!(percent(0.793_14), "79.31%");
        assert_eq!((duration(4.84), duration(200.4)), ("4.8 s".into(), "3 min 20 s".into()));
    }
}
