//! `.onnx`: the network as a graph for ONNX Runtime and other programs. These files are written but not read.
//!
//! ```text
//! image [N, 1, 28, 28]  raw pixels, 0..255
//!   -> Conv -> Sigmoid -> MaxPool -> Conv -> Sigmoid -> MaxPool -> Flatten
//!   -> Gemm -> Sigmoid -> Gemm -> Sigmoid -> Gemm -> Sigmoid
//! output [N, 10]        ten sigmoids
//!   -> Clip to [1e-7, 1 - 1e-7] -> Div by the sum over the classes
//! probabilities [N, 10] as in the loss
//! ```
//!
//! The batch size N is dynamic. Field numbers and enum values are defined in
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

use super::ModelFile;
use super::protobuf::Message;
use super::tensors::to_torch;
use crate::model::{CLIP, OUTPUTS, TENSORS};

/// IR version 5 and operator set 10, from ONNX 1.5 (2019). OpenCV 4.6, which Debian 12 and Ubuntu 24.04 ship, cannot read the
/// Clip of later sets.
const IR_VERSION: u64 = 5;
const OPSET: u64 = 10;

/// The value of `TensorProto.DataType` for 32-bit floats.
const FLOAT: u64 = 1;

/// Encodes `file` as an ONNX model. The metadata becomes `metadata_props`. Equal files give equal bytes.
pub fn encode(file: &ModelFile) -> Vec<u8> {
    let metadata =
        file.metadata.iter().map(|(key, value)| Message::default().bytes(1, key).bytes(2, value));
    Message::default()
        .int(1, IR_VERSION)
        .bytes(2, "lenet")
        .message(7, graph(file))
        .message(8, Message::default().bytes(1, "").int(2, OPSET))
        .messages(14, metadata)
        .finish()
}

/// Builds the `GraphProto`.
fn graph(file: &ModelFile) -> Message {
    let weights = TENSORS.iter().zip(to_torch(&file.weights)).map(|(spec, values)| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensor(spec.name, spec.shape, &bytes)
    });
    // Multiplication by ones gives the sum over the classes, once per class. OpenCV 4.6 cannot divide a tensor by a single sum.
    let ones = tensor("ones", &[OUTPUTS, OUTPUTS], &1_f32.to_le_bytes().repeat(OUTPUTS * OUTPUTS));
    Message::default()
        .messages(1, nodes())
        .bytes(2, "lenet")
        .messages(5, weights.chain([ones]))
        .message(11, value("image", &[1, 28, 28], "raw pixels, 0 to 255"))
        .message(12, value("output", &[10], "a sigmoid for each class"))
        .message(12, value("probabilities", &[10], "output, clipped, divided by its sum"))
}

/// Builds the operations in execution order.
fn nodes() -> Vec<Message> {
    let mut nodes = Vec::new();
    let mut last = "image".to_owned();
    let mut add = |operator: &str, name: String, parameters: &[&str], attributes: Vec<Message>| {
        let inputs: Vec<&str> =
            std::iter::once(last.as_str()).chain(parameters.iter().copied()).collect();
        nodes.push(node(operator, &inputs, &name, attributes));
        last = name;
    };
    // Each layer has a weight and a bias.
    for (layer, pair) in TENSORS.as_chunks::<2>().0.iter().enumerate() {
        let [weight, bias] = pair;
        let name = weight.name.trim_end_matches(".weight");
        let parameters = [weight.name, bias.name];
        let is_convolution = weight.shape.len() == 4;
        if is_convolution {
            add("Conv", name.to_owned(), &parameters, vec![ints("kernel_shape", &[5, 5])]);
        } else {
            // The weight has shape [out, in].
            add("Gemm", name.to_owned(), &parameters, vec![int("transB", 1)]);
        }
        let is_last = 2 * (layer + 1) == TENSORS.len();
        let activation = if is_last { "output".to_owned() } else { format!("{name}.sigmoid") };
        add("Sigmoid", activation, &[], vec![]);
        if is_convolution {
            let window = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
            add("MaxPool", format!("{name}.pool"), &[], window);
        }
        if name == "conv2" {
            add("Flatten", "flat".to_owned(), &[], vec![int("axis", 1)]);
        }
    }
    add("Clip", "clipped".to_owned(), &[], vec![float("min", CLIP), float("max", 1.0 - CLIP)]);
    add("MatMul", "sum".to_owned(), &["ones"], vec![]);
    nodes.push(node("Div", &["clipped", "sum"], "probabilities", vec![]));
    nodes
}

/// Builds a `NodeProto`, named after its only output.
fn node(operator: &str, inputs: &[&str], name: &str, attributes: Vec<Message>) -> Message {
    inputs
        .iter()
        .fold(Message::default(), |node, input| node.bytes(1, input))
        .bytes(2, name)
        .bytes(3, name)
        .bytes(4, operator)
        .messages(5, attributes)
}

/// Builds an `AttributeProto` of type INT.
fn int(name: &str, value: u64) -> Message {
    Message::default().bytes(1, name).int(3, value).int(20, 2)
}

/// Builds an `AttributeProto` of type FLOAT.
fn float(name: &str, value: f32) -> Message {
    Message::default().bytes(1, name).float(2, value).int(20, 1)
}

/// Builds an `AttributeProto` of type INTS.
fn ints(name: &str, values: &[u64]) -> Message {
    values
        .iter()
        .fold(Message::default().bytes(1, name), |attribute, value| attribute.int(8, *value))
        .int(20, 7)
}

/// Builds a `TensorProto` of 32-bit floats with little-endian `raw_data`.
fn tensor(name: &str, shape: &[usize], raw: &[u8]) -> Message {
    shape
        .iter()
        .fold(Message::default(), |tensor, size| tensor.int(1, *size as u64))
        .int(2, FLOAT)
        .bytes(8, name)
        .bytes(9, raw)
}

/// Builds a `ValueInfoProto` of a float tensor [N, ..shape].
fn value(name: &str, shape: &[u64], doc: &str) -> Message {
    let batch = Message::default().bytes(2, "N");
    let sizes = shape.iter().map(|size| Message::default().int(1, *size));
    let dims = Message::default().messages(1, std::iter::once(batch).chain(sizes));
    let array = Message::default().int(1, FLOAT).message(2, dims);
    Message::default().bytes(1, name).message(2, Message::default().message(1, array)).bytes(3, doc)
}
