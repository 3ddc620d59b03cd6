//! `lenet shapes`.

use burn::tensor::backend::Backend;
use serde::Serialize;

use crate::cli::{Layout, ShapesArgs};
use crate::error::Error;
use crate::model::{LayerSummary, Weights};
use crate::ops::LeNetBackend;
use crate::ui::Out;

use super::{OnBackend, layers};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    layers: &'a [LayerSummary],
    parameters: usize,
}

impl OnBackend for ShapesArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        shapes::<B>(self, device)
    }
}

/// Sends a batch through the network and lists what comes out of each layer.
fn shapes<B: Backend>(args: &ShapesArgs, device: &B::Device) -> Result<(), Error> {
    let mut layers = layers::<B>(&Weights::zeros(), args.batch_size, device);
    if args.layout == Layout::Nhwc {
        for layer in &mut layers {
            if let [n, c, h, w] = layer.output_shape[..] {
                layer.output_shape = vec![n, h, w, c];
            }
        }
    }
    let parameters = layers.iter().map(|layer| layer.parameters).sum();
    let mut out = Out::default();
    match args.json {
        true => out.json(&Document { schema: 1, layers: &layers, parameters }),
        false => out.verbatim(&text(&layers, parameters)),
    }
    out.finish()
}

fn text(layers: &[LayerSummary], parameters: usize) -> String {
    let shape = |layer: &LayerSummary| {
        let sizes: Vec<String> = layer.output_shape.iter().map(usize::to_string).collect();
        format!("({})", sizes.join(", "))
    };
    let title = "output shape";
    let width = layers.iter().map(|layer| shape(layer).len()).max().unwrap_or(0).max(title.len());
    let line = |name: &str, shape: &str, parameters: &str, macs: &str| {
        format!("{name:<15}  {shape:<width$}  {parameters:>10}  {macs:>13}")
    };
    let macs: usize = layers.iter().map(|layer| layer.macs).sum();
    let mut lines = vec![line("layer", title, "parameters", "multiply-adds")];
    lines.extend(layers.iter().map(|layer| {
        let (parameters, macs) = (layer.parameters.to_string(), layer.macs.to_string());
        line(layer.name, &shape(layer), &parameters, &macs)
    }));
    lines.push(line("total", "", &parameters.to_string(), &macs.to_string()));
    lines.join("\n")
}
