//! The confusion matrix as text.

use crate::data::datasets::Name;
use crate::eval::Evaluation;

use super::{Drawing, columns, drawing_wanted};

/// Greys of a 256-colour terminal, from black to white.
const GREYS: std::ops::RangeInclusive<u8> = 232..=255;

/// Formats the confusion matrix, with one row per true class and one column per predicted class. With colours, the brightness
/// of a cell shows its fraction of the row.
pub fn confusion(evaluation: &Evaluation) -> String {
    // A line is 14 + 10 * 6 = 74 columns wide, or 10 + 10 * 5 = 60 if the terminal is narrower than that.
    let (first, cell) = if columns() < 74 { (10, 4) } else { (14, 5) };
    format(&evaluation.matrix(), &evaluation.dataset.classes, first, cell, drawing_wanted())
}

fn format(
    matrix: &[&[usize]],
    classes: &[Name],
    first: usize,
    cell: usize,
    drawing: Drawing,
) -> String {
    let mut text =
        format!("confusion: true classes down, predicted classes across\n{:<first$}", "");
    text.extend((0..classes.len()).map(|class| format!(" {class:>cell$}")));
    for (class, row) in matrix.iter().enumerate() {
        let heading = match &*classes[class] {
            // In an unknown data set, the name of a class is its number.
            name if name == class.to_string() => name.to_owned(),
            name => format!("{class} {}", short(name, first - 2)),
        };
        text += &format!("\n{heading:<first$}");
        let total = row.iter().sum::<usize>().max(1);
        for count in *row {
            let number = format!(" {count:>cell$}");
            text += &match drawing {
                Drawing::Colour => shaded(&number, *count as f64 / total as f64),
                _ => number,
            };
        }
    }
    text
}

/// Returns `text` on a background whose brightness, from 0 to 1, is `share`.
fn shaded(text: &str, share: f64) -> String {
    let steps = f64::from(GREYS.end() - GREYS.start());
    // The square root makes the few mistakes visible next to the many correct answers.
    let background = GREYS.start() + (share.sqrt() * steps).round() as u8;
    let foreground = if share.sqrt() < 0.5 { GREYS.end() } else { GREYS.start() };
    format!("\u{1b}[38;5;{foreground};48;5;{background}m{text}\u{1b}[0m")
}

/// Returns the name of a class, or the start of its first word if the name has more than `width` characters.
fn short(name: &str, width: usize) -> &str {
    match name.chars().count() <= width {
        true => name,
        false => {
            let word = name.split([' ', '/']).next().unwrap_or(name);
            &word[..word.char_indices().nth(width).map_or(word.len(), |(end, _)| end)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{FASHION_MNIST, UNKNOWN};

    #[test]
    fn rows_have_numbers_and_whole_words() {
        let mut counts = [[0; 10]; 10];
        counts[9][0] = 25;
        counts[9][9] = 75;
        let matrix = counts.each_ref().map(<[usize; 10]>::as_slice);
        let narrow = format(&matrix, &FASHION_MNIST.classes, 10, 4, Drawing::Plain);
        let lines: Vec<_> = narrow.lines().collect();
        assert!(lines[1].ends_with("    7    8    9") && lines.iter().all(|line| line.len() <= 60));
        assert!(
            lines[2].starts_with("0 T-shirt ") && lines[11].starts_with("9 Ankle  "),
            "{narrow}"
        );
        let wide = format(&matrix, &FASHION_MNIST.classes, 14, 5, Drawing::None);
        assert!(wide.contains("\n9 Ankle boot      25     0"), "{wide}");
        assert!(
            format(&matrix, &UNKNOWN.classes, 10, 4, Drawing::None).contains("\n9            25")
        );
    }

    #[test]
    fn larger_fractions_are_brighter() {
        let background = |share| shaded("", share).split([';', 'm']).nth(5).unwrap().to_owned();
        assert_eq!([0.0, 0.25, 1.0].map(background), ["232", "244", "255"]);
    }
}
