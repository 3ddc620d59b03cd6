//! What a step costs the host, and that nothing but launches happens in it.

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
    let mut host = Duration::MAX;
    let begin = Instant::now();
    for _ in 0..5 {
        let begin = Instant::now();
        (0..10).for_each(|_| training.step());
        // All is with the driver then, and none of it need be done.
        client.flush().unwrap();
        host = host.min(begin.elapsed());
    }
    let after = client.memory_usage().unwrap();
    training.scores().unwrap();
    let device = begin.elapsed();
    let counts = |usage: &cubecl::MemoryUsage| (usage.number_allocs, usage.bytes_in_use);
    assert_eq!(counts(&before), counts(&after));
    println!(
        "steps of 8 images: {:.1} us each for the host to ask for (least of five tens), {:.0} us each to be done",
        host.as_secs_f64() * 1e5,
        device.as_secs_f64() * 2e4
    );
}
