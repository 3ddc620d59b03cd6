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
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
                [low.min(value), high.max(value)]
            })
        };
        let [low, high] = range(&mut points().map(|p| p.1));
        let [mut first, last] = range(&mut points().map(|p| p.0));
        let is_whole = points().all(|p| p.0.fract() == 0.0);
        if !is_whole {
            first = 0.0;
        }
        let levels = ticks(low, high);
        let (bottom, top) = (levels[0], levels[levels.len() - 1]);
        let x = |at: f64| match last - first {
            0.0 => (AREA[0] + AREA[2]) / 2.0,
            span => AREA[0] + (AREA[2] - AREA[0]) * (at - first) / span,
        };
        let y = |value: f64| AREA[3] - (AREA[3] - AREA[1]) * (value - bottom) / (top - bottom);
        let digits = decimals(levels[1] - levels[0]);
        let steps = match is_whole {
            true => epoch_ticks(first as usize, last as usize),
            false => {
                let ticks = ticks(0.0, last).into_iter();
                ticks.filter(|tick| *tick <= last * 1.001).collect()
            }
        };
        let step_digits = match steps[..] {
            [a, b, ..] if !is_whole => decimals(b - a),
            _ => 0,
        };
        let end = |line: &Line| line.points[line.points.len() - 1];
        let labelled: Vec<&&Line> = lines.iter().filter(|line| line.labelled).collect();
        let ends: Vec<f64> = labelled.iter().map(|line| y(end(line).1)).collect();
        let names = spread(&ends);
        html! {
            figure .chart {
                figcaption { (self.title) }
                svg viewBox=(format!("0 0 {} {}", SIZE[0], SIZE[1])) role="img" aria-label=(self.spoken(&lines)) {
                    @for level in &levels {
                        line .grid x1=(AREA[0]) x2=(AREA[2]) y1=(number(y(*level))) y2=(number(y(*level))) {}
                        text .tick .level x=(AREA[0] - 8.0) y=(number(y(*level) + 4.0)) { (format!("{level:.digits$}")) }
                    }
                    @for at in steps {
                        text .tick .step x=(number(x(at))) y=(AREA[3] + 18.0) { (format!("{at:.step_digits$}")) }
                    }
                    text .tick .step x=((AREA[0] + AREA[2]) / 2.0) y=(AREA[3] + 34.0) { (self.unit) }
                    @if let Some(kept) = self.kept { (mark(x(kept))) }
                    @for line in &lines {
                        g class=(line.class) {
                            polyline points=(path(line, x, y)) {}
                            @if line.points.len() <= 20 {
                                @for (at, value) in &line.points {
                                    circle cx=(number(x(*at))) cy=(number(y(*value))) r="3" {
                                        title { (format!("{} {at}: {value:.4}", self.unit)) }
                                    }
                                }
                            }
                        }
                    }
                    @for (line, name) in labelled.iter().zip(names) {
                        g class=(line.class) {
                            text .name x=(AREA[2] + 9.0) y=(number(name + 4.0)) { (line.name) }
                        }
                    }
                }
            }
        }
    }

    /// What the drawing shows, for who does not see it.
    fn spoken(&self, lines: &[&Line]) -> String {
        let unit = self.unit;
        let tell = |line: &&Line| {
            let ((first, from), (last, to)) = (line.points[0], line.points[line.points.len() - 1]);
            let [first, last] = [first, last].map(|at| (10.0 * at).round() / 10.0);
            let name = line.name;
            format!("{name} from {from:.4} in {unit} {first} to {to:.4} in {unit} {last}")
        };
        let lines: Vec<String> = lines.iter().map(tell).collect();
        let kept = self
            .kept
            .map_or(String::new(), |kept| format!(" The model has the weights of {unit} {kept}."));
        format!("{} by {unit}: {}.{kept}", self.title, lines.join("; "))
    }
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

fn path(line: &Line, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let points = line.points.iter();
    let points: Vec<String> =
        points.map(|(at, value)| format!("{},{}", number(x(*at)), number(y(*value)))).collect();
    points.join(" ")
}

/// A coordinate, to a tenth.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Three to seven round numbers, evenly spaced, from one below or at `low` to one above or at `high`.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let span = (high - low).max(1e-3 * high.abs()).max(1e-6);
    let rough = span / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough);
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
fn epoch_ticks(first: usize, last: usize) -> Vec<f64> {
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|factor| factor * 10usize.pow(power)));
    let step = steps.into_iter().find(|step| (last - first) / step < 7).unwrap_or(1);
    // Where it steps by more than one, on multiples of the step.
    let start = if step == 1 { first } else { first.next_multiple_of(step) };
    (start..=last).step_by(step).map(|at| at as f64).collect()
}

/// The heights `wanted`, moved apart to [`LINE_HEIGHT`] where two are nearer, in the same order and as little as can be.
fn spread(wanted: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Less what the lines above take, heights need not fall: an isotonic regression by pooling adjacent violators.
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
        assert_eq!(epoch_ticks(1, 5), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(epoch_ticks(1, 1), [1.0]);
        assert_eq!(epoch_ticks(1, 20), [5.0, 10.0, 15.0, 20.0]);
        assert_eq!(epoch_ticks(1, 100_000), [20_000.0, 40_000.0, 60_000.0, 80_000.0, 100_000.0]);
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
