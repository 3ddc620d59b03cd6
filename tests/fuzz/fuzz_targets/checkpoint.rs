//! Decodes arbitrary bytes as a checkpoint, and as the JSON part of an otherwise valid checkpoint. Decoding must not panic,
//! and a decoded checkpoint must round-trip.
#![no_main]

use lenet::format::{ModelFile, safetensors};
use lenet::model::Weights;
use lenet::train::Checkpoint;
use sha2::{Digest, Sha256};

/// Returns the bytes of a checkpoint with this JSON part, `weights` valid sets of weights and a matching digest.
fn checkpoint(json: &[u8], weights: usize) -> Vec<u8> {
    let weights = vec![safetensors::encode(&ModelFile::from(Weights::zeros())); weights];
    let parts = [vec![json.to_vec()], weights].concat();
    let body = parts.concat();
    let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let layout = Checkpoint::LAYOUT;
    let head =
        format!("{{\"lenet_state\":{layout},\"lengths\":{lengths:?},\"sha256\":\"{digest}\"}}\n");
    [head.into_bytes(), body].concat()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Checkpoint::decode(bytes);
    for weights in 1..=3 {
        if let Ok(decoded) = Checkpoint::decode(&checkpoint(bytes, weights)) {
            let again =
                Checkpoint::decode(&decoded.encode()).expect("an encoded checkpoint decodes");
            assert_eq!(again, decoded);
            let _ = decoded.check_progress(54_000);
        }
    }
});
