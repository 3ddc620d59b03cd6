//! What a step costs the host, and that nothing but launches happens in it.

use std::time::Instant;

use burn_wgpu::{Wgpu, WgpuRuntime};
use cubecl::Runtime;
use lenet::data::Scaling;
use lenet::descent::Sgd;
use lenet::model::Activation;
use lenet::ops::{LeNetBackend, Trainer};

use super::device;
use super::support::noise;
use super::training::start;

#[test]
fn fifty_steps_allocate_nothing_and_wait_for_nothing() {
    let Some(device) = device() else { return };
    let client = WgpuRuntime::client(device);
    let pass = noise(51 * 8, 8, Scaling::STANDARD);
    let sgd = Sgd::default();
    let mut training =
        <Wgpu as LeNetBackend>::Trainer::new(Activation::Tanh, sgd, &start(sgd), device);
    training.begin(pass, vec![0.01; 51], 0);
    training.step();
    training.scores().unwrap();
    let before = client.memory_usage().unwrap();
    let begin = Instant::now();
    (0..50).for_each(|_| training.step());
    let host = begin.elapsed();
    let after = client.memory_usage().unwrap();
    training.scores().unwrap();
    let device = begin.elapsed();
    let counts = |usage: &cubecl::MemoryUsage| (usage.number_allocs, usage.bytes_in_use);
    assert_eq!(counts(&before), counts(&after));
    println!(
        "50 steps of 8 images: {:.1} us a step for the host to ask for, {:.1} us to be done",
        host.as_secs_f64() * 2e4,
        device.as_secs_f64() * 2e4
    );
}
