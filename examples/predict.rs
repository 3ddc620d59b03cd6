//! Predicts the class of a picture: `cargo run --release --example predict -- model.mpk shirt.png`.

use std::error::Error;
use std::path::Path;

use burn_ndarray::NdArray;
use lenet::cli::picture::{Invert, prepare, read};
use lenet::data::{FASHION_MNIST, ImageDataset};
use lenet::{eval, model::argmax};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, picture] = arguments.as_slice() else {
        return Err("usage: predict MODEL PICTURE".into());
    };
    let weights = lenet::format::read(Path::new(model))?.weights;
    let image = prepare(read(Path::new(picture))?, Invert::Auto).image;
    // A data set has labels, but they do not affect the outputs.
    let images = ImageDataset::new(vec![image], vec![0]);
    let outputs = eval::outputs::<NdArray>(&weights, &images, 1, &Default::default())?;
    println!("{}", FASHION_MNIST.classes[argmax(&outputs[0])]);
    Ok(())
}
