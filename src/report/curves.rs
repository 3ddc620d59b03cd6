//! Loss and accuracy, epoch by epoch, as drawings and as a table.

use maud::{Markup, html};

use crate::train::EpochRecord;

/// Width and height of a drawing in its own units; on a telephone about a pixel each.
const SIZE: [f64; 2] = [400.0, 250.0];
/// Left, top, right and bottom of the area that the axes span; names of the lines stand to the right of it.
const AREA: [f64; 4] = [44.0, 14.0, 308.0, 212.0];
/// Least distance between the names of two lines.
const LINE_HEIGHT: f64 = 17.0;

/// The section for these epochs.
pub fn section(epochs: &[EpochRecord]) -> Markup {
    let training = |value: fn(&EpochRecord) -> f64| Line {
        name: "training",
        points: epochs
            .iter()
            .map(|epoch| (epoch.epoch, value(epoch)))
            .collect(),
    };
    let validation = |value: fn(&EpochRecord) -> Option<f64>| Line {
        name: "validation",
        points: epochs
            .iter()
            .filter_map(|epoch| Some((epoch.epoch, value(epoch)?)))
            .collect(),
    };
    html! {
        section #curves {
            h2 { "Learning curves" }
            div .pair {
                (chart("Loss", &[training(|e| e.loss), validation(|e| e.val_loss)]))
                (chart("Accuracy", &[training(|e| e.accuracy), validation(|e| e.val_accuracy)]))
            }
            p .note {
                "Training figures are means over an epoch, while the weights still change; validation figures come \
                 from the weights at its end. So the first may well look worse."
            }
            (table(epochs))
        }
    }
}

fn table(epochs: &[EpochRecord]) -> Markup {
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    html! {
        details {
            summary { "The curves as a table" }
            div .scroll tabindex="0" role="region" aria-label="Figures of each epoch" {
                table .figures {
                    thead { tr {
                        th scope="col" { "Epoch" }
                        th scope="col" { "Seconds" }
                        th scope="col" { "Loss" }
                        th scope="col" { "Accuracy" }
                        th scope="col" { "Validation loss" }
                        th scope="col" { "Validation accuracy" }
                    } }
                    tbody { @for epoch in epochs { tr {
                        th scope="row" { (epoch.epoch) }
                        td { (format!("{:.1}", epoch.seconds)) }
                        td { (figure(Some(epoch.loss))) }
                        td { (figure(Some(epoch.accuracy))) }
                        td { (figure(epoch.val_loss)) }
                        td { (figure(epoch.val_accuracy)) }
                    } } }
                }
            }
        }
    }
}

/// A named line; its points are (epoch, value), in order.
struct Line {
    name: &'static str,
    points: Vec<(usize, f64)>,
}

/// A drawing of `lines`, those without points left out.
fn chart(title: &str, lines: &[Line]) -> Markup {
    let lines: Vec<&Line> = lines
        .iter()
        .filter(|line| !line.points.is_empty())
        .collect();
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let [first, last] =
        [points().map(|p| p.0).min(), points().map(|p| p.0).max()].map(|e| e.unwrap_or(1));
    let low = points().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let high = points().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let levels = ticks(low, high);
    let (bottom, top) = (levels[0], levels[levels.len() - 1]);
    let x = |epoch: usize| match last - first {
        0 => (AREA[0] + AREA[2]) / 2.0,
        span => AREA[0] + (AREA[2] - AREA[0]) * (epoch - first) as f64 / span as f64,
    };
    let y = |value: f64| AREA[3] - (AREA[3] - AREA[1]) * (value - bottom) / (top - bottom);
    let digits = decimals(levels[1] - levels[0]);
    let ends = lines
        .iter()
        .map(|line| y(line.points[line.points.len() - 1].1));
    let names = spread(&ends.collect::<Vec<_>>());
    html! {
        figure .chart {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {} {}", SIZE[0], SIZE[1])) role="img" aria-label=(spoken(title, &lines)) {
                @for level in &levels {
                    line .grid x1=(AREA[0]) x2=(AREA[2]) y1=(number(y(*level))) y2=(number(y(*level))) {}
                    text .tick .level x=(AREA[0] - 8.0) y=(number(y(*level) + 4.0)) { (format!("{level:.digits$}")) }
                }
                @for epoch in epoch_ticks(first, last) {
                    text .tick .epoch x=(number(x(epoch))) y=(AREA[3] + 18.0) { (epoch) }
                }
                text .tick .epoch x=((AREA[0] + AREA[2]) / 2.0) y=(AREA[3] + 34.0) { "epoch" }
                @for (line, name) in lines.iter().zip(names) {
                    @let (epoch, value) = line.points[line.points.len() - 1];
                    g class=(line.name) {
                        polyline points=(path(line, x, y)) {}
                        @if last - first < 20 {
                            @for (epoch, value) in &line.points {
                                circle cx=(number(x(*epoch))) cy=(number(y(*value))) r="3" {}
                            }
                        }
                        text .name x=(number(x(epoch) + 9.0)) y=(number(name + 4.0)) {
                            (line.name)
                            title { (format!("{value:.4}")) }
                        }
                    }
                }
            }
        }
    }
}

/// What the drawing shows, for who does not see it.
fn spoken(title: &str, lines: &[&Line]) -> String {
    let tell = |line: &&Line| {
        let ((first, from), (last, to)) = (line.points[0], line.points[line.points.len() - 1]);
        format!(
            "{} from {from:.4} in epoch {first} to {to:.4} in epoch {last}",
            line.name
        )
    };
    let lines: Vec<String> = lines.iter().map(tell).collect();
    format!("{title} by epoch: {}.", lines.join("; "))
}

fn path(line: &Line, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let points = line.points.iter();
    let points: Vec<String> = points
        .map(|(epoch, value)| format!("{},{}", number(x(*epoch)), number(y(*value))))
        .collect();
    points.join(" ")
}

/// A coordinate, to a tenth.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Three to seven round numbers, evenly spaced, from one below or at `low` to one above or at `high`.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let span = (high - low).max(1e-3 * high.abs()).max(1e-6);
    let rough = span / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= rough);
    let step = factor.unwrap_or(10.0) * power;
    let first = (low / step + 1e-9).floor() as i64;
    let last = ((high / step - 1e-9).ceil() as i64).max(first + 2);
    (first..=last).map(|index| index as f64 * step).collect()
}

/// Digits after the point that tell multiples of `step` apart.
fn decimals(step: f64) -> usize {
    (0..9)
        .find(|digits| {
            let scaled = step * 10f64.powi(*digits);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        })
        .unwrap_or(9) as usize
}

/// At most seven whole numbers, evenly spaced, from `first` on.
fn epoch_ticks(first: usize, last: usize) -> Vec<usize> {
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|factor| factor * 10usize.pow(power)));
    let step = steps
        .into_iter()
        .find(|step| (last - first) / step < 7)
        .unwrap_or(1);
    // Where it steps by more than one, on multiples of the step.
    let start = if step == 1 {
        first
    } else {
        first.next_multiple_of(step)
    };
    (start..=last).step_by(step).collect()
}

/// The heights `wanted`, moved apart to [`LINE_HEIGHT`] where two are nearer.
fn spread(wanted: &[f64]) -> Vec<f64> {
    match wanted {
        [a, b] if (a - b).abs() < LINE_HEIGHT => {
            let (middle, half) = ((a + b) / 2.0, LINE_HEIGHT / 2.0);
            match a <= b {
                true => vec![middle - half, middle + half],
                false => vec![middle + half, middle - half],
            }
        }
        wanted => wanted.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers_around_the_values() {
        assert_eq!(ticks(0.52, 1.49), [0.5, 0.75, 1.0, 1.25, 1.5]);
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.25, 0.5, 0.75, 1.0]);
        for (low, high) in [(2.3, 2.3), (0.0, 0.0), (1e-7, 3e9), (0.799, 0.8)] {
            let levels = ticks(low, high);
            let slack = 1e-9 * (levels[1] - levels[0]) + 1e-12 * high;
            assert!(levels[0] <= low + slack, "{levels:?}");
            assert!(levels[levels.len() - 1] >= high - slack, "{levels:?}");
            assert!((3..=7).contains(&levels.len()), "{levels:?}");
        }
        assert_eq!([0.25, 0.2, 5.0, 0.001].map(decimals), [2, 1, 0, 3]);
    }

    #[test]
    fn epochs_are_whole_and_few() {
        assert_eq!(epoch_ticks(1, 5), [1, 2, 3, 4, 5]);
        assert_eq!(epoch_ticks(1, 1), [1]);
        assert_eq!(epoch_ticks(1, 20), [5, 10, 15, 20]);
        assert_eq!(
            epoch_ticks(1, 100_000),
            [20_000, 40_000, 60_000, 80_000, 100_000]
        );
    }

    #[test]
    fn names_of_lines_that_end_together_stand_apart() {
        assert_eq!(spread(&[100.0, 102.0]), [92.5, 109.5]);
        assert_eq!(spread(&[102.0, 100.0]), [109.5, 92.5]);
        assert_eq!(spread(&[10.0, 100.0]), [10.0, 100.0]);
        assert_eq!(spread(&[10.0]), [10.0]);
    }

    #[test]
    fn one_epoch_without_validation_is_a_point() {
        let line = Line {
            name: "training",
            points: vec![(1, 2.3)],
        };
        let none = Line {
            name: "validation",
            points: vec![],
        };
        let drawing = chart("Loss", &[line, none]).into_string();
        assert!(
            drawing.contains("<circle") && !drawing.contains("NaN"),
            "{drawing}"
        );
        assert!(drawing.contains("Loss by epoch: training from 2.3000 in epoch 1"));
        assert!(!drawing.contains("validation"));
    }
}
