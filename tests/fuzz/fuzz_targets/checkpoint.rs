//! Any bytes as a training state, and any figures in one that is otherwise sound: read or refused, never a panic;
//! what is read is what would be written.
#![no_main]

use lenet::format::{ModelFile, safetensors};
use lenet::model::Weights;
use lenet::train::Checkpoint;
use sha2::{Digest, Sha256};

/// A state with these figures, up to three sound sets of weights, and a digest that is right.
fn sealed(figures: &[u8], weights: usize) -> Vec<u8> {
    let weights = vec![safetensors::encode(&ModelFile::from(Weights::zeros())); weights];
    let parts = [vec![figures.to_vec()], weights].concat();
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
        if let Ok(saved) = Checkpoint::decode(&sealed(bytes, weights)) {
            let again = Checkpoint::decode(&saved.encode()).expect("what was written is read");
            assert_eq!(again, saved);
            let _ = saved.check_progress(54_000);
        }
    }
});
