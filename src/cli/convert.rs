//! Options of `lenet convert`.

use std::path::PathBuf;

use clap::Args;

use super::ComputeArgs;

const EXAMPLES: &str = "\
Examples:
  lenet convert model.mpk model.safetensors   for PyTorch, and for Keras with a few lines of Python
  lenet convert model.mpk model.onnx          for ONNX Runtime and whatever else runs ONNX
  lenet convert model.mpk my-lenet/           a folder as Hugging Face's hub wants it, with a model card
  lenet convert net.pt model.mpk              from torch.save(net.state_dict(), \"net.pt\")";

/// Write a model in another format
///
/// The endings say which: .mpk and .safetensors are read and written, .pt and .pth read, .onnx written. What was
/// written is read back, both models see the same images, and the largest difference of their outputs is printed.
/// Seed, recipe, accuracy and the data's digests, from the .json beside IN, travel along into .safetensors and .onnx.
/// A folder, there already or with a stroke behind its name, gets README.md (a model card with the measured figures),
/// config.json, model.safetensors and model.onnx.
#[derive(Debug, Clone, Args)]
#[command(before_help = EXAMPLES)]
pub struct ConvertArgs {
    /// Model file to read: .mpk, .safetensors or .pt
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Model file to write: .mpk, .safetensors or .onnx; or a folder
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Replace OUT, or its files in the folder, if they exist
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its help is its fields'")]
    pub compute: ComputeArgs,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
