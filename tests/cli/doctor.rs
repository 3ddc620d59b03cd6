//! Tests that `lenet doctor` reports CPU, GPU and data, and fails if the data is unusable.

use super::{DATA, TestDir};

#[test]
fn doctor_reports_cpu_gpu_and_data() {
    let output = TestDir::empty().run(&format!("doctor --data {DATA} --json")).ok();
    let document = output.json();
    let levels = document["cpu"]["levels"].as_array().unwrap();
    assert!(levels.contains(&document["cpu"]["level"]), "{document}");
    assert!(document["cpu"]["threads"].as_u64().unwrap() >= 1);
    let speed = |part: &str| document[part]["images_per_second"].as_f64();
    let cpu = speed("cpu").unwrap();
    let gpu = speed("gpu").unwrap_or_default();
    assert!(cpu > 100.0, "{document}");
    let faster = if gpu > cpu { "wgpu" } else { "ndarray" };
    assert_eq!(document["faster"], faster, "{document}");
    assert_eq!(document["data"]["train_samples"], 60_000);
    assert_eq!(document["data"]["test_samples"], 10_000);
    let gpu = &document["gpu"];
    let names = document["gpus"].as_array().unwrap();
    assert!(gpu["name"].is_null() || names.contains(&gpu["name"]), "{document}");
    let expected = match cfg!(feature = "wgpu") {
        true => "no GPU found",
        false => "feature wgpu",
    };
    match gpu["problem"].as_str() {
        Some(problem) => assert!(problem.contains(expected), "{problem}"),
        None => assert!(gpu["name"].is_string(), "{gpu}"),
    }

    let output = TestDir::empty().run(&format!("doctor --data {DATA}"));
    let lines: Vec<_> = output.stdout().lines().map(str::to_owned).collect();
    let lines: Vec<_> =
        lines.into_iter().filter(|line| !line.starts_with("        --gpu ")).collect();
    let labels: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(labels, ["lenet", "cpu", "gpu", "faster", "data"]);
    assert!(
        lines[4].ends_with("data: Fashion-MNIST, 60000 training and 10000 test images"),
        "{}",
        lines[4]
    );
}

#[test]
fn doctor_fails_on_unusable_data() {
    // The report is still printed.
    let dir = TestDir::new();
    for (args, problem) in [("doctor --data none", "none"), ("doctor", "not Fashion-MNIST")] {
        let output = dir.run(args);
        assert_eq!(output.code(), 1, "{}", output.stderr());
        output.assert_stderr_contains("hint: ");
        output.assert_stderr_contains(problem);
        let stdout = output.stdout();
        assert!(stdout.contains("\ndata    none: "), "{stdout}");
        assert!(stdout.starts_with("lenet   "), "{stdout}");
    }
}
