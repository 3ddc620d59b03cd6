//! The GPU backend, or what the program says where there is none.

#![cfg(feature = "wgpu")]

use super::{Place, Ran};

const TRAINED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/goldens/trained.safetensors"
);
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// Asserts that a run with `--backend wgpu` worked, or else that it said that there is no GPU. A machine that
/// must have one sets LENET_TEST_GPU=required.
fn worked(ran: &Ran) -> bool {
    if ran.code() == 0 {
        return true;
    }
    ran.assert_error(1, "no GPU was found", "--backend ndarray");
    assert_ne!(
        std::env::var("LENET_TEST_GPU").as_deref(),
        Ok("required"),
        "{}",
        ran.stderr()
    );
    false
}

#[test]
fn an_epoch_on_the_gpu_has_the_losses_of_the_cpu() {
    let place = Place::empty();
    let train = |backend: &str| {
        place.run(&format!(
            "train --backend {backend} --limit 320 --epochs 1 --data {DATA} --json"
        ))
    };
    let gpu = train("wgpu");
    if worked(&gpu) {
        let cpu = train("ndarray");
        for (index, key) in [(1, "loss"), (1, "val_loss"), (2, "loss")] {
            let [gpu, cpu] = [&gpu, &cpu].map(|ran| ran.events()[index][key].as_f64().unwrap());
            println!("{key}: {gpu} on the GPU, {cpu} on the CPU");
            assert!((gpu - cpu).abs() <= 1e-3, "{key}: {gpu}, {cpu}");
        }
        assert_eq!(gpu.events()[0]["backend"], "wgpu");
    }
}

#[test]
fn a_model_is_worth_the_same_on_both_backends() {
    let place = Place::empty();
    let eval = |backend: &str| {
        place.run(&format!(
            "eval {TRAINED} --backend {backend} --limit 400 --data {DATA} --json"
        ))
    };
    let gpu = eval("wgpu");
    if worked(&gpu) {
        let (gpu, cpu) = (&gpu.events()[0], &eval("ndarray").events()[0]);
        assert_eq!(gpu["confusion"], cpu["confusion"]);
        let [gpu, cpu] = [gpu, cpu].map(|document| document["loss"].as_f64().unwrap());
        assert!((gpu - cpu).abs() <= 1e-5, "{gpu}, {cpu}");
    }
}

#[test]
fn without_a_gpu_the_error_names_the_other_backend() {
    let place = Place::empty();
    let mut command = place.lenet(&format!(
        "train --backend wgpu --limit 320 --epochs 1 --data {DATA}"
    ));
    // What Vulkan's loader reads to find its drivers.
    command
        .env("VK_DRIVER_FILES", "/nonexistent")
        .env("VK_ICD_FILENAMES", "/nonexistent");
    Ran(command.output().unwrap()).assert_error(1, "no GPU was found", "--backend ndarray");
    assert_eq!(place.files(), [] as [&str; 0]);
}
