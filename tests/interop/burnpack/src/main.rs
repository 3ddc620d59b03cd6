//! Loads a `.bpk` file of `lenet` into a module of the newest Burn, and saves the module: `lenet-on-newest-burn IN.bpk OUT.bpk`

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;
use burn_store::{BurnpackStore, ModuleSnapshot};

#[derive(Module, Debug)]
struct LeNet {
    conv1: Conv2d,
    conv2: Conv2d,
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

fn main() {
    let [_, input, output] = std::env::args().collect::<Vec<_>>().try_into().expect("two paths");
    let device = Device::default();
    let mut net = LeNet {
        conv1: Conv2dConfig::new([1, 6], [5, 5]).init(&device),
        conv2: Conv2dConfig::new([6, 16], [5, 5]).init(&device),
        fc1: LinearConfig::new(256, 120).init(&device),
        fc2: LinearConfig::new(120, 84).init(&device),
        fc3: LinearConfig::new(84, 10).init(&device),
    };
    let result = net.load_from(&mut BurnpackStore::from_file(input)).expect("the file loads");
    assert!(result.is_success() && result.unused.is_empty(), "{result:?}");
    net.save_into(&mut BurnpackStore::from_file(output)).expect("the module is saved");
}
