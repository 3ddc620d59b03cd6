//! Measures the time that a training step takes on the host, and checks that a step allocates no GPU memory.

use std::time::{Duration, Instant};

use burn_wgpu::{Wgpu, WgpuRuntime};
use cubecl::Runtime;
use lenet::backend::{LeNetBackend, Trainer};
use lenet::data::Scaling;
use lenet::model::Activation;
use lenet::optim::Sgd;

use super::device;
use super::support::noise;
use super::training::start;

#[test]
fn steps_allocate_no_gpu_memory() {
    let Some(device) = device() else { return };
    let client = WgpuRuntime::client(device);
    let batches = noise(51 * 8, 8, Scaling::STANDARD);
    let sgd = Sgd::default();
    let mut trainer = Wgpu::trainer(Activation::Tanh, sgd, &start(sgd), device);
    trainer.start_epoch(batches, vec![0.01; 51], 0);
    trainer.step();
    trainer.results().unwrap();
    let before = client.memory_usage().unwrap();
    let mut host = Duration::MAX;
    let begin = Instant::now();
    for _ in 0..5 {
        let begin = Instant::now();
        (0..10).for_each(|_| trainer.step());
        // After `flush`, the driver has received all commands but may not have run any, so this is the time on the host.
        client.flush().unwrap();
        host = host.min(begin.elapsed());
    }
    let after = client.memory_usage().unwrap();
    trainer.results().unwrap();
    let device = begin.elapsed();
    let counts = |usage: &cubecl::MemoryUsage| (usage.number_allocs, usage.bytes_in_use);
    assert_eq!(counts(&before), counts(&after));
    println!(
        "steps of 8 images: {:.1} us each on the host (minimum of five runs of ten), {:.0} us each until completion",
        host.as_secs_f64() * 1e5,
        device.as_secs_f64() * 2e4
    );
}
