//! Trains LeNet with Flex, the CPU backend of the newest Burn, and prints the time of each epoch as JSON:
//! `lenet-with-flex DATA_DIR IMAGES EPOCHS`
//!
//! Batch size, learning rate, network and loss are those of `lenet train`. The images are not shuffled, which saves time.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Int, Tensor, TensorData};

const BATCH_SIZE: usize = 32;

#[derive(Module, Debug)]
struct LeNet {
    conv1: Conv2d,
    conv2: Conv2d,
    pool: MaxPool2d,
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

impl LeNet {
    fn new(device: &Device) -> Self {
        Self {
            conv1: Conv2dConfig::new([1, 6], [5, 5]).init(device),
            conv2: Conv2dConfig::new([6, 16], [5, 5]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            fc1: LinearConfig::new(256, 120).init(device),
            fc2: LinearConfig::new(120, 84).init(device),
            fc3: LinearConfig::new(84, 10).init(device),
        }
    }

    /// Returns the logits \[N, 10\] for `images` \[N, 1, 28, 28\].
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(sigmoid(self.conv1.forward(images)));
        let x = self.pool.forward(sigmoid(self.conv2.forward(x)));
        let x = sigmoid(self.fc1.forward(x.flatten(1, 3)));
        self.fc3.forward(sigmoid(self.fc2.forward(x)))
    }
}

/// Returns the bytes of an IDX file that follow its header.
fn values(dir: &Path, name: &str, header: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(File::open(dir.join(name))?).read_to_end(&mut bytes)?;
    Ok(bytes.split_off(header))
}

fn main() -> Result<(), Box<dyn Error>> {
    let [_, dir, images, epochs] =
        std::env::args().collect::<Vec<_>>().try_into().expect("three arguments");
    let (dir, images, epochs): (_, usize, usize) =
        (Path::new(&dir), images.parse()?, epochs.parse()?);
    let pixels = values(dir, "train-images-idx3-ubyte.gz", 16)?;
    let labels = values(dir, "train-labels-idx1-ubyte.gz", 8)?;
    let device = Device::flex().autodiff();
    let mut model = LeNet::new(&device);
    let (loss_function, mut optimizer) =
        (CrossEntropyLossConfig::new().init(&device), SgdConfig::new().init());
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for _ in 0..epochs {
        let (start, mut loss_sum) = (Instant::now(), 0.0);
        let batches = pixels.chunks(784 * BATCH_SIZE).zip(labels.chunks(BATCH_SIZE));
        for (pixels, labels) in batches.take(images.div_ceil(BATCH_SIZE)) {
            let pixels: Vec<f32> = pixels.iter().map(|pixel| f32::from(*pixel)).collect();
            let labels: Vec<i64> = labels.iter().map(|label| i64::from(*label)).collect();
            let pixels = TensorData::new(pixels, [labels.len(), 1, 28, 28]);
            let labels = Tensor::<1, Int>::from_data(labels.as_slice(), &device);
            let logits = model.forward(Tensor::from_data(pixels, &device));
            let loss = loss_function.forward(logits, labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.9, model, gradients);
            loss_sum += loss.into_scalar::<f64>();
        }
        seconds.push(start.elapsed().as_secs_f64());
        losses.push(loss_sum * BATCH_SIZE as f64 / images as f64);
    }
    let version = "plain Burn 0.22, Flex";
    println!("{}", serde_json::json!({ "version": version, "epochs": seconds, "losses": losses }));
    Ok(())
}
