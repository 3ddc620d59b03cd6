//! The GPU backend, or the error of the program on a machine without a GPU.

#![cfg(feature = "wgpu")]

use super::{CommandOutput, DATA, TRAINED, TestDir};

/// Returns true if a run with `--backend wgpu` succeeded, and false if the run found no GPU. Panics if the run failed for
/// another reason, or if it found no GPU and `LENET_TEST_GPU=required` is set.
fn worked(output: &CommandOutput) -> bool {
    if output.code() == 0 {
        return true;
    }
    output.assert_error(1, "no GPU found", "--backend ndarray");
    assert_ne!(std::env::var("LENET_TEST_GPU").as_deref(), Ok("required"), "{}", output.stderr());
    false
}

#[test]
fn gpu_losses_match_cpu() {
    let dir = TestDir::empty();
    let train = |backend: &str| {
        dir.run(&format!("train --backend {backend} --limit 320 --epochs 1 --data {DATA} --json"))
    };
    let gpu = train("wgpu");
    if worked(&gpu) {
        let cpu = train("ndarray");
        for (index, key) in [(1, "loss"), (1, "val_loss"), (2, "loss")] {
            let [gpu, cpu] =
                [&gpu, &cpu].map(|output| output.events()[index][key].as_f64().unwrap());
            println!("{key}: {gpu} on the GPU, {cpu} on the CPU");
            assert!((gpu - cpu).abs() <= 1e-3, "{key}: {gpu}, {cpu}");
        }
        assert_eq!(gpu.json()["backend"], "wgpu");
    }
}

#[test]
fn eval_matches_on_both_backends() {
    let dir = TestDir::empty();
    let eval = |backend: &str| {
        dir.run(&format!("eval {TRAINED} --backend {backend} --limit 400 --data {DATA} --json"))
    };
    let gpu = eval("wgpu");
    if worked(&gpu) {
        let (gpu, cpu) = (&gpu.json(), &eval("ndarray").json());
        assert_eq!(gpu["confusion"], cpu["confusion"]);
        let [gpu, cpu] = [gpu, cpu].map(|document| document["loss"].as_f64().unwrap());
        assert!((gpu - cpu).abs() <= 1e-5, "{gpu}, {cpu}");
    }
}

#[test]
fn missing_gpu_suggests_cpu_backend() {
    let dir = TestDir::empty();
    let mut command =
        dir.lenet(&format!("train --backend wgpu --limit 320 --epochs 1 --data {DATA}"));
    // The Vulkan loader reads the paths of its drivers from these variables.
    command.env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent");
    CommandOutput::of(&mut command).assert_error(1, "no GPU found", "--backend ndarray");
    assert_eq!(dir.files(), [] as [&str; 0]);
}

#[test]
fn number_or_name_selects_gpu() {
    let dir = TestDir::new();
    let doctor = dir.run(&format!("doctor --json --data {DATA}"));
    let names = doctor.json()["gpus"].as_array().unwrap().clone();
    let train = |args: &str| dir.try_train(&format!("--backend wgpu --epochs 1 --json {args}"));
    if names.is_empty() {
        train("--gpu 0").assert_error(1, "no GPU found", "--backend ndarray");
        return;
    }
    for (number, name) in names.iter().enumerate() {
        let output = train(&format!("--gpu {number}")).ok();
        assert_eq!(&output.json()["device"], name);
    }
    let name = names[0].as_str().unwrap();
    let part = name.split(' ').next().unwrap().to_uppercase();
    let output = train(&format!("--gpu {part}")).ok();
    assert_eq!(output.json()["device"], name);
    for args in ["--gpu nosuch", "--gpu 99"] {
        train(args).assert_error(1, &format!("; found 0: {name}"), "--gpu 0");
    }
    let mut command = dir.lenet("train --any-dataset --backend wgpu --epochs 1");
    let output = CommandOutput::of(command.env("LENET_GPU", "nosuch"));
    output.assert_error(1, "no GPU matches \"nosuch\"", "--gpu 0");
    let doctor = dir.run(&format!("doctor --gpu nosuch --data {DATA}"));
    doctor.assert_error(1, "no GPU matches \"nosuch\"", "--gpu 0");
    // The CPU backend ignores the variable, and rejects the option.
    let mut command = dir.lenet("train --any-dataset --epochs 1");
    CommandOutput::of(command.env("LENET_GPU", "nosuch")).ok();
    let output = dir.try_train("--epochs 1 --gpu 0");
    output.assert_error(2, "--gpu has no effect without --backend wgpu", "");
}

#[test]
fn cache_directory_is_not_needed() {
    let dir = TestDir::empty();
    let args = format!("eval {TRAINED} --backend wgpu --limit 40 --data {DATA}");
    let mut command = dir.lenet(&args);
    command.env("HOME", "/nonexistent").env("XDG_CACHE_HOME", "/nonexistent");
    worked(&CommandOutput::of(&mut command));
    assert_eq!(dir.files(), [] as [&str; 0]);
}

#[test]
fn low_limits_are_reported() {
    let dir = TestDir::empty();
    let args = format!("eval {TRAINED} --backend wgpu --threads 1 --limit 40 --data {DATA}");
    // Mesa's software renderer crashes if it can reserve only 0.6 GB, and works with 0.8 GB.
    for megabytes in [300, 400, 600, 800] {
        let output = dir.run_in_shell(&format!("ulimit -v {megabytes}000"), &args);
        output.assert_error(1, "", "");
    }
}

#[test]
fn gpu_training_is_reproducible_and_resumable() {
    let dir = TestDir::new();
    let train = |args: &str| dir.try_train(&format!("--backend wgpu --recipe tuned {args} -q"));
    if !worked(&train("--epochs 2 -o once.mpk")) {
        return;
    }
    assert!(worked(&train("--epochs 2 -o again.mpk")));
    assert_eq!(dir.digest("again.mpk"), dir.digest("once.mpk"));

    let mut command = dir.lenet("train --any-dataset --backend wgpu --recipe tuned --epochs 2 --batch-size 4 -o stopped.mpk -q");
    let mut child = command.spawn().unwrap();
    // Depending on the machine, the signal arrives before the first step, during the 90 steps, or after the end of the run.
    std::thread::sleep(std::time::Duration::from_millis(700));
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-s", "INT", &id]).status();
    assert!(sent.is_ok());
    child.wait().unwrap();
    assert!(worked(&train("--epochs 2 --batch-size 4 -o stopped.mpk --resume")));
    assert!(worked(&train("--epochs 2 --batch-size 4 -o complete.mpk")));
    assert_eq!(dir.digest("stopped.mpk"), dir.digest("complete.mpk"));
}

#[test]
fn classic_step_launches_two_kernels() {
    expect_launches("classic", &[("Forward", 2), ("ForwardBackward", 30), ("Update", 30)]);
}

#[test]
fn tuned_step_launches_twelve_kernels() {
    expect_launches(
        "tuned",
        &[
            ("Apply", 30),
            ("Forward", 2),
            ("ForwardBackward", 30),
            ("Gram", 90),
            ("Polynomial", 90),
            ("Product", 90),
            ("Update", 30),
        ],
    );
}

/// Asserts that a run of 30 steps with two evaluations launches each kernel as often as `expected`, according to CubeCL's log.
fn expect_launches(recipe: &str, expected: &[(&str, usize)]) {
    let dir = TestDir::new();
    let args = "train --any-dataset --backend wgpu --epochs 1 --batch-size 6 -q --recipe";
    let mut command = dir.lenet(&format!("{args} {recipe}"));
    command.env("CUBECL_DEBUG_LOG", dir.path("kernels.log"));
    if !worked(&CommandOutput::of(&mut command)) {
        return;
    }
    let log = dir.read_text("kernels.log");
    // A launch is logged as `| duration | kernel | runtime`. Lines with more bars contain totals.
    let mut launches = std::collections::BTreeMap::new();
    for line in log.lines() {
        if let ["", _, kernel, "WgpuRuntime"] =
            line.split('|').map(str::trim).collect::<Vec<_>>()[..]
        {
            *launches.entry(kernel).or_insert(0) += 1;
        }
    }
    // The 180 training images take 30 steps of 6 images. The 20 validation images and the 40 test images take one `Forward`
    // launch each.
    assert_eq!(launches.into_iter().collect::<Vec<_>>(), expected);
    // If a shader selects a component of a vector by a computed index, the access goes through memory and costs 7 % of a step.
    // Therefore only buffers and workgroup memory may have computed indices.
    for (at, _) in log.match_indices("[l_") {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let name = &log[log[..at].trim_end_matches(is_name).len()..at];
        let is_array = name.starts_with("buffer_") || name.starts_with("shared_memory_");
        assert!(is_array, "{name:?} has a computed index");
    }
}
