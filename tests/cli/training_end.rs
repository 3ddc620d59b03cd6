//! How a training ended is said: early, with other weights than the last, or with nothing learnt.

use serde_json::Value;

use super::TestDir;

fn end(events: &[Value]) -> &Value {
    let mut ends = events.iter().filter(|event| event["event"] == "test");
    ends.next().unwrap()
}

/// A rate that lets the loss jump about, so that patience ends soon.
const RESTLESS: &str = "--epochs 40 --patience 1 --keep best --lr 3";

#[test]
fn early_stopping_is_reported() {
    let dir = TestDir::new();
    let output = dir.train(&format!("{RESTLESS} -o m.mpk --json"));
    let events = output.events();
    let (end, record) = (end(&events), dir.json("m.json"));
    let (done, kept) = (end["epochs_done"].as_u64().unwrap(), &end["kept_epoch"]);
    assert!(done < 40, "{end}");
    assert_eq!(kept, done - 1, "{end}");
    for found in [end, &record] {
        assert_eq!(found["stop_reason"], "patience");
        assert_eq!(&found["kept_epoch"], kept);
    }
    let said = format!(
        "note: stopped after epoch {done} of 40: the validation loss did not improve for 1 epoch; \
         go on with --resume and a larger --patience\n\
         note: the model has the weights of epoch {kept}, of the best validation loss\n"
    );
    output.assert_stderr_contains(&said);
    // Again, and in text.
    let again = dir.train(&format!("{RESTLESS} -o m.mpk --resume"));
    again.assert_stderr_contains(&said);
    assert!(!again.stderr().contains("--epochs"), "{}", again.stderr());
    let on = dir.train("--patience 40 -o m.mpk --resume --json");
    let events = on.events();
    assert_eq!(self::end(&events)["stop_reason"], "epochs");
    assert_eq!(self::end(&events)["epochs_done"], 40);
    assert_eq!(dir.json("m.json")["stop_reason"], "epochs");
    // Of each seed too.
    let seeds = dir.train(&format!("{RESTLESS} --seeds 42 --json"));
    let row = &seeds.events()[1];
    assert_eq!((&row["stop_reason"], &row["epochs_done"]), (&"patience".into(), &done.into()));
    seeds.assert_stderr_contains("(seed 42)");
}

#[test]
fn collapsed_model_is_reported() {
    let dir = TestDir::with_images(2000, 200);
    for rate in ["50", "1e30"] {
        let output = dir.train(&format!("--epochs 2 --json --lr {rate} -o m.mpk --force"));
        assert_eq!(end(&output.events())["collapsed"], true);
        assert_eq!(dir.json("m.json")["test"]["collapsed"], true);
        let rate = rate.parse::<f64>().unwrap();
        let warning = format!("use a learning rate below {rate} (--lr)");
        output.assert_stderr_contains(&warning);
    }
    let sound = dir.train("--epochs 2 --recipe tuned --json");
    assert_eq!(end(&sound.events())["collapsed"], false);
    assert_eq!(sound.stderr().matches("warning").count(), 0, "{}", sound.stderr());
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
    assert!(stderr.contains("hint: use a smaller --lr"), "{stderr}");
    let model = lenet::format::read(&dir.path("m.mpk")).unwrap();
    assert_eq!(model.weights.first_non_finite(), None);
    let epochs = dir.json("m.json")["epochs"].as_array().unwrap().len();
    assert_eq!(epochs, lines - 1, "one line to begin with, then one an epoch");
    dir.run("eval --any-dataset m.mpk").ok();
}
