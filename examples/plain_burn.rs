//! Trains LeNet in ordinary Burn: `cargo run --release --example plain_burn -- 2000 1` uses 2,000 images and one epoch.
//!
//! The split, initial weights, image order, loss and update rule are those of `lenet train`, so the losses differ from those of
//! `lenet train` only by rounding.

use std::{error::Error, sync::Arc, time::Instant};

use burn::data::dataloader::{DataLoader, DataLoaderBuilder, batcher::Batcher};
use burn::data::dataset::{Dataset, transform::SelectionDataset};
use burn::optim::{GradientsParams, Optimizer, SgdConfig};
use burn::record::{FullPrecisionSettings, NamedMpkFileRecorder};
use burn::{backend::Autodiff, module::AutodiffModule, prelude::*};
use lenet::data::{Batch, ImageDataset, Item, Options, TrainAndTest, epoch_order};
use lenet::model::{LeNet, Weights, cross_entropy};

/// The backend to train on; replace it with `burn_wgpu::Wgpu` to train on a GPU.
type MyBackend = burn_ndarray::NdArray;

struct ImageBatcher;

impl<B: Backend> Batcher<B, Item, Batch<B>> for ImageBatcher {
    fn batch(&self, items: Vec<Item>, device: &Device<B>) -> Batch<B> {
        let pixels = items.iter().flat_map(|item| item.pixels.map(f32::from)).collect();
        let pixels = TensorData::new(pixels, [items.len(), 1, 28, 28]);
        let labels: Vec<i64> = items.iter().map(|item| item.label.into()).collect();
        let labels = Tensor::from_data(labels.as_slice(), device);
        Batch { images: Tensor::from_data(pixels, device), labels }
    }
}

fn loader<B: Backend>(images: &ImageDataset, order: Vec<u32>) -> Arc<dyn DataLoader<B, Batch<B>>> {
    let order = order.into_iter().map(|index| index as usize).collect(); // replaces `shuffle(seed)`
    let images = SelectionDataset::from_indices_checked(images.clone(), order);
    DataLoaderBuilder::new(ImageBatcher).batch_size(32).build(images)
}

fn correct<B: Backend>(outputs: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> f64 {
    outputs.argmax(1).squeeze_dim(1).equal(labels).int().sum().into_scalar().elem()
}

/// Trains for `epochs` epochs and saves the model to `path`; returns the loss of each epoch and the test accuracy.
pub fn train(data: &Options, epochs: u64, path: &str) -> Result<(Vec<f64>, f64), Box<dyn Error>> {
    let TrainAndTest { train, test, .. } = TrainAndTest::load(data)?;
    let (images, _validation) = train.split(0.1)?;
    let (seed, mut losses) = (42, Vec::new());
    let weights = Weights::initial(seed, 1.0);
    let mut model = LeNet::<Autodiff<MyBackend>>::from_weights(&weights, &Default::default());
    let mut optimizer = SgdConfig::new().init();
    for epoch in 1..=epochs {
        let (start, mut loss_sum, mut correct_sum) = (Instant::now(), 0.0, 0.0);
        for batch in loader(&images, epoch_order(images.len() as u32, seed, epoch)).iter() {
            let outputs = model.forward(batch.images);
            let loss = cross_entropy(outputs.clone(), batch.labels.clone());
            loss_sum += loss.clone().sum().into_scalar().elem::<f64>();
            correct_sum += correct(outputs, batch.labels);
            let gradients = GradientsParams::from_grads(loss.mean().backward(), &model);
            model = optimizer.step(0.9, model, gradients);
        }
        let time = start.elapsed();
        let [loss, accuracy] = [loss_sum, correct_sum].map(|sum| sum / images.len() as f64);
        println!("Epoch {epoch}/{epochs}  {time:.2?}  loss: {loss:.4}  accuracy: {accuracy:.4}");
        losses.push(loss);
    }
    let model = model.valid();
    let batches = loader(&test, (0..test.len() as u32).collect());
    let correct = batches.iter().map(|batch| correct(model.forward(batch.images), batch.labels));
    let accuracy = correct.sum::<f64>() / test.len() as f64;
    model.save_file(path, &NamedMpkFileRecorder::<FullPrecisionSettings>::new())?;
    println!("test  accuracy: {accuracy:.4}\nsaved {path}");
    Ok((losses, accuracy))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let limit = arguments.next().map(|images| images.parse()).transpose()?;
    let epochs = arguments.next().map_or(Ok(1), |epochs| epochs.parse())?;
    train(&Options { limit, ..Options::default() }, epochs, "plain_burn.mpk")?;
    Ok(())
}
