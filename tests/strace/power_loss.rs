//! Tests power loss: creates every possible state of the files after a crash, and runs the program on it.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::FILES;
use super::crash_dir::{CrashDir, Files};
use super::crash_states::{Crashes, State};
use super::test_dir::stderr;

/// Returns the files in `state`. No command reads temporary files, and the next save removes all temporary files of its target,
/// so one empty file represents all of them per target.
fn files(crashes: &Crashes, state: &State) -> Files {
    let file = |(path, number): (&PathBuf, &Option<usize>)| match path.to_str().unwrap() {
        name if name.contains(".lenet-") => {
            let (prefix, _) = name.rsplit_once('-').unwrap();
            (format!("{prefix}-random").into(), Some(Vec::new()))
        }
        _ => (path.clone(), number.map(|number| crashes.contents[number].clone())),
    };
    state.iter().map(file).collect()
}

/// Asserts that `lenet train` with `args` on the files `before` survives a power loss at any time: `eval` and `resume` then use
/// one of the complete models, or report an error and change nothing. Returns the number of states.
fn assert_training_survives(dir: &CrashDir, before: &Files, args: &str, resume: &str) -> usize {
    let crashes = dir.crashes(before, args);
    let finished = dir.files();
    let model = |files: &Files| files.get(Path::new("m.mpk")).cloned().flatten();
    // A resumed run may end with the model of this run or of the old one.
    dir.restore(before);
    let old = dir.lenet(resume).status.success().then(|| model(&dir.files()));
    let ends = [Some(model(&finished)), old];
    let mut evaluated = BTreeSet::new();
    let mut losses: HashMap<Vec<u8>, f64> = HashMap::new();
    let distinct: BTreeSet<Files> =
        crashes.states.iter().map(|state| files(&crashes, state)).collect();
    println!("{args}: {} states, {} different to a reader", crashes.states.len(), distinct.len());
    let (mut resumed, mut refused) = (0, 0);
    for state in &distinct {
        let context = format!("{args}: {:?}", state.keys());
        dir.restore(state);
        // The record may cause a warning, so `eval` runs on every pair of model and record.
        let [bytes, record] =
            ["m.mpk", "m.json"].map(|name| state.get(Path::new(name)).cloned().flatten());
        if evaluated.insert((bytes.clone(), record)) {
            let eval = dir.lenet("eval m.mpk --any-dataset --json");
            match bytes {
                Some(bytes) => {
                    assert!(eval.status.success(), "{context}: {}", stderr(&eval));
                    let found: Value = serde_json::from_slice(&eval.stdout).unwrap();
                    let loss = found["loss"].as_f64().unwrap();
                    assert_eq!(*losses.entry(bytes).or_insert(loss), loss, "{context}");
                }
                None => assert_eq!(eval.status.code(), Some(1), "{context}: {}", stderr(&eval)),
            }
        }
        let output = dir.lenet(resume);
        let after = dir.files();
        match output.status.code() {
            Some(0) => {
                resumed += 1;
                assert!(ends.contains(&Some(model(&after))), "{context}: another model");
                let names = after.keys().map(|path| path.to_str().unwrap());
                let names: Vec<_> = names.filter(|name| !name.starts_with("logs")).collect();
                assert_eq!(names, FILES, "{context}");
            }
            Some(1) => {
                refused += 1;
                let stderr = stderr(&output);
                assert!(
                    stderr.contains("error: ") && !stderr.contains("internal"),
                    "{context}: {stderr}"
                );
                assert_eq!(model(&after), model(state), "{context}");
            }
            code => panic!("{context}: {code:?}: {}", stderr(&output)),
        }
    }
    // The possible models: the old one, one after each of two epochs, and the final one, which equals that of the second epoch.
    assert!(losses.len() <= 3, "{args}: {} models", losses.len());
    for state in &crashes.last {
        for name in FILES {
            let expected = finished[Path::new(name)].as_deref();
            assert_eq!(crashes.content(state, name), expected, "{args}: {name} is lost");
        }
    }
    let states = crashes.states.len();
    println!("{resumed} resumed, {refused} refused");
    assert!(states > 50 && resumed > distinct.len() / 2, "{args}");
    states
}

#[test]
fn training_survives_power_loss() {
    let dir = CrashDir::new();
    let train = "train --any-dataset -q -o m.mpk";
    dir.succeed(&format!("{train} --epochs 1 --seed 1"));
    let old = dir.files();
    let mut states = 0;
    let run = format!("{train} --epochs 2 --seed 2");
    states += assert_training_survives(&dir, &Files::new(), &run, &format!("{run} --resume"));
    let resume = format!("{train} --resume");
    states += assert_training_survives(&dir, &old, &format!("{run} --force"), &resume);
    let longer = format!("{resume} --epochs 2");
    states += assert_training_survives(&dir, &old, &longer, &longer);
    let logged = format!("{train} --epochs 1 --seed 2 --tensorboard logs");
    let resume = format!("{logged} --resume");
    states += assert_training_survives(&dir, &Files::new(), &logged, &resume);
    println!("{states} states of training");
}

#[test]
fn conversion_survives_power_loss() {
    let dir = CrashDir::new();
    for seed in [1, 2] {
        dir.succeed(&format!("train --any-dataset -q --epochs 1 --seed {seed} -o m{seed}.mpk"));
    }
    let models = dir.files();
    for (output, files) in [
        ("c.safetensors", &["c.safetensors"][..]),
        ("c.onnx", &["c.onnx"]),
        ("hub/", &["hub/README.md", "hub/config.json", "hub/model.onnx", "hub/model.safetensors"]),
    ] {
        dir.assert_old_or_new(&models, &format!("convert m1.mpk {output}"), files);
        let before = dir.files();
        let crashes =
            dir.assert_old_or_new(&before, &format!("convert m2.mpk {output} --force"), files);
        // The model card is complete only next to the files that it describes.
        let after = dir.files();
        for state in
            crashes.states.iter().filter(|state| state.contains_key(Path::new("hub/README.md")))
        {
            let is = |version: &Files| {
                files
                    .iter()
                    .all(|name| crashes.content(state, name) == version[Path::new(name)].as_deref())
            };
            assert!(is(&before) || is(&after), "a mixture");
        }
        // `eval` uses one of the two models.
        if let Some(name) = files.iter().find(|name| name.ends_with(".safetensors")) {
            let distinct: BTreeSet<_> =
                crashes.states.iter().map(|state| state.get(Path::new(name))).collect();
            for content in distinct.into_iter().flatten() {
                fs::write(
                    dir.work.path().join("x.safetensors"),
                    &crashes.contents[content.unwrap()],
                )
                .unwrap();
                dir.succeed("eval --any-dataset x.safetensors");
            }
        }
    }
}

#[test]
fn pages_survive_power_loss() {
    let dir = CrashDir::new();
    for seed in [1, 2] {
        dir.succeed(&format!("train --any-dataset -q --epochs 1 --seed {seed} -o m{seed}.mpk"));
    }
    let models = dir.files();
    for [first, again] in [
        ["report --any-dataset m1.mpk -o r.html", "report --any-dataset m2.mpk -o r.html --force"],
        [
            "compare --any-dataset m1.mpk m2.mpk -o r.html",
            "compare --any-dataset m2.mpk m1.mpk -o r.html --force",
        ],
        [
            "data show --any-dataset --png r.html",
            "data show --any-dataset --split test --png r.html --force",
        ],
    ] {
        dir.assert_old_or_new(&models, first, &["r.html"]);
        dir.assert_old_or_new(&dir.files(), again, &["r.html"]);
    }
}

#[test]
fn import_survives_power_loss() {
    let dir = CrashDir::new();
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/predict.png");
    for name in ["a/1", "a/2", "a/3", "b/1", "b/2", "b/3"] {
        let path = dir.work.path().join("pictures").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&picture, path).unwrap();
    }
    let files = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    let files = files.map(|name| format!("made/{name}-ubyte.gz"));
    let crashes = dir.crashes(&dir.files(), "data import pictures made --test-split 0.4");
    assert!(!crashes.states.is_empty());
    let old = dir.files();
    let crashes = dir.crashes(&old, "data import pictures made --test-split 0.7 --force");
    let new = dir.files();
    let content = |files: &Files, name: &str| files[Path::new(name)].clone().unwrap();
    for state in &crashes.states {
        // Labels never describe the images of the other version.
        for [images, labels] in files.as_chunks().0 {
            let found = [images, labels].map(|name| crashes.content(state, name));
            let is = |version: &Files| {
                found[0] == Some(&content(version, images))
                    && found[1] == Some(&content(version, labels))
            };
            assert!(found[1].is_none() || is(&old) || is(&new), "{images}: {:?}", state.keys());
        }
    }
    println!("{} states of an import", crashes.states.len());
}

#[test]
fn download_survives_power_loss() {
    let dir = CrashDir::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let name = "t10k-labels-idx1-ubyte.gz";
    // The directory has three of the four files, and a different file instead of the fourth, which is small.
    for entry in fs::read_dir(&data).unwrap().flatten().filter(|entry| entry.file_name() != name) {
        fs::copy(entry.path(), dir.work.path().join(entry.file_name())).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let labels = fs::read(data.join(name)).unwrap();
        for connection in listener.incoming().flatten() {
            let mut lines = BufReader::new(&connection).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                labels.len()
            );
            (&connection).write_all(&[head.as_bytes(), &labels].concat()).unwrap();
        }
    });
    let missing = dir.files();
    let fetch = format!("data fetch --data . --mirror {mirror}");
    dir.assert_old_or_new(&missing, &fetch, &[name]);
    let mut other = missing.clone();
    other.insert(name.into(), Some(b"another file".to_vec()));
    dir.assert_old_or_new(&other, &format!("{fetch} --force"), &[name]);
}
