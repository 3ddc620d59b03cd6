//! Training states that are damaged, invented or forged: each is refused or read, none panics, and what is read can
//! be trained with.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use lenet::format::{ModelFile, safetensors};
use lenet::io::text::hex;
use lenet::model::Weights;
use lenet::train::{Best, Checkpoint, EpochRecord, Keep, Recipe, RunRecord, RunningSums, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{alone, check_memory};

/// A sound state with everything in it.
static SOUND: LazyLock<Checkpoint> = LazyLock::new(|| {
    let settings = Settings {
        seed: u64::MAX,
        limit: Some(320),
        keep: Keep::Best,
        patience: Some(3),
        ..Settings::new(Recipe { momentum: 0.5, ..Recipe::classic() })
    };
    let mut state = Checkpoint::initial(RunRecord {
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
    state.slots = vec![Weights::zeros()];
    state.best = Some(Best { epoch: 1, val_loss: 0.5, weights: state.weights.clone() });
    state.record.epochs = vec![record.clone(), EpochRecord { epoch: 2, ..record }];
    state.sums = RunningSums { batches: 3, samples: 96, loss: 3.5, correct: 40, seconds: 0.25 };
    state
});

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| SOUND.encode());

/// The figures of the sound state, the second line of its file.
static FIGURES: LazyLock<Value> = LazyLock::new(|| line(1));

/// Line `index` of the sound file.
fn line(index: usize) -> Value {
    let line = BYTES.split(|byte| *byte == b'\n').nth(index).unwrap();
    serde_json::from_slice(line).unwrap()
}

/// A file of these parts whose first line is right.
fn sealed(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
    let mut head = line(0);
    head["lengths"] = json!(lengths);
    head["sha256"] = json!(hex(&Sha256::digest(&body)));
    [format!("{head}\n").into_bytes(), body].concat()
}

/// A forged state: these figures, and so many sound sets of weights.
fn forged(figures: &Value, weights: usize) -> Vec<u8> {
    let set = safetensors::encode(&ModelFile::from(Weights::zeros()));
    let mut parts = vec![figures.to_string().into_bytes()];
    parts.extend(vec![set; weights]);
    sealed(&parts)
}

/// How a state file may begin, at least seemingly.
fn starts() -> Vec<String> {
    let head = format!("{{\"lenet_state\":{},\"lengths\":[", Checkpoint::LAYOUT);
    ["", "{", "{}\n", &head, "\n"].map(str::to_owned).to_vec()
}

/// Reads `bytes`. A refusal is one line; what is read has figures that the program can go on from.
fn read(bytes: &[u8]) -> Option<Checkpoint> {
    match Checkpoint::decode(bytes) {
        Ok(saved) => {
            saved.record.settings.check().unwrap();
            assert_eq!(saved.weights.first_non_finite(), None);
            assert_eq!(Checkpoint::decode(&saved.encode()).unwrap(), saved);
            let _ = saved.check_progress(288);
            let _ = saved.is_over();
            Some(saved)
        }
        Err(problem) => {
            assert!(!problem.is_empty() && problem.len() < 700, "{problem:?}");
            assert!(!problem.contains(char::is_control), "{problem:?}");
            None
        }
    }
}

/// Puts `value` in the place of the `nth` of all values within `tree`.
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

/// Values that stand for nothing good anywhere.
fn value() -> impl Strategy<Value = Value> {
    let odd =
        r#"[null, true, 0, -1, 18446744073709551615, 1e308, -0.0, 0.999, "", "best", [], {}]"#;
    let odd: Vec<Value> = serde_json::from_str(odd).unwrap();
    prop_oneof![
        prop::sample::select(odd),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::collection::vec(any::<char>(), 0..40)
            .prop_map(|text| Value::from(String::from_iter(text))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_bytes_is_found(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
        near_the_start in any::<bool>(),
    ) {
        let mut bytes = BYTES.clone();
        let length = if near_the_start { 2000 } else { bytes.len() };
        for (index, change) in changes {
            bytes[index.index(length)] ^= change;
        }
        // Two changes may undo each other, or make a digest's letter a capital; then it is what was written.
        prop_assert!(read(&bytes).is_none_or(|saved| saved == *SOUND));
    }

    #[test]
    fn any_cut_is_found(end in any::<prop::sample::Index>(), near_the_start in any::<bool>()) {
        let length = if near_the_start { 2000 } else { BYTES.len() };
        prop_assert_eq!(read(&BYTES[..end.index(length)]), None);
    }

    #[test]
    fn invented_bytes_are_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        start in prop::sample::select(starts()),
    ) {
        prop_assert_eq!(read(&[start.as_bytes(), &bytes].concat()), None);
    }

    #[test]
    fn lengths_that_lie_are_refused(lengths in prop::collection::vec(prop_oneof![0..400_000_usize, any::<usize>()], 0..6)) {
        let head = json!({"lenet_state": Checkpoint::LAYOUT, "lengths": lengths, "sha256": hex(&Sha256::digest(body()))});
        let bytes = [format!("{head}\n").as_bytes(), body()].concat();
        prop_assert_eq!(read(&bytes), None);
    }

    #[test]
    fn forged_figures_are_refused_or_sound(
        changes in prop::collection::vec((0..70_usize, value()), 1..3),
        weights in 0..5_usize,
    ) {
        let mut figures = FIGURES.clone();
        for (mut nth, value) in changes {
            replace(&mut figures, &mut nth, &value);
        }
        read(&forged(&figures, weights));
    }

    #[test]
    fn forged_weights_are_refused_or_sound(
        at in 0..3000_usize,
        change in 1..=255_u8,
        which in 1..4_usize,
    ) {
        let set = safetensors::encode(&ModelFile::from(Weights::zeros()));
        let mut parts = vec![FIGURES.to_string().into_bytes(), set.clone(), set.clone(), set];
        let at = at % parts[which].len();
        parts[which][at] ^= change;
        read(&sealed(&parts));
    }
}

fn body() -> &'static [u8] {
    let end = BYTES.iter().position(|byte| *byte == b'\n').unwrap();
    &BYTES[end + 1..]
}

#[test]
fn what_was_written_is_read_to_the_last_bit() {
    assert_eq!(read(&BYTES).unwrap(), *SOUND);
    assert_eq!(read(&forged(&FIGURES, 3)).unwrap().record.epochs, SOUND.record.epochs);
}

#[test]
fn a_forged_setting_that_the_command_line_would_refuse_is_refused() {
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
    ] {
        let mut figures = FIGURES.clone();
        *figures.pointer_mut(path).unwrap() = value.clone();
        assert_eq!(read(&forged(&figures, 3)), None, "{path} {value}");
    }
}

#[test]
fn sums_that_are_not_the_start_of_an_epoch_are_refused() {
    let refused = |batches, samples, correct| {
        let mut saved = SOUND.clone();
        saved.sums = RunningSums { batches, samples, correct, ..RunningSums::default() };
        saved.check_progress(288).is_err()
    };
    assert!(!refused(0, 0, 0) && !refused(3, 96, 96) && !refused(9, 288, 0));
    for (batches, samples, correct) in
        [(0, 1, 0), (3, 95, 0), (3, 96, 97), (9, 320, 0), (usize::MAX, 288, 0), (1 << 63, 0, 0)]
    {
        assert!(refused(batches, samples, correct), "{batches} {samples} {correct}");
    }
}

#[test]
fn a_state_of_the_largest_size_takes_bounded_memory() {
    let _alone = alone();
    // A first line that never ends, figures of 32 MB, and as many parts as there is room for.
    read(&vec![b'['; 32 << 20]);
    let deep = vec![b'['; 31 << 20];
    assert_eq!(read(&sealed(&[deep])), None);
    let many = vec![Vec::new(); 200_000];
    assert_eq!(read(&sealed(&many)), None);
    check_memory();
}
