//! Predicts the class of a picture: `cargo run --release --example predict -- model.mpk shirt.png`.

use std::error::Error;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use burn_ndarray::NdArray;
use lenet::cli::picture::{Invert, prepare, read};
use lenet::data::{FASHION_MNIST, Image};
use lenet::model::LeNet;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, picture] = arguments.as_slice() else {
        return Err("usage: predict MODEL PICTURE".into());
    };
    let device = Default::default();
    let model = lenet::format::read(Path::new(model))?;
    let model = LeNet::<NdArray>::from_weights(&model.weights, &device);
    let image: Image = prepare(read(Path::new(picture))?, Invert::Auto).image;
    // The model expects raw pixels, 0 to 255: its weights include any scaling used in training.
    let pixels = TensorData::new(image.map(f32::from).to_vec(), [1, 1, 28, 28]);
    let outputs = model.forward(Tensor::from_data(pixels, &device));
    let class = outputs.argmax(1).into_scalar() as usize;
    println!("{}", FASHION_MNIST.classes[class]);
    Ok(())
}
