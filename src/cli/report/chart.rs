//! Line charts over epochs or seconds, with round numbers on the axes.

use maud::{Markup, html};

/// Width and height of a chart in SVG units. On a phone, a unit is about one pixel.
pub const SIZE: [f64; 2] = [400.0, 250.0];
/// Left, top, right and bottom of the plot area. The names of the lines are to its right.
const AREA: [f64; 4] = [48.0, 18.0, 308.0, 212.0];
/// Minimum vertical distance between the names of two lines.
const LINE_HEIGHT: f64 = 17.0;

pub struct Line<'a> {
    /// The name shown at the end of the line, if `labelled`.
    pub name: &'a str,
    /// The CSS class, which sets the colour.
    pub class: &'a str,
    /// Whether to show the name. Only one line of a group is labelled.
    pub labelled: bool,
    /// Points (epoch or second, value) in ascending order.
    pub points: Vec<(f64, f64)>,
}

/// A chart of several lines with common axes.
pub struct Chart<'a> {
    pub title: &'a str,
    /// The unit of the horizontal axis, for example "epoch".
    pub unit: &'a str,
    /// The lines. Lines without points are not drawn.
    pub lines: &'a [Line<'a>],
    /// The epoch whose weights the model has.
    pub kept: Option<f64>,
}

impl Chart<'_> {
    pub fn draw(&self) -> Markup {
        let lines: Vec<&Line> = self.lines.iter().filter(|l| !l.points.is_empty()).collect();
        let points = || lines.iter().flat_map(|line| line.points.iter().copied());
        let values = || points().map(|point| point.1);
        let [low, high] = [values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max)];
        let last = points().map(|point| point.0).fold(0.0, f64::max);
        // Epochs start at the first point, seconds at 0.
        let is_integer = self.unit == "epoch";
        let first =
            points().map(|point| point.0).fold(if is_integer { last } else { 0.0 }, f64::min);
        let (y_ticks, x_ticks) = (y_ticks(low, high), x_ticks(first, last, is_integer));
        let (bottom, top) = (y_ticks[0].0, y_ticks[y_ticks.len() - 1].0);
        let x = |at: f64| match last - first {
            0.0 => (AREA[0] + AREA[2]) / 2.0,
            span => AREA[0] + (AREA[2] - AREA[0]) * (at - first) / span,
        };
        let y = |value: f64| AREA[3] - (AREA[3] - AREA[1]) * (value - bottom) / (top - bottom);
        let point = |(at, value): &(f64, f64)| format!("{},{}", number(x(*at)), number(y(*value)));
        let labelled = lines.iter().filter(|line| line.labelled);
        let ends: Vec<f64> = labelled.clone().map(|l| y(l.points[l.points.len() - 1].1)).collect();
        let drawing = html! {
            @for (at, label) in &y_ticks { (y_tick(AREA, y(*at), label)) }
            @for (at, label) in &x_ticks { (x_label(x(*at), AREA[3] + 18.0, label)) }
            (x_label((AREA[0] + AREA[2]) / 2.0, AREA[3] + 34.0, self.unit))
            @if let Some(kept) = self.kept { (kept_marker(x(kept))) }
            @for line in &lines {
                g class=(line.class) {
                    polyline points=(line.points.iter().map(point).collect::<Vec<_>>().join(" ")) {}
                    @if line.points.len() <= 20 {
                        @for (at, value) in &line.points {
                            circle cx=(number(x(*at))) cy=(number(y(*value))) r="3" {
                                title { (format!("{} {at}: {value:.4}", self.unit)) }
                            }
                        }
                    }
                }
            }
            @for (line, height) in labelled.zip(spread(&ends)) {
                g class=(line.class) {
                    text .name x=(AREA[2] + 9.0) y=(number(height + 4.0)) { (line.name) }
                }
            }
        };
        figure(self.title, &self.description(&lines), drawing)
    }

    /// Describes the chart for screen readers.
    fn description(&self, lines: &[&Line]) -> String {
        let unit = self.unit;
        let describe = |line: &&Line| {
            let ((first, from), (last, to)) = (line.points[0], line.points[line.points.len() - 1]);
            let [first, last] = [first, last].map(|at| (10.0 * at).round() / 10.0);
            let name = line.name;
            format!("{name} from {from:.4} in {unit} {first} to {to:.4} in {unit} {last}")
        };
        let lines = lines.iter().map(describe).collect::<Vec<_>>().join("; ");
        let kept = self.kept.map(|kept| format!(" The model has the weights of {unit} {kept}."));
        format!("{} by {unit}: {lines}.{}", self.title, kept.unwrap_or_default())
    }
}

/// Renders a drawing of [`SIZE`] with a title, and with a description for screen readers.
pub fn figure(title: &str, description: &str, drawing: Markup) -> Markup {
    html! {
        figure .chart {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {} {}", SIZE[0], SIZE[1])) role="img" aria-label=(description) { (drawing) }
        }
    }
}

/// Renders a horizontal grid line with the number to its left.
pub fn y_tick(area: [f64; 4], y: f64, label: &str) -> Markup {
    html! {
        line .grid x1=(area[0]) x2=(area[2]) y1=(number(y)) y2=(number(y)) {}
        text .tick .y-label x=(area[0] - 8.0) y=(number(y + 4.0)) { (label) }
    }
}

/// Renders a number or the unit below the plot area.
pub fn x_label(x: f64, y: f64, label: &str) -> Markup {
    html! { text .tick .x-label x=(number(x)) y=(number(y)) { (label) } }
}

/// Renders a vertical line labelled "kept", with the label on the side that has more room.
fn kept_marker(x: f64) -> Markup {
    let (class, offset) = match x > (AREA[0] + AREA[2]) / 2.0 {
        true => ("before", -5.0),
        false => ("", 5.0),
    };
    html! {
        g .kept {
            line x1=(number(x)) x2=(number(x)) y1=(AREA[1] - 8.0) y2=(AREA[3]) {}
            text class=(class) x=(number(x + offset)) y=(AREA[1] - 5.0) { "kept" }
        }
    }
}

/// Formats a coordinate with at most one decimal.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A position on an axis, with its label.
type Tick = (f64, String);

/// Returns three to seven evenly spaced round numbers that enclose `low` and `high`, and 0 if these are equal.
fn y_ticks(low: f64, high: f64) -> Vec<Tick> {
    let low = if high - low > 1e-6 * high { low } else { 0.0 };
    let span = (high - low).max(1e-3 * high.abs()).max(1e-6);
    let (step, decimals) = round_step(span / 4.0, false);
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 2.0);
    multiples(step, decimals, first, last)
}

/// Returns evenly spaced round numbers between `first` and `last`, at most seven if they are integers.
fn x_ticks(first: f64, last: f64, is_integer: bool) -> Vec<Tick> {
    let (step, decimals) = match is_integer {
        true => round_step(((last - first + 1.0) / 7.0).max(1.0), true),
        false => round_step((last / 4.0).max(1e-6), false),
    };
    multiples(step, decimals, (first / step).ceil(), (last / step + 1e-3).floor())
}

/// Returns the smallest number >= `min` of the form 1, 2, 2.5 or 5 times a power of ten, and the number of its decimals.
/// If `is_integer`, the number is an integer.
fn round_step(min: f64, is_integer: bool) -> (f64, usize) {
    let exponent = min.log10().floor();
    let step = |(factor, decimals): (f64, i32)| {
        (factor * 10f64.powf(exponent), (decimals - exponent as i32).max(0) as usize)
    };
    let mut steps = [(1.0, 0), (2.0, 0), (2.5, 1), (5.0, 0), (10.0, -1)].into_iter().map(step);
    let fits = |(step, decimals): &(f64, usize)| *step >= min && !(is_integer && *decimals > 0);
    steps.find(fits).unwrap_or((min, 0))
}

fn multiples(step: f64, decimals: usize, first: f64, last: f64) -> Vec<Tick> {
    let label = |at: f64| match at {
        at if at < 1e6 => format!("{at:.decimals$}"),
        at => format!("{at:e}"),
    };
    let multiples = (first as i64..=last as i64).map(|index| index as f64 * step);
    multiples.map(|at| (at, label(at))).collect()
}

/// Moves heights apart to a distance of at least [`LINE_HEIGHT`], keeping their order. Names move down to make room, but
/// not below the plot area.
fn spread(heights: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut spread = heights.to_vec();
    for [above, below] in order.array_windows() {
        spread[*below] = spread[*below].max(spread[*above] + LINE_HEIGHT);
    }
    let mut lowest = AREA[3];
    for index in order.into_iter().rev() {
        spread[index] = spread[index].min(lowest);
        lowest = spread[index] - LINE_HEIGHT;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y_ticks_enclose_values() {
        let labels =
            |low, high| y_ticks(low, high).into_iter().map(|tick| tick.1).collect::<Vec<_>>();
        assert_eq!(labels(0.52, 1.49), ["0.50", "0.75", "1.00", "1.25", "1.50"]);
        assert_eq!(labels(0.0, 20.0), ["0", "5", "10", "15", "20"]);
        for (low, high) in [(2.3, 2.3), (0.0, 0.0), (1e-7, 3e9), (0.799, 0.8), (1e300, 1e308)] {
            let ticks = y_ticks(low, high);
            let slack = 1e-9 * (ticks[1].0 - ticks[0].0) + 1e-12 * high;
            assert!(ticks[0].0 <= low + slack, "{ticks:?}");
            assert!(ticks[ticks.len() - 1].0 >= high - slack, "{ticks:?}");
            assert!((3..=7).contains(&ticks.len()), "{ticks:?}");
        }
    }

    #[test]
    fn x_ticks_of_epochs_are_integers() {
        let epochs = |first, last| {
            x_ticks(first, last, true).into_iter().map(|tick| tick.1).collect::<Vec<_>>()
        };
        assert_eq!(epochs(1.0, 5.0), ["1", "2", "3", "4", "5"]);
        assert_eq!(epochs(1.0, 20.0), ["5", "10", "15", "20"]);
        // The number of ticks does not depend on how large the epochs are.
        assert_eq!(epochs(1e15, 1e15), ["1e15"]);
    }

    #[test]
    fn names_do_not_overlap() {
        assert_eq!(spread(&[102.0, 100.0]), [117.0, 100.0]);
        assert_eq!(spread(&[210.0, 10.0, 205.0]), [212.0, 10.0, 195.0]);
    }

    #[test]
    fn single_epoch_is_drawn_as_point() {
        let line = |name, points| Line { name, class: name, labelled: true, points };
        let lines = [line("training", vec![(1.0, 2.3)]), line("validation", vec![])];
        let drawing = Chart { title: "Loss", unit: "epoch", lines: &lines, kept: Some(1.0) };
        let drawing = drawing.draw().into_string();
        assert!(drawing.contains("<circle") && !drawing.contains("NaN"), "{drawing}");
        assert!(drawing.contains("Loss by epoch: training from 2.3000 in epoch 1"));
        assert!(drawing.contains("The model has the weights of epoch 1."));
        assert!(!drawing.contains("validation"));
    }
    #[test]
    fn seconds_start_at_zero() {
        let first_position = |unit| {
            let points = vec![(5.0, 2.0), (10.0, 1.0)];
            let line = Line { name: "loss", class: "loss", labelled: false, points };
            let drawing = Chart { title: "Loss", unit, lines: &[line], kept: None }.draw();
            let drawing = drawing.into_string();
            let (_, points) = drawing.split_once("polyline points=\"").unwrap();
            points.split_once(',').unwrap().0.parse::<f64>().unwrap()
        };
        assert_eq!(first_position("epoch"), AREA[0]);
        assert_eq!(first_position("second"), (AREA[0] + AREA[2]) / 2.0);
    }
}
