//! The layers as a table, as `lenet shapes` prints them.

use maud::{Markup, html};

use crate::model::LayerSummary;

use super::table::{row, table};
use crate::io::text::count;

pub fn section(layers: &[LayerSummary]) -> Markup {
    let sum = |of: fn(&LayerSummary) -> usize| count(layers.iter().map(of).sum());
    let columns = ["Layer", "Output shape", "Parameters", "Multiply-adds"];
    let rows = layers.iter().map(|layer| {
        let sizes = [layer.parameters, layer.macs].map(count);
        let shape = [shape(&layer.output_shape)];
        row(layer.name, shape.into_iter().chain(sizes))
    });
    let sums = [sum(|layer| layer.parameters), sum(|layer| layer.macs)];
    let total = row("total", [String::new()].into_iter().chain(sums));
    html! {
        section #layers {
            h2 { "Layers" }
            (table("Layers of the network", "figures layers", &columns, rows.chain([total])))
            p .note {
                "Shapes are those of one image: (image, channel, row, column). A sigmoid follows each convolution and \
                 each dense layer. Multiply-adds are those of a forward pass."
            }
        }
    }
}

fn shape(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    format!("({})", sizes.join(", "))
}
