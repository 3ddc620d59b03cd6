//! The predictions of `lenet predict` as text.

use crate::cli::picture;
use crate::cli::ui;
use crate::data::{Image, SIDE};

use super::{Candidate, Prediction};

/// Draws the image in lines of text. Returns no lines if the output is not a terminal.
pub(super) fn draw(drawing: ui::Drawing, image: &Image) -> Vec<String> {
    match drawing {
        ui::Drawing::Colour => picture::half_blocks(image, SIDE),
        ui::Drawing::Plain => picture::ascii(image, SIDE),
        ui::Drawing::None => Vec::new(),
    }
}

/// Returns the first line of a prediction.
pub(super) fn heading(prediction: &Prediction) -> String {
    let Prediction { source, class, .. } = prediction;
    let verdict = match prediction.true_class {
        Some(truth) if truth == *class => " (correct)".to_owned(),
        Some(truth) => format!(" (wrong: it is {truth})"),
        None => String::new(),
    };
    format!("{source}: {class}{verdict}")
}

/// Returns the most probable classes, next to the drawing if it has lines.
pub(super) fn candidates(prediction: &Prediction, drawing: &[String]) -> String {
    let width = prediction.top.iter().map(|class| class.class.chars().count()).fold(12, usize::max);
    // The bars are to the right of the drawing, the class and the probability.
    let room = ui::columns().saturating_sub(SIDE + 16 + width).min(20);
    let table = prediction.top.iter().map(|Candidate { class, probability, .. }| {
        let row = format!("{class:<width$} {probability:>7.4}");
        match drawing {
            [] => row,
            _ => format!("{row}  {}", "█".repeat((probability * room as f64).round() as usize)),
        }
    });
    let table: Vec<String> = table.collect();
    if drawing.is_empty() {
        let rows: Vec<String> = table.iter().map(|row| format!("  {row}")).collect();
        return rows.join("\n");
    }
    let mut text = String::new();
    let first = (drawing.len() - table.len()) / 2;
    for (number, line) in drawing.iter().enumerate() {
        let row = number.checked_sub(first).and_then(|row| table.get(row));
        let line = format!("{line}   {}", row.map_or("", String::as_str));
        text += &format!("  {}\n", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Subject;
    use super::*;
    use crate::data::{DatasetNames, FASHION_MNIST};

    fn names() -> DatasetNames {
        (&FASHION_MNIST).into()
    }

    fn prediction(names: &DatasetNames, label: Option<usize>) -> Prediction<'_> {
        let subject = Subject {
            source: "x".to_owned(),
            image: [0; 784],
            label,
            inverted: false,
            warnings: Vec::new(),
        };
        let mut outputs = [0.0; 10];
        (outputs[2], outputs[4], outputs[6]) = (0.3, 0.6, 0.6);
        Prediction::new(subject, &outputs, names, 3)
    }

    #[test]
    fn candidates_are_sorted_by_probability() {
        let names = names();
        let prediction = prediction(&names, Some(6));
        let labels: Vec<_> = prediction.top.iter().map(|candidate| candidate.label).collect();
        assert_eq!(labels, [4, 6, 2]);
        assert!((prediction.probability - 0.4).abs() < 1e-6);
        assert!((prediction.top[2].probability - 0.2).abs() < 1e-6);
    }

    #[test]
    fn candidates_are_next_to_drawing() {
        let names = names();
        let wrong = prediction(&names, Some(6));
        assert_eq!(heading(&wrong), "x: Coat (wrong: it is Shirt)");
        assert_eq!(
            candidates(&wrong, &[]),
            "  Coat          0.4000\n  Shirt         0.4000\n  Pullover      0.2000"
        );
        assert_eq!(heading(&prediction(&names, Some(4))), "x: Coat (correct)");
        let unknown = prediction(&names, None);
        assert_eq!(heading(&unknown), "x: Coat");
        let drawing = vec!["....".to_owned(); 5];
        let text = candidates(&unknown, &drawing);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "  ....");
        assert_eq!(lines[1], format!("  ....   Coat          0.4000  {}", "█".repeat(8)));
        assert_eq!(lines.len(), 5);
    }
}
