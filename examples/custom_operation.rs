//! Replaces one operation: gradients come from the library's kernels, the update, with the gradient's length limited to 1, is
//! made here. `cargo run --release --example custom_operation -- 2000` takes the first 2,000 images.

use std::error::Error;

use burn::tensor::{Tensor, TensorPrimitive};
use burn_ndarray::NdArray;
use lenet::backend::LeNetBackend;
use lenet::data::{Batches, FashionMnist, Options, epoch_order};
use lenet::model::{Activation, Weights};

fn main() -> Result<(), Box<dyn Error>> {
    let limit = std::env::args().nth(1).map(|n| n.parse()).transpose()?;
    let options = Options { limit, ..Options::default() };
    let train = FashionMnist::load(&options)?.train;
    let start = Weights::initial(42, 1.0).to_parameters();
    let mut parameters = Tensor::<NdArray, 1>::from_floats(start.as_slice(), &Default::default());
    for epoch in 1..=2 {
        let pass = Batches {
            order: epoch_order(train.images().len() as u32, 42, epoch),
            ..Batches::in_order(&train, 32)
        };
        let mut sum = 0.0;
        for batch in 0..pass.batches() {
            let now = parameters.clone().into_primitive().tensor();
            let found = NdArray::gradients(Activation::Sigmoid, now, pass.batch(batch));
            let tensor =
                |values| Tensor::<NdArray, 1>::from_primitive(TensorPrimitive::Float(values));
            sum += tensor(found.losses).mean().into_scalar();
            let gradient = tensor(found.gradients);
            let length = gradient.clone().powf_scalar(2.0).sum().sqrt().clamp_min(1.0);
            parameters = parameters - gradient / length * 0.9;
        }
        println!("epoch {epoch}: loss {:.4}", sum / pass.batches() as f32);
    }
    Ok(())
}
