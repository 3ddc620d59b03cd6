//! The network: a table of its layers, as printed by `lenet shapes`, and the six first-layer kernels as pictures.

use maud::{Markup, html};

use crate::cli::ui::format::{count, significant};
use crate::cli::ui::table::{Table, row};
use crate::model::{LayerSummary, Weights, layers};

use super::html::table;

/// Height and width of a kernel.
const SIDE: usize = 5;

/// Returns the table of the layers, with their sums in the last row. `number` formats the counts.
pub fn layer_table(layers: &[LayerSummary], number: fn(usize) -> String) -> Table {
    let layer_row = |name: &str, shape: String, sizes: [usize; 2]| {
        row(name, [shape].into_iter().chain(sizes.map(number)))
    };
    let rows = layers.iter().map(|layer| {
        let shape = format!("{:?}", layer.output_shape).replace('[', "(").replace(']', ")");
        layer_row(layer.name, shape, [layer.parameters, layer.macs])
    });
    let sum = |of: fn(&LayerSummary) -> usize| layers.iter().map(of).sum();
    let sums = [sum(|layer| layer.parameters), sum(|layer| layer.macs)];
    let rows = rows.chain([layer_row("total", String::new(), sums)]);
    Table::new(["layer", "output shape", "parameters", "multiply-adds"], rows)
}

pub fn architecture() -> Markup {
    let layers = layer_table(&layers(1), count);
    html! {
        (table("Layers of the network", "metrics layers", &layers, None))
        p .note {
            "Shapes are for one image: (image, channel, row, column). Each convolution and each dense layer is \
             followed by a sigmoid. Multiply-adds are per forward pass."
        }
    }
}

pub fn kernels(weights: &Weights) -> Markup {
    let (kernels, _) = weights.tensor(0).as_chunks::<{ SIDE * SIDE }>();
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
    }
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
            figcaption { "channel " (number) br; span .number { "±" (significant(largest.into(), 3)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_coloured_by_sign() {
        let mut kernel = [0.0; 25];
        let blank = picture(1, &kernel).into_string();
        assert_eq!(blank.matches("--shade:0.0%").count(), 25, "{blank}");
        (kernel[0], kernel[24]) = (-0.5, 1.0);
        let drawing = picture(2, &kernel).into_string();
        for (class, at, shade) in [("minus", 0, "50.0%"), ("plus", 4, "100.0%")] {
            let rect = format!(
                "class=\"{class}\" x=\"{at}\" y=\"{at}\" width=\"1\" height=\"1\" style=\"--shade:{shade}\""
            );
            assert!(drawing.contains(&rect), "no {rect} in {drawing}");
        }
    }
}
