//! `lenet shapes`: lists the layers with output shapes, parameters and multiply-adds.

use serde_json::json;

use crate::cli::args::{Layout, ShapesArgs};
use crate::cli::error::Error;
use crate::cli::ui::Out;
use crate::model::{LayerSummary, layers};

impl ShapesArgs {
    /// Prints the layers.
    ///
    /// # Errors
    /// Returns an error if the output cannot be written.
    pub fn run(&self) -> Result<(), Error> {
        let mut layers = layers(self.batch_size);
        if self.layout == Layout::Nhwc {
            for layer in &mut layers {
                if let [n, c, h, w] = layer.output_shape[..] {
                    layer.output_shape = vec![n, h, w, c];
                }
            }
        }
        let parameters: usize = layers.iter().map(|layer| layer.parameters).sum();
        let mut out = Out::default();
        match self.json {
            true => out.json(&json!({ "schema": 1, "layers": layers, "parameters": parameters })),
            false => out.lines(text(&layers, parameters)),
        }
        out.finish()
    }
}

fn text(layers: &[LayerSummary], parameters: usize) -> Vec<String> {
    let macs: usize = layers.iter().map(|layer| layer.macs).sum();
    let shape = |layer: &LayerSummary| {
        format!("{:?}", layer.output_shape).replace('[', "(").replace(']', ")")
    };
    let mut rows =
        vec![["layer", "output shape", "parameters", "multiply-adds"].map(str::to_owned)];
    rows.extend(layers.iter().map(|layer| {
        let (parameters, macs) = (layer.parameters.to_string(), layer.macs.to_string());
        [layer.name.to_owned(), shape(layer), parameters, macs]
    }));
    rows.push(["total".to_owned(), String::new(), parameters.to_string(), macs.to_string()]);
    let width = rows.iter().map(|[_, shape, ..]| shape.len()).max().unwrap_or(0);
    let line = |[name, shape, parameters, macs]: [String; 4]| {
        format!("{name:<15}  {shape:<width$}  {parameters:>10}  {macs:>13}")
    };
    rows.into_iter().map(line).collect()
}
