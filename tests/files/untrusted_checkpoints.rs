//! Checkpoints that are corrupt, random or crafted: each is rejected, or read and valid for training. Reading
//! never panics.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use lenet::format::{ModelFile, safetensors};
use lenet::io::text::hex;
use lenet::model::Weights;
use lenet::train::{Best, Checkpoint, EpochRecord, Keep, Recipe, RunRecord, RunningSums, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{assert_memory_is_bounded, lock_memory};

/// A valid checkpoint with all optional parts.
static VALID: LazyLock<Checkpoint> = LazyLock::new(|| {
    let settings = Settings {
        seed: u64::MAX,
        limit: Some(320),
        keep: Keep::Best,
        patience: Some(3),
        ..Settings::new(Recipe { momentum: 0.5, ..Recipe::classic() })
    };
    let mut checkpoint = Checkpoint::initial(RunRecord {
        data: BTreeMap::from([("train-labels-idx1-ubyte".to_owned(), "ab".repeat(32))]),
        kept_epoch: Some(1),
        ..RunRecord::new(settings, "CPU (avx2)")
    });
    let record = EpochRecord {
        epoch: 1,
        seconds: 0.1 + 0.2,
        loss: 1.0 / 3.0,
        accuracy: 0.5,
        val_loss: Some(f64::MIN_POSITIVE),
        val_accuracy: None,
    };
    checkpoint.slots = vec![Weights::zeros()];
    checkpoint.best =
        Some(Best { epoch: 1, val_loss: f64::MIN_POSITIVE, weights: checkpoint.weights.clone() });
    checkpoint.record.epochs = vec![record.clone(), EpochRecord { epoch: 2, ..record }];
    checkpoint.sums =
        RunningSums { batches: 3, samples: 96, loss: 3.5, correct: 40, seconds: 0.25 };
    checkpoint
});

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| VALID.encode());

/// The JSON of the valid checkpoint, which is the second line of its file.
static CONTENT: LazyLock<Value> = LazyLock::new(|| line(1));

/// Parses line `index` of the valid file.
fn line(index: usize) -> Value {
    let line = BYTES.split(|byte| *byte == b'\n').nth(index).unwrap();
    serde_json::from_slice(line).unwrap()
}

/// Builds a checkpoint file of these parts. Its first line contains their lengths and digest.
fn with_header(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
    let mut head = line(0);
    head["lengths"] = json!(lengths);
    head["sha256"] = json!(hex(&Sha256::digest(&body)));
    [format!("{head}\n").into_bytes(), body].concat()
}

/// Builds a checkpoint with this JSON and `weights` valid sets of weights.
fn crafted(content: &Value, weights: usize) -> Vec<u8> {
    let set = safetensors::encode(&ModelFile::from(Weights::zeros()));
    let mut parts = vec![content.to_string().into_bytes()];
    parts.extend(vec![set; weights]);
    with_header(&parts)
}

/// Returns prefixes of a checkpoint file, and texts that resemble such a prefix.
fn starts() -> Vec<String> {
    let head = format!("{{\"lenet_state\":{},\"lengths\":[", Checkpoint::LAYOUT);
    ["", "{", "{}\n", &head, "\n"].map(str::to_owned).to_vec()
}

/// Reads `bytes`. Asserts that the checkpoint is valid for training, or that the error is a single line.
fn read(bytes: &[u8]) -> Option<Checkpoint> {
    match Checkpoint::decode(bytes) {
        Ok(checkpoint) => {
            checkpoint.record.settings.check().unwrap();
            assert_eq!(checkpoint.weights.first_non_finite(), None);
            assert_eq!(Checkpoint::decode(&checkpoint.encode()).unwrap(), checkpoint);
            let _ = checkpoint.check_progress(288);
            let _ = checkpoint.is_over();
            Some(checkpoint)
        }
        Err(problem) => {
            assert!(!problem.is_empty() && problem.len() < 700, "{problem:?}");
            assert!(!problem.contains(char::is_control), "{problem:?}");
            None
        }
    }
}

/// Replaces value number `nth` in `tree`, counting from zero and depth first.
fn replace(tree: &mut Value, nth: &mut usize, value: &Value) {
    if *nth == 0 {
        *tree = value.clone();
    }
    *nth = nth.wrapping_sub(1);
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, nth, value)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, nth, value)),
        _ => {}
    }
}

/// Returns a strategy for values that are invalid in most positions.
fn value() -> impl Strategy<Value = Value> {
    let edge_cases =
        r#"[null, true, 0, -1, 18446744073709551615, 1e308, -0.0, 0.999, "", "best", [], {}]"#;
    let edge_cases: Vec<Value> = serde_json::from_str(edge_cases).unwrap();
    prop_oneof![
        prop::sample::select(edge_cases),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::collection::vec(any::<char>(), 0..40)
            .prop_map(|text| Value::from(String::from_iter(text))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_detected(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
        near_the_start in any::<bool>(),
    ) {
        let mut bytes = BYTES.clone();
        let length = if near_the_start { 2000 } else { bytes.len() };
        for (index, change) in changes {
            bytes[index.index(length)] ^= change;
        }
        // The file is still valid if two changes cancel out, or if the only change capitalises a letter of the digest.
        prop_assert!(read(&bytes).is_none_or(|checkpoint| checkpoint == *VALID));
    }

    #[test]
    fn truncation_is_detected(end in any::<prop::sample::Index>(), near_the_start in any::<bool>()) {
        let length = if near_the_start { 2000 } else { BYTES.len() };
        prop_assert_eq!(read(&BYTES[..end.index(length)]), None);
    }

    #[test]
    fn random_bytes_are_rejected(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        start in prop::sample::select(starts()),
    ) {
        prop_assert_eq!(read(&[start.as_bytes(), &bytes].concat()), None);
    }

    #[test]
    fn wrong_lengths_are_rejected(lengths in prop::collection::vec(prop_oneof![0..400_000_usize, any::<usize>()], 0..6)) {
        let head = json!({"lenet_state": Checkpoint::LAYOUT, "lengths": lengths, "sha256": hex(&Sha256::digest(body()))});
        let bytes = [format!("{head}\n").as_bytes(), body()].concat();
        prop_assert_eq!(read(&bytes), None);
    }

    #[test]
    fn crafted_content_is_rejected_or_valid(
        changes in prop::collection::vec((0..70_usize, value()), 1..3),
        weights in 0..5_usize,
    ) {
        let mut content = CONTENT.clone();
        for (mut nth, value) in changes {
            replace(&mut content, &mut nth, &value);
        }
        read(&crafted(&content, weights));
    }

    #[test]
    fn crafted_weights_are_rejected_or_valid(
        at in 0..3000_usize,
        change in 1..=255_u8,
        which in 1..4_usize,
    ) {
        let set = safetensors::encode(&ModelFile::from(Weights::zeros()));
        let mut parts = vec![CONTENT.to_string().into_bytes(), set.clone(), set.clone(), set];
        let at = at % parts[which].len();
        parts[which][at] ^= change;
        read(&with_header(&parts));
    }
}

fn body() -> &'static [u8] {
    let end = BYTES.iter().position(|byte| *byte == b'\n').unwrap();
    &BYTES[end + 1..]
}

#[test]
fn checkpoint_round_trips() {
    assert_eq!(read(&BYTES).unwrap(), *VALID);
    assert_eq!(read(&crafted(&CONTENT, 3)).unwrap().record.epochs, VALID.record.epochs);
}

#[test]
fn invalid_values_are_rejected() {
    let scaling =
        |mean: f64, deviation: f64| json!({"standardise": {"mean": mean, "deviation": deviation}});
    assert!(read(&crafted(&CONTENT, 3)).is_some());
    for (path, value) in [
        ("/record/settings/batch_size", json!(0)),
        ("/record/settings/batch_size", json!(60_001)),
        ("/record/settings/epochs", json!(0)),
        ("/record/settings/validation_split", json!(1.0)),
        ("/record/settings/limit", json!(0)),
        ("/record/settings/patience", json!(0)),
        ("/record/settings/recipe/learning_rate", json!(0.0)),
        ("/record/settings/recipe/learning_rate", json!(1e39)),
        ("/record/settings/recipe/momentum", json!(1.0)),
        ("/record/epochs/1/epoch", json!(1)),
        ("/best/epoch", json!(3)),
        ("/best/epoch", json!(0)),
        ("/record/settings/epochs", json!(1_000_000_000_000_u64)),
        ("/record/settings/recipe/learning_rate", json!(1e-46)),
        ("/record/settings/recipe/momentum", json!(-0.0)),
        ("/record/settings/recipe/gain", json!(-0.0)),
        ("/record/settings/recipe/scaling", scaling(0.0, 1e-30)),
        ("/record/settings/recipe/scaling", scaling(0.0, 1e30)),
        ("/record/settings/recipe/scaling", scaling(1e30, 1.0)),
        ("/record/settings/recipe/scaling", scaling(-1e30, 1.0)),
        ("/record/epochs/1/seconds", json!(-0.0)),
        ("/sums/seconds", json!(1e308)),
        ("/sums/seconds", json!(-5.0)),
        ("/sums/loss", json!(1e300)),
        ("/sums/loss", json!(-1.0)),
        ("/sums/correct", json!(97)),
        ("/best/val_loss", json!(0.5)),
        // The first of two epochs with equal losses is the best.
        ("/best/epoch", json!(2)),
    ] {
        let mut content = CONTENT.clone();
        *content.pointer_mut(path).unwrap() = value.clone();
        assert_eq!(read(&crafted(&content, 3)), None, "{path} {value}");
    }
}

#[test]
fn impossible_sums_are_rejected() {
    let is_rejected = |batches, samples, correct| {
        let mut checkpoint = VALID.clone();
        checkpoint.sums = RunningSums { batches, samples, correct, ..RunningSums::default() };
        checkpoint.check_progress(288).is_err()
    };
    assert!(!is_rejected(0, 0, 0) && !is_rejected(3, 96, 96) && !is_rejected(9, 288, 0));
    for (batches, samples, correct) in
        [(0, 1, 0), (3, 95, 0), (3, 96, 97), (9, 320, 0), (usize::MAX, 288, 0), (1 << 63, 0, 0)]
    {
        assert!(is_rejected(batches, samples, correct), "{batches} {samples} {correct}");
    }
}

#[test]
fn largest_checkpoint_needs_bounded_memory() {
    let _lock = lock_memory();
    // The three files are a first line without an end, 31 MB of nested JSON, and a very large number of parts.
    read(&vec![b'['; 32 << 20]);
    let deep = vec![b'['; 31 << 20];
    assert_eq!(read(&with_header(&[deep])), None);
    let many = vec![Vec::new(); 200_000];
    assert_eq!(read(&with_header(&many)), None);
    assert_memory_is_bounded();
}
