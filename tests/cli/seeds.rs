//! `lenet train --seeds` and `--recipe tuned`.

use super::TestDir;

#[test]
fn seeds_report_rows_and_statistics() {
    let dir = TestDir::new();
    let events = dir.train("--seeds 3,1..2 --epochs 1 --json").events();
    let names: Vec<_> = events.iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "seed", "seed", "seed", "summary"]);
    let seeds: Vec<_> = events[1..4].iter().map(|e| e["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [3, 1, 2]);
    let losses: Vec<_> = events[1..4].iter().map(|e| e["test_loss"].as_f64().unwrap()).collect();
    let mean = losses.iter().sum::<f64>() / 3.0;
    let sd = (losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    let summary = |statistic: &str| events[4]["test_loss"][statistic].as_f64().unwrap();
    assert!((summary("mean") - mean).abs() < 1e-12 && (summary("sd") - sd).abs() < 1e-12);
    assert!(losses.contains(&summary("min")) && losses.contains(&summary("max")));
    assert!(losses.iter().all(|loss| (summary("min")..=summary("max")).contains(loss)));
    assert_eq!(events[4]["runs"], 3);
    assert_eq!(dir.files(), [] as [&str; 0], "without -o there are no files");

    // A run of seed 2 alone gives the same result.
    let alone = dir.train("--seed 2 --epochs 1 --json").events();
    assert_eq!(alone[2]["loss"], events[3]["test_loss"]);
}

#[test]
fn output_placeholder_expands_to_seed() {
    let dir = TestDir::new();
    let output = dir.try_train("--seeds 1..2 --epochs 1 -o m.mpk");
    output.assert_error(2, "{seed}", "");
    let output = dir.train("--seeds 1..2 --epochs 1 -o m-{seed}.mpk");
    assert!(dir.path("m-1.mpk").is_file() && dir.path("m-2.mpk").is_file());
    let lines: Vec<_> = output.stdout().lines().collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[4].starts_with("mean") && lines[5].starts_with("  sd"), "{lines:?}");
    dir.try_train("--seeds 1 --seed 2").assert_error(2, "cannot be used with", "");
}

#[test]
fn tuned_model_accepts_raw_pixels() {
    // The tuned recipe scales pixels in training, but its saved model expects raw pixels like that of any other recipe.
    let dir = TestDir::new();
    let events = dir.train("--recipe tuned --epochs 2 --json").events();
    assert_eq!(events[0]["recipe"], "tuned");
    let eval = dir.run("eval model.mpk --any-dataset --json").json();
    assert_eq!(eval["loss"], events[3]["loss"]);
    assert_eq!(dir.json("model.json")["settings"]["recipe"]["name"], "tuned");
}
