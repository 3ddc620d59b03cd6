//! The end of a training run: early stopping, collapse and divergence are reported.

use serde_json::Value;

use super::TestDir;

fn test_event(events: &[Value]) -> &Value {
    events.iter().find(|event| event["event"] == "test").unwrap()
}

/// A learning rate so high that the validation loss oscillates and early stopping ends the run soon.
const UNSTABLE: &str = "--epochs 40 --patience 1 --keep best --lr 3";

#[test]
fn early_stopping_is_reported() {
    let dir = TestDir::new();
    let output = dir.train(&format!("{UNSTABLE} -o m.mpk --json"));
    let events = output.events();
    let (test, record) = (test_event(&events), dir.json("m.json"));
    let (done, kept) = (test["epochs_done"].as_u64().unwrap(), &test["kept_epoch"]);
    assert!(done < 40, "{test}");
    assert_eq!(kept, done - 1, "{test}");
    for found in [test, &record] {
        assert_eq!(found["stop_reason"], "patience");
        assert_eq!(&found["kept_epoch"], kept);
    }
    let notes = format!(
        "note: stopped after epoch {done} of 40: the validation loss did not improve for 1 epoch; \
         to continue, use --resume with a larger --patience\n\
         note: the model has the weights of epoch {kept}, which had the best validation loss\n"
    );
    output.assert_stderr_contains(&notes);
    // The text output of --resume repeats the notes.
    let again = dir.train(&format!("{UNSTABLE} -o m.mpk --resume"));
    again.assert_stderr_contains(&notes);
    assert!(!again.stderr().contains("use --epochs"), "{}", again.stderr());
    let resumed = dir.train("--patience 40 -o m.mpk --resume --json");
    let events = resumed.events();
    assert_eq!(test_event(&events)["stop_reason"], "epochs");
    assert_eq!(test_event(&events)["epochs_done"], 40);
    assert_eq!(dir.json("m.json")["stop_reason"], "epochs");
    // --seeds reports early stopping for each seed.
    let seeds = dir.train(&format!("{UNSTABLE} --seeds 42 --json"));
    let row = &seeds.events()[1];
    assert_eq!((&row["stop_reason"], &row["epochs_done"]), (&"patience".into(), &done.into()));
    seeds.assert_stderr_contains("(seed 42)");
}

#[test]
fn collapsed_model_is_reported() {
    let dir = TestDir::with_images(2000, 200);
    for rate in ["50", "1e30"] {
        let output = dir.train(&format!("--epochs 2 --json --lr {rate} -o m.mpk --force"));
        assert_eq!(test_event(&output.events())["collapsed"], true);
        assert_eq!(dir.json("m.json")["test"]["collapsed"], true);
        output.assert_stderr_contains("use the default learning rate (--lr 0.9)");
    }
    let tuned = dir.train("--epochs 2 --recipe tuned --json");
    assert_eq!(test_event(&tuned.events())["collapsed"], false);
    assert_eq!(tuned.stderr().matches("warning").count(), 0, "{}", tuned.stderr());
}

#[test]
fn advice_fits_cause_of_failure() {
    let dir = TestDir::with_images(2000, 200);
    for (args, advice) in [
        ("--lr 0.001", "use a larger learning rate (--lr 0.9) or more epochs (--epochs 6)"),
        ("--batch-size 1800", "use smaller batches (--batch-size 32) or more epochs (--epochs 6)"),
        (
            "--lr 0.01 --batch-size 600",
            "use a larger learning rate (--lr 0.9) or smaller batches (--batch-size 32) or more epochs",
        ),
        ("--recipe tuned --lr 1e-7", "use a larger learning rate (--lr 0.02) or more epochs"),
        (
            "--lr 50",
            "its outputs are saturated, because the steps were too large; use the default learning rate (--lr 0.9)",
        ),
        ("--recipe tuned --lr 30", "use the default learning rate (--lr 0.02)"),
        ("--lr 0.9 --momentum 0.99", "such as --lr 0.09, or --momentum 0"),
    ] {
        let output = dir.train(&format!("--epochs 3 -o m.mpk --force {args}"));
        let warning =
            output.stderr().lines().find(|line| line.starts_with("warning: ")).unwrap_or_default();
        assert!(warning.contains(advice), "{args}: {}", output.stderr());
    }
}

#[test]
fn divergence_keeps_last_good_epoch() {
    let dir = TestDir::new();
    let output = dir.try_train("--epochs 400 --lr 3e38 --momentum 0.99 -o m.mpk");
    let lines = output.stdout().lines().count();
    assert_eq!(output.code(), 1, "{}", output.stderr());
    let stderr = output.stderr();
    assert!(stderr.contains("error: training diverged: "), "{stderr}");
    assert!(stderr.contains(" in epoch ") && stderr.contains(", batch "), "{stderr}");
    assert!(stderr.contains("hint: try a smaller --lr"), "{stderr}");
    let model = lenet::format::read(&dir.path("m.mpk")).unwrap();
    assert_eq!(model.weights.first_non_finite(), None);
    let epochs = dir.json("m.json")["epochs"].as_array().unwrap().len();
    assert_eq!(epochs, lines - 2, "two header lines, then one line per epoch");
    dir.run("eval --any-dataset m.mpk").ok();
}
