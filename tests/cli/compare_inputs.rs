//! Tests how `lenet compare` reads logs and run records from elsewhere, and that none of their content can exhaust memory,
//! forge lines of output or count twice.

use std::fs;

use serde_json::Value;

use super::schema::assert_matches_schema;
use super::{CommandOutput, TestDir};

const LOG: &str =
    "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.2,0.6,0.9\n1,0.6,1.1,0.7,0.8\n";

/// Compares `log` with an ordinary log, as JSON and as a page.
fn compare_log(log: &str) -> (CommandOutput, String) {
    let dir = TestDir::empty();
    dir.write("a.csv", LOG);
    dir.write("b.csv", log);
    let output = dir.run("compare a.csv b.csv --json -o page.html");
    let page = if output.code() == 0 { dir.read_text("page.html") } else { String::new() };
    (output, page)
}

#[test]
fn nan_in_log_is_missing_value() {
    let diverged =
        "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.519,1.208,0.7,0.7786\n1,0.1,nan,0.1,nan\n";
    let without_validation = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.519,1.208,nan,nan\n";
    let huge =
        "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.1,1e308,0.1,-1e308\n1,0.1,1e308,0.1,inf\n";
    for log in [diverged, without_validation, huge] {
        let (output, page) = compare_log(log);
        let document = output.ok().json();
        assert_matches_schema("compare", &document);
        assert_eq!(document["runs"][1]["diverged"], true, "{document}");
        assert_eq!(document["runs"][1]["val_loss"], Value::Null);
        assert_eq!(document["runs"][0]["diverged"], false);
        assert!(page.contains("<th scope=\"row\">b (diverged)</th>"));
        assert!(!page.contains("NaN") && !page.contains("inf,") && !page.contains(",inf"));
    }
}

#[test]
fn log_columns_may_have_other_names() {
    let categorical = LOG.replace("accuracy", "categorical_accuracy");
    let appended = LOG.to_owned() + &LOG.replace("\n0,", "\n2,").replace("\n1,", "\n3,");
    for (log, epochs) in [(categorical, 2), (appended, 4)] {
        let run = compare_log(&log).0.ok().json()["runs"][1].clone();
        assert_eq!((&run["epochs"], &run["val_accuracy"]), (&epochs.into(), &0.7.into()), "{log}");
    }
    // The documentation of Keras calls the file training.log.
    let dir = TestDir::empty();
    dir.write("training.log", LOG);
    dir.write("A.CSV", LOG);
    let runs = dir.run("compare training.log A.CSV --json").ok().json()["runs"].clone();
    assert_eq!(runs[0]["val_loss"], runs[1]["val_loss"]);
    // PyTorch Lightning's metrics.csv has rows for parts of an epoch and no training accuracy.
    let lightning = "epoch,step,train_loss,val_acc,val_loss\n0,421,1.2,,\n0,421,,0.70,0.78\n";
    let expected =
        "expected the columns epoch, loss and accuracy (or acc), found \"epoch,step,train_loss";
    compare_log(lightning).0.assert_error(1, expected, "");
}

#[test]
fn values_in_logs_are_bounded() {
    let row = |row: &str| format!("epoch,accuracy,loss,seconds\n{row}\n");
    for (text, problem) in [
        ("1e15,0.5,1,1", "expected an epoch from 0 to 99999, found \"1e15\""),
        ("-1,0.5,1,1", "expected an epoch from 0 to 99999, found \"-1\""),
        ("0,1e308,1,1", "expected a number from 0 to 1, found \"1e308\""),
        ("0,0.5,1,1e300", "found \"1e300\""),
        ("0,0.5,1\u{1b}]0;x,1", "found \"1\\u{1b}]0;x\""),
    ] {
        compare_log(&row(text)).0.assert_error(1, problem, "");
    }
    // The last epoch that is allowed gives a small page.
    let (output, page) = compare_log(&row("99999,0.5,1,3e9"));
    assert_matches_schema("compare", &output.ok().json());
    assert!(page.len() < 100_000, "{}", page.len());
    // A long cell is quoted and truncated, and a line of many cells does not need much memory.
    let long = row(&format!("0,{},1,1", "x".repeat(20_000_000)));
    // Quoted line breaks do not join lines to a longer one.
    let joined = "x,\"\n".to_owned() + &format!("\",{}\"\n", ",".repeat(9990)).repeat(3300);
    for (log, problem) in [
        (long, "line 2: longer than"),
        ("y,".repeat(10_000_000), "line 1: longer"),
        (joined, "a quote is not closed"),
    ] {
        let dir = TestDir::empty();
        dir.write("a.csv", LOG);
        dir.write("b.csv", log);
        let output = dir.run_in_shell("ulimit -v 700000", "compare a.csv b.csv");
        output.assert_error(1, problem, "");
        assert!(output.stderr().len() < 500, "{}", output.stderr().len());
    }
}

#[test]
fn values_in_records_are_bounded() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    dir.remove("a.mpk");
    fs::copy(dir.path("a.json"), dir.path("b.json")).unwrap();
    let change = |change: &dyn Fn(&mut Value)| {
        let mut record = dir.json("a.json");
        change(&mut record);
        dir.write("b.json", record.to_string());
        dir.run("compare a.json b.json")
    };
    let long = "x".repeat(66_000);
    for output in [
        change(&|record| record["device"] = long.as_str().into()),
        change(&|record| record["settings"]["backend"] = long.as_str().into()),
        change(&|record| record["settings"]["recipe"]["name"] = long.as_str().into()),
        change(&|record| record["started"] = long.as_str().into()),
        change(&|record| record["data"]["file"] = long.as_str().into()),
        change(&|record| record["data"][&long] = "0".into()),
        change(&|record| record["kept_epoch"] = 1_000_000_000.into()),
        change(&|record| record["epochs"][0]["epoch"] = 1_000_000_000.into()),
        change(&|record| record["epochs"][0]["seconds"] = 1e300.into()),
        change(&|record| record["epochs"][0]["loss"] = 1e308.into()),
    ] {
        output.assert_error(1, "b.json: not a lenet run record: ", "");
        assert!(output.stderr().len() < 500, "{}", output.stderr());
    }
    // A map of 2 million entries would need several hundred MB.
    let entries: String = (0..2_000_000).map(|number| format!("\"{number:x}\":\"\",")).collect();
    let record = fs::read_to_string(dir.path("a.json")).unwrap();
    let data = record.find("\"data\"").unwrap();
    let open = data + record[data..].find('{').unwrap() + 1;
    dir.write("b.json", record[..open].to_owned() + &entries + &record[open..]);
    let output = dir.run_in_shell("ulimit -v 700000", "compare a.json b.json");
    output.assert_error(1, "more than 4 data files", "");
    // A line break in a name does not start a line of output.
    let output =
        change(&|record| record["settings"]["recipe"]["name"] = "classic\nerror: x".into());
    for output in
        [output, dir.run("runs --csv"), dir.run("runs"), dir.run("compare a.json b.json --json")]
    {
        assert!(!output.ok().stdout().lines().any(|line| line.starts_with("error:")));
    }
}

#[test]
fn run_listed_twice_counts_once() {
    let dir = TestDir::new();
    dir.train("--epochs 1 --seeds 1..2 -o c-{seed}.mpk");
    std::os::unix::fs::symlink("c-1.json", dir.path("link.json")).unwrap();
    fs::hard_link(dir.path("c-1.json"), dir.path("hard.json")).unwrap();
    let names = "c-1.json c-1.mpk ./c-1.json link.json hard.json c-2.json";
    let output = dir.run(&format!("compare {names} --any-dataset --json")).ok();
    assert_eq!(output.json()["groups"][0]["runs"], serde_json::json!([0, 1]));
    for name in ["c-1.mpk", "./c-1.json", "link.json", "hard.json"] {
        output
            .assert_stderr_contains(&format!("note: {name} is a run that is already in the list"));
    }
    // A copy is another file, but it is not an independent run.
    fs::copy(dir.path("c-1.json"), dir.path("copy.json")).unwrap();
    let output = dir.run("compare c-1.json copy.json --records-only").ok();
    output.assert_stderr_contains("warning: the 2 runs of classic have only 1 seed");
}

#[test]
fn sweep_has_one_row_per_run() {
    let dir = TestDir::new();
    let rates = ["0.9", "0.5", "0.1", "0.05", "0.01", "0.3", "0.2"];
    for (number, rate) in rates.iter().enumerate() {
        dir.train(&format!(
            "--epochs 1 --recipe tuned --lr {rate} --momentum 0.07 -o Run{number}.mpk"
        ));
    }
    let names: Vec<_> = (0..rates.len()).map(|number| format!("Run{number}.json")).collect();
    let sweep = format!("compare {} --any-dataset", names.join(" "));
    let output = dir.run(&format!("{sweep} -o page.html")).ok();
    let text = output.stdout();
    assert!(text.contains("run   seed  epochs  learning rate  "), "{text}");
    assert!(text.contains("\nRun0    42       1            0.9  "), "{text}");
    assert!(!text.contains("Welch") && !text.contains("McNemar") && !text.contains("F1"), "{text}");
    assert!(text.contains("7 groups are too many for pairwise tests"), "{text}");
    let page = dir.read_text("page.html");
    assert!(!page.contains("class=\"line0\"") && page.contains("<th scope=\"row\">Run0</th>"));
    // Settings have their shortest form.
    dir.train("--epochs 1 --recipe classic -o classic.mpk");
    let document = dir.run("compare Run0.json classic.json --records-only --json").ok().json();
    let mut differences = document["differences"].as_array().unwrap().iter();
    let decay = differences.find(|setting| setting["setting"] == "recipe.muon.weight_decay");
    assert_eq!(decay.unwrap()["values"], serde_json::json!(["0.07", null]));
}

#[test]
fn many_runs_are_compared_quickly() {
    let dir = TestDir::new();
    dir.train("--epochs 1 -o a.mpk");
    let mut record = dir.json("a.json");
    let mut names = Vec::new();
    for seed in 0..2000 {
        // Half of the runs form one group; each of the others forms its own group.
        record["settings"]["seed"] = seed.into();
        record["settings"]["batch_size"] = (1 + seed * (seed % 2)).into();
        names.push(format!("{seed}.json"));
        dir.write(&names[seed], record.to_string());
    }
    // At most 10 seconds of processor time.
    let setup = "ulimit -v 2000000; ulimit -t 10";
    let output = dir.run_in_shell(
        setup,
        &format!("compare {} --records-only --json -o p.html", names.join(" ")),
    );
    let document = output.ok().json();
    assert_eq!(document["groups"].as_array().unwrap().len(), 1001);
    // Pairs of models are counted, but only the first are compared.
    for copy in 0..40 {
        fs::copy(dir.path("a.mpk"), dir.path(&format!("{copy}.mpk"))).unwrap();
        fs::copy(dir.path("a.json"), dir.path(&format!("{copy}.json"))).unwrap();
    }
    let models: Vec<_> = (0..40).map(|copy| format!("{copy}.mpk")).collect();
    let models = models.join(" ");
    let document = dir.run(&format!("compare {models} --any-dataset --json")).ok().json();
    assert_matches_schema("compare", &document);
    let pairs = document["pairs"].as_array().unwrap().len() as u64;
    assert_eq!((pairs, &document["more_pairs"]), (50, &(40 * 39 / 2 - 50).into()));
}
