use std::path::PathBuf;

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::record::{FullPrecisionSettings, NamedMpkFileRecorder, RecorderError};
use burn::tensor::activation::sigmoid;

#[derive(Module, Debug)]
pub struct LeNet<B: Backend> {
    pub conv1: Conv2d<B>,
    pub conv2: Conv2d<B>,
    pub fc1: Linear<B>,
    pub fc2: Linear<B>,
    pub fc3: Linear<B>,
}

impl<B: Backend> LeNet<B> {
    pub fn init(device: &B::Device) -> Self {
        Self {
            conv1: Conv2dConfig::new([1, 6], [5, 5]).init(device),
            conv2: Conv2dConfig::new([6, 16], [5, 5]).init(device),
            fc1: LinearConfig::new(256, 120).init(device),
            fc2: LinearConfig::new(120, 84).init(device),
            fc3: LinearConfig::new(84, 10).init(device),
        }
    }

    pub fn load(path: impl Into<PathBuf>, device: &B::Device) -> Result<Self, RecorderError> {
        let recorder = NamedMpkFileRecorder::<FullPrecisionSettings>::new();
        Self::init(device).load_file(path, &recorder, device)
    }

    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        let pool = MaxPool2dConfig::new([2, 2]).init();
        let x = pool.forward(sigmoid(self.conv1.forward(images))); // [N, 6, 12, 12]
        let x = pool.forward(sigmoid(self.conv2.forward(x))); // [N, 16, 4, 4]
        let x = sigmoid(self.fc1.forward(x.flatten(1, 3))); // [N, 120]
        let x = sigmoid(self.fc2.forward(x)); // [N, 84]
        sigmoid(self.fc3.forward(x)) // [N, 10]
    }
}
