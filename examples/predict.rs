//! Loads a trained model and says what is on a picture: `cargo run --release --example predict -- model.mpk shirt.png`.

use std::error::Error;
use std::path::Path;

use burn_ndarray::NdArray;
use lenet::cli::picture::{Invert, prepare, read};
use lenet::data::{FASHION_MNIST, Image};
use lenet::model::LeNet;

use burn::tensor::{Tensor, TensorData};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, picture] = words.as_slice() else {
        return Err("usage: predict MODEL PICTURE".into());
    };
    let device = Default::default();
    let model = lenet::format::read(Path::new(model))?;
    let model = LeNet::<NdArray>::from_weights(&model.weights, &device);
    let image: Image = prepare(read(Path::new(picture))?, Invert::Auto).image;
    // Raw pixels, 0 to 255: the scaling that a model was trained with is in its weights.
    let pixels = TensorData::new(image.map(f32::from).to_vec(), [1, 1, 28, 28]);
    let outputs = model.forward(Tensor::from_data(pixels, &device));
    let class = outputs.argmax(1).into_scalar() as usize;
    println!("{}", FASHION_MNIST.classes[class]);
    Ok(())
}
