//! `lenet shapes`: lists the layers with output shapes, parameters and multiply-adds.

use serde_json::json;

use crate::cli::args::{Layout, ShapesArgs};
use crate::cli::error::Error;
use crate::cli::report::layer_table;
use crate::cli::ui::Out;
use crate::model::layers;

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
            false => out.table(&layer_table(&layers, |number| number.to_string())),
        }
        out.finish()
    }
}
