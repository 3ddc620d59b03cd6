//! Lines over epochs or seconds as a drawing, and the round numbers of its axes.

use maud::{Markup, html};

/// Width and height of a drawing in its own units; on a telephone about a pixel each.
pub const SIZE: [f64; 2] = [400.0, 250.0];
/// Left, top, right and bottom of the area that the axes span; names of the lines stand to the right of it.
const AREA: [f64; 4] = [48.0, 18.0, 308.0, 212.0];
/// Least distance between the names of two lines.
const LINE_HEIGHT: f64 = 17.0;

pub struct Line<'a> {
    /// What it shows, in a word or two.
    pub name: &'a str,
    /// Its class in the style sheet.
    pub class: &'a str,
    /// Whether its name is written at its end; a group of lines has one name.
    pub labelled: bool,
    /// (epoch or second, value), in order.
    pub points: Vec<(f64, f64)>,
}

/// Some lines over the same axis.
pub struct Chart<'a> {
    pub title: &'a str,
    /// The unit of the axis, as in "epoch".
    pub unit: &'a str,
    /// Those without points are left out.
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
        // Seconds begin at 0.
        let is_whole = points().all(|point| point.0.fract() == 0.0);
        let first = if is_whole { points().map(|point| point.0).fold(last, f64::min) } else { 0.0 };
        let (levels, steps) = (levels(low, high), steps(first, last, is_whole));
        let (bottom, top) = (levels[0], levels[levels.len() - 1]);
        let x = |at: f64| match last - first {
            0.0 => (AREA[0] + AREA[2]) / 2.0,
            span => AREA[0] + (AREA[2] - AREA[0]) * (at - first) / span,
        };
        let y = |value: f64| AREA[3] - (AREA[3] - AREA[1]) * (value - bottom) / (top - bottom);
        let named = lines.iter().filter(|line| line.labelled);
        let ends: Vec<f64> = named.clone().map(|l| y(l.points[l.points.len() - 1].1)).collect();
        let drawing = html! {
            @for (at, name) in levels.iter().zip(written(&levels)) { (level(AREA, y(*at), &name)) }
            @for (at, name) in steps.iter().zip(written(&steps)) { (step(x(*at), AREA[3] + 18.0, &name)) }
            (step((AREA[0] + AREA[2]) / 2.0, AREA[3] + 34.0, self.unit))
            @if let Some(kept) = self.kept { (mark(x(kept))) }
            @for line in &lines {
                g class=(line.class) {
                    polyline points=(path(&line.points, x, y)) {}
                    @if line.points.len() <= 20 {
                        @for (at, value) in &line.points {
                            circle cx=(number(x(*at))) cy=(number(y(*value))) r="3" {
                                title { (format!("{} {at}: {value:.4}", self.unit)) }
                            }
                        }
                    }
                }
            }
            @for (line, height) in named.zip(spread(&ends)) {
                g class=(line.class) {
                    text .name x=(AREA[2] + 9.0) y=(number(height + 4.0)) { (line.name) }
                }
            }
        };
        figure(self.title, &self.description(&lines), drawing)
    }

    /// What the drawing shows, for those who cannot see it.
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

/// A drawing of [`SIZE`] with its title; `description` says what it shows, for those who cannot see it.
pub fn figure(title: &str, description: &str, drawing: Markup) -> Markup {
    html! {
        figure .chart {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {} {}", SIZE[0], SIZE[1])) role="img" aria-label=(description) { (drawing) }
        }
    }
}

/// A line across the area of the axes, and the number to the left of it.
pub fn level(area: [f64; 4], y: f64, name: &str) -> Markup {
    html! {
        line .grid x1=(area[0]) x2=(area[2]) y1=(number(y)) y2=(number(y)) {}
        text .tick .level x=(area[0] - 8.0) y=(number(y + 4.0)) { (name) }
    }
}

/// A number below the area, or their unit.
pub fn step(x: f64, y: f64, name: &str) -> Markup {
    html! { text .tick .step x=(number(x)) y=(number(y)) { (name) } }
}

/// A line across the area with its name, on the side that has more room.
fn mark(x: f64) -> Markup {
    let (class, beside) = match x > (AREA[0] + AREA[2]) / 2.0 {
        true => ("before", -5.0),
        false => ("", 5.0),
    };
    html! {
        g .kept {
            line x1=(number(x)) x2=(number(x)) y1=(AREA[1] - 8.0) y2=(AREA[3]) {}
            text class=(class) x=(number(x + beside)) y=(AREA[1] - 5.0) { "kept" }
        }
    }
}

fn path(points: &[(f64, f64)], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let point = |(at, value): &(f64, f64)| format!("{},{}", number(x(*at)), number(y(*value)));
    points.iter().map(point).collect::<Vec<_>>().join(" ")
}

/// A coordinate, to a tenth.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Three to seven round numbers, evenly spaced, from one below or at `low` to one above or at `high`.
fn levels(low: f64, high: f64) -> Vec<f64> {
    let span = (high - low).max(1e-3 * high.abs()).max(1e-6);
    let step = round_step(span / 4.0, false);
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 2.0);
    multiples(step, first, last)
}

/// At most seven whole numbers, or some round ones, evenly spaced between `first` and `last`.
fn steps(first: f64, last: f64, is_whole: bool) -> Vec<f64> {
    let step = match is_whole {
        true => round_step(((last - first + 1.0) / 7.0).max(1.0), true),
        false => round_step(last / 4.0, false),
    };
    multiples(step, (first / step).ceil(), (1.001 * last / step).floor())
}

/// The next of 1, 2, 2.5 and 5 times a power of ten, from `least` on; if it must be whole, the next that is.
fn round_step(least: f64, is_whole: bool) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let mut round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power);
    let is_right = |step: &f64| *step >= least && !(is_whole && step.fract() > 0.0);
    round.find(is_right).unwrap_or(10.0 * power)
}

fn multiples(step: f64, first: f64, last: f64) -> Vec<f64> {
    (first as i64..=last as i64).map(|index| index as f64 * step).collect()
}

/// Numbers of an axis, with as many digits as tell them apart.
fn written(numbers: &[f64]) -> Vec<String> {
    let digits = match numbers {
        [a, b, ..] => decimals(b - a),
        _ => 0,
    };
    numbers.iter().map(|number| format!("{number:.digits$}")).collect()
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

/// The heights `wanted`, moved apart to [`LINE_HEIGHT`] where two are closer: in the same order, and no further than needed.
fn spread(wanted: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // With the room of the lines above subtracted, heights must not fall: isotonic regression, by pooling adjacent violators.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let mean = |(sum, number): (f64, usize)| sum / number as f64;
    for (place, index) in order.iter().enumerate() {
        let mut block = (wanted[*index] - place as f64 * LINE_HEIGHT, 1);
        while let Some(above) = blocks.pop_if(|above| mean(*above) > mean(block)) {
            block = (block.0 + above.0, block.1 + above.1);
        }
        blocks.push(block);
    }
    let mut heights = wanted.to_vec();
    let starts = blocks.into_iter().flat_map(|block| std::iter::repeat_n(mean(block), block.1));
    for ((place, index), start) in order.iter().enumerate().zip(starts) {
        heights[*index] = start + place as f64 * LINE_HEIGHT;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers_around_the_values() {
        assert_eq!(levels(0.52, 1.49), [0.5, 0.75, 1.0, 1.25, 1.5]);
        assert_eq!(levels(0.0, 1.0), [0.0, 0.25, 0.5, 0.75, 1.0]);
        for (low, high) in [(2.3, 2.3), (0.0, 0.0), (1e-7, 3e9), (0.799, 0.8)] {
            let levels = levels(low, high);
            let slack = 1e-9 * (levels[1] - levels[0]) + 1e-12 * high;
            assert!(levels[0] <= low + slack, "{levels:?}");
            assert!(levels[levels.len() - 1] >= high - slack, "{levels:?}");
            assert!((3..=7).contains(&levels.len()), "{levels:?}");
        }
        assert_eq!([0.25, 0.2, 5.0, 0.001].map(decimals), [2, 1, 0, 3]);
    }

    #[test]
    fn epochs_are_whole_and_few() {
        let epochs = |last| steps(1.0, last, true);
        assert_eq!(epochs(5.0), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(epochs(1.0), [1.0]);
        assert_eq!(epochs(20.0), [5.0, 10.0, 15.0, 20.0]);
        assert_eq!(epochs(100_000.0), [20_000.0, 40_000.0, 60_000.0, 80_000.0, 100_000.0]);
    }

    #[test]
    fn names_of_lines_that_end_together_stand_apart() {
        assert_eq!(spread(&[100.0, 102.0]), [92.5, 109.5]);
        assert_eq!(spread(&[102.0, 100.0]), [109.5, 92.5]);
        assert_eq!(spread(&[10.0, 100.0]), [10.0, 100.0]);
        assert_eq!(spread(&[10.0]), [10.0]);
        assert_eq!(spread(&[50.0, 10.0, 52.0, 54.0]), [35.0, 10.0, 52.0, 69.0]);
        assert_eq!(spread(&[0.0, 16.0, 32.0]), [-1.0, 16.0, 33.0]);
    }

    #[test]
    fn one_epoch_without_validation_is_a_point() {
        let line = |name, points| Line { name, class: name, labelled: true, points };
        let lines = [line("training", vec![(1.0, 2.3)]), line("validation", vec![])];
        let drawing = Chart { title: "Loss", unit: "epoch", lines: &lines, kept: Some(1.0) };
        let drawing = drawing.draw().into_string();
        assert!(drawing.contains("<circle") && !drawing.contains("NaN"), "{drawing}");
        assert!(drawing.contains("Loss by epoch: training from 2.3000 in epoch 1"));
        assert!(drawing.contains("The model has the weights of epoch 1."));
        assert!(!drawing.contains("validation"));
    }
}
