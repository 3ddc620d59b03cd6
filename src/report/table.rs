//! The tables of the pages.

use maud::{Markup, html};

/// A table with these rows, the first cell of each its heading.
pub fn table(
    label: &str,
    class: &str,
    columns: &[impl AsRef<str>],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Markup {
    let body = html! {
        @for row in rows { tr {
            @for (column, cell) in row.iter().enumerate() {
                @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
            }
        } }
    };
    frame(label, class, columns, body)
}

/// A table with this body, which scrolls by itself where the page is narrow.
pub fn frame(label: &str, class: &str, columns: &[impl AsRef<str>], body: Markup) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label=(label) {
            table class=(class) {
                thead { tr { @for column in columns { th scope="col" { (column.as_ref()) } } } }
                tbody { (body) }
            }
        }
    }
}

/// A row of a [`table`].
pub fn row(heading: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(heading.to_owned()).chain(cells).collect()
}
