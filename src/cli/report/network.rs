//! The network: a table of its layers, as printed by `lenet shapes`, and the six first-layer kernels as pictures.

use maud::{Markup, html};

use crate::cli::ui::format::count;
use crate::cli::ui::table::{Table, row};
use crate::model::{LayerSummary, Weights};

use super::html::{section, table};

/// Height and width of a kernel.
const SIDE: usize = 5;

pub fn layers(layers: &[LayerSummary]) -> Markup {
    let layer_row = |name: &str, shape: String, sizes: [usize; 2]| {
        row(name, [shape].into_iter().chain(sizes.map(count)))
    };
    let rows = layers.iter().map(|layer| {
        let shape: Vec<String> = layer.output_shape.iter().map(usize::to_string).collect();
        let sizes = [layer.parameters, layer.macs];
        layer_row(layer.name, format!("({})", shape.join(", ")), sizes)
    });
    let sum = |of: fn(&LayerSummary) -> usize| layers.iter().map(of).sum();
    let sums = [sum(|layer| layer.parameters), sum(|layer| layer.macs)];
    let rows = rows.chain([layer_row("total", String::new(), sums)]);
    let layers = Table::new(["Layer", "Output shape", "Parameters", "Multiply-adds"], rows);
    section(
        "layers",
        "Layers",
        html! {
            (table("Layers of the network", "metrics layers", &layers))
            p .note {
                "Shapes are for one image: (image, channel, row, column). Each convolution and each dense layer is \
                 followed by a sigmoid. Multiply-adds are per forward pass."
            }
        },
    )
}

pub fn kernels(weights: &Weights) -> Markup {
    let (kernels, _) = weights.tensor(0).as_chunks::<{ SIDE * SIDE }>();
    section(
        "kernels",
        "First-layer kernels",
        html! {
            p {
                "The patterns that the first convolution detects: a channel is active where the image is bright under "
                span .key .plus { "positive" } " weights and dark under " span .key .minus { "negative" } " weights."
            }
            ol .kernels {
                @for (index, kernel) in kernels.iter().enumerate() { li { (picture(index + 1, kernel)) } }
            }
            p .note {
                "Each kernel has its own colour scale: the deepest colour stands for the value printed below it. "
                "The weights apply to pixel values from 0 to 255."
            }
        },
    )
}

fn picture(number: usize, kernel: &[f32; SIDE * SIDE]) -> Markup {
    let largest = kernel.iter().fold(0.0, |largest: f32, weight| largest.max(weight.abs()));
    // A kernel of zeros is drawn blank, without dividing by zero.
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let rows: Vec<String> = kernel
        .chunks(SIDE)
        .map(|row| {
            let row: Vec<String> = row.iter().map(|weight| format!("{weight:.4}")).collect();
            row.join(" ")
        })
        .collect();
    html! {
        figure {
            svg viewBox="0 0 5 5" role="img" shape-rendering="crispEdges"
                aria-label=(format!("Kernel {number}, row by row: {}", rows.join("; "))) {
                @for (index, weight) in kernel.iter().enumerate() {
                    rect class=(if *weight < 0.0 { "minus" } else { "plus" })
                        x=(index % SIDE) y=(index / SIDE) width="1" height="1"
                        style=(format!("--shade:{:.1}%", 100.0 * weight.abs() / scale)) {
                        title { (format!("{weight:.5}")) }
                    }
                }
            }
            figcaption { "channel " (number) br; span .number { "±" (significant(largest)) } }
        }
    }
}

/// Formats a number with three significant digits, in scientific notation if it is very small or large.
fn significant(value: f32) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if (1e-4..1e4).contains(&v) => {
            let digits = (2.0 - v.log10().floor()).max(0.0) as usize;
            format!("{v:.digits$}")
        }
        v => format!("{v:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_kernel_is_blank() {
        let blank = picture(1, &[0.0; 25]).into_string();
        assert_eq!(blank.matches("--shade:0.0%").count(), 25);
        assert!(!blank.contains("NaN"));
        let texts = [0.0, 0.123_45, 0.001_234, 12.345, 1e-7].map(significant);
        assert_eq!(texts, ["0", "0.123", "0.00123", "12.3", "1.00e-7"]);
    }

    #[test]
    fn weights_are_coloured_by_sign() {
        let mut kernel = [0.0; 25];
        (kernel[0], kernel[24]) = (-0.5, 1.0);
        let drawing = picture(2, &kernel).into_string();
        assert!(
            drawing.contains(
                r#"class="minus" x="0" y="0" width="1" height="1" style="--shade:50.0%""#
            )
        );
        assert!(
            drawing.contains(
                r#"class="plus" x="4" y="4" width="1" height="1" style="--shade:100.0%""#
            )
        );
    }
}
