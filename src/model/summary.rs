//! The table of layers: output shape, parameters and multiply-adds of each layer.

use serde::Serialize;

use super::{CONV1, CONV2, ConvShape, FC1, FC2, FC3, KERNEL, TENSORS};

/// One layer of the network, under the name that Keras gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSummary {
    /// Name in Keras, such as `conv2d_1`.
    pub name: &'static str,
    /// Shape of the layer's output, `[N, C, H, W]` or `[N, C]`.
    pub output_shape: Vec<usize>,
    /// Number of weights and biases.
    pub parameters: usize,
    /// Multiply-adds of a forward pass, for one image.
    pub macs: usize,
}

/// Names of the layers in Keras, each with the index of its weights in [`TENSORS`].
const LAYERS: [(&str, Option<usize>); 8] = [
    ("conv2d", Some(0)),
    ("max_pooling2d", None),
    ("conv2d_1", Some(2)),
    ("max_pooling2d_1", None),
    ("flatten", None),
    ("dense", Some(4)),
    ("dense_1", Some(6)),
    ("dense_2", Some(8)),
];

/// Returns the layers for a batch of `images` images.
pub fn layers(images: usize) -> Vec<LayerSummary> {
    let conv = |layer: ConvShape| {
        [layer.side - KERNEL + 1, layer.pooled].map(|side| vec![images, layer.outputs, side, side])
    };
    let dense = [FC1.inputs, FC1.outputs, FC2.outputs, FC3.outputs];
    let dense = dense.map(|length| vec![images, length]);
    let shapes = [conv(CONV1), conv(CONV2)].into_iter().flatten().chain(dense);
    let mut layers = Vec::new();
    for ((name, weights), output_shape) in LAYERS.into_iter().zip(shapes) {
        let numel =
            |offset: usize| weights.map_or(0, |index: usize| TENSORS[index + offset].numel());
        // A weight is used once per position of its output channel; a dense layer has one position.
        let macs = numel(0) * output_shape[2..].iter().product::<usize>();
        layers.push(LayerSummary { name, output_shape, parameters: numel(0) + numel(1), macs });
    }
    layers
}
