//! The layers as a table, as `lenet shapes` prints them.

use maud::{Markup, html};

use crate::model::LayerSummary;

use super::text::count;

/// The section.
pub fn section(layers: &[LayerSummary]) -> Markup {
    let sum = |of: fn(&LayerSummary) -> usize| count(layers.iter().map(of).sum());
    html! {
        section #layers {
            h2 { "Layers" }
            div .scroll tabindex="0" role="region" aria-label="Layers of the network" {
                table .figures .layers {
                    thead { tr {
                        th scope="col" { "Layer" }
                        th scope="col" { "Output shape" }
                        th scope="col" { "Parameters" }
                        th scope="col" { "Multiply-adds" }
                    } }
                    tbody {
                        @for layer in layers { tr {
                            th scope="row" { (layer.name) }
                            td { (shape(&layer.output_shape)) }
                            td { (count(layer.parameters)) }
                            td { (count(layer.macs)) }
                        } }
                        tr {
                            th scope="row" { "total" }
                            td {}
                            td { (sum(|layer| layer.parameters)) }
                            td { (sum(|layer| layer.macs)) }
                        }
                    }
                }
            }
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
