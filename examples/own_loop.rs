//! Trains with a loop of its own on the library's images, batches and network, in plain Burn:
//! `cargo run --release --example own_loop -- 2000` takes the first 2,000 images.

use std::error::Error;

use burn::backend::Autodiff;
use burn::tensor::Tensor;
use burn_ndarray::NdArray;
use lenet::backend::reference::cross_entropy;
use lenet::data::{Batches, FashionMnist, Options, epoch_order};
use lenet::format::{ModelFile, write};
use lenet::model::{LeNet, Weights};

type B = Autodiff<NdArray>;

fn main() -> Result<(), Box<dyn Error>> {
    let device = Default::default();
    let limit = match std::env::args().nth(1) {
        Some(count) => Some(count.parse()?),
        None => None,
    };
    let options = Options { limit, ..Options::default() };
    let train = FashionMnist::load(&options)?.train;
    let (seed, rate) = (42, 0.9);
    let start = Weights::initial(seed, 1.0).to_parameters();
    let mut parameters = Tensor::<B, 1>::from_floats(start.as_slice(), &device);
    for epoch in 1..=2 {
        let order = epoch_order(train.images().len() as u32, seed, epoch);
        let pass = Batches { order, ..Batches::in_order(&train, 32) };
        let mut last = 0.0;
        for batch in pass.tensors::<B>(&device) {
            parameters = parameters.require_grad();
            let outputs = LeNet::from_parameters(parameters.clone()).forward(batch.images);
            let loss = cross_entropy(outputs, batch.labels).mean();
            last = loss.clone().into_scalar();
            let gradient = parameters.grad(&loss.backward()).ok_or("no gradient")?;
            parameters = Tensor::from_inner(parameters.inner() - gradient * rate);
        }
        println!("epoch {epoch}: loss of the last batch {last:.4}");
    }
    let model = LeNet::from_parameters(parameters.inner());
    write("own.mpk".as_ref(), &ModelFile::from(model.to_weights()))?;
    println!("saved own.mpk");
    Ok(())
}
