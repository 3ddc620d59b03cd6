//! The training state as bytes.
//!
//! A line of JSON with the lengths and the SHA-256 of what follows; a line of JSON with the record and the figures of the
//! unfinished epoch; then up to three safetensors containers: the weights, the velocities where the recipe has momentum,
//! the weights of the best epoch. Everything is in one file so that it is always the state of one moment.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::format::{ModelFile, safetensors};
use crate::io::text::one_line;
use crate::model::Weights;

use super::{Best, Checkpoint};

/// The largest state file that is read, in bytes: 100,000 epochs have room.
pub const MAX_CHECKPOINT_BYTES: u64 = 32 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    lenet_state: u32,
    lengths: Vec<usize>,
    sha256: String,
}

impl Checkpoint {
    /// Version of the layout of a state file.
    pub const LAYOUT: u32 = 6;

    /// The bytes of a state file. Equal states give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut parts = vec![json_line(self)];
        let best = self.best.as_ref().map(|best| &best.weights);
        for weights in [&self.weights].into_iter().chain(&self.slots).chain(best) {
            parts.push(safetensors::encode(&ModelFile::from(weights.clone())));
        }
        let body = parts.concat();
        let head = Head {
            lenet_state: Self::LAYOUT,
            lengths: parts.iter().map(Vec::len).collect(),
            sha256: sha256(&body),
        };
        [json_line(&head), body].concat()
    }

    /// The state in the bytes of a state file.
    ///
    /// # Errors
    /// What is wrong with them, in words. Damage anywhere is found: the digest covers all but the first line.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let end = bytes.iter().take(4096).position(|byte| *byte == b'\n').ok_or("no first line")?;
        let (head, body) = bytes.split_at(end + 1);
        let head: Head = parse(head, "first line")?;
        let known = Self::LAYOUT;
        if head.lenet_state != known {
            return Err(format!("layout {}, this program knows {known}", head.lenet_state));
        }
        if sha256(body) != head.sha256 {
            return Err("its content is not what was written (SHA-256)".to_owned());
        }
        let mut parts = split(body, &head.lengths)?.into_iter();
        let mut state: Self = parse(parts.next().ok_or("no figures")?, "figures")?;
        state.record.check()?;
        let mut weights = |name: &str| -> Result<Weights, String> {
            let bytes = parts.next().ok_or_else(|| format!("no {name}"))?;
            let file = safetensors::decode(bytes).map_err(|fault| format!("{name}: {fault}"))?;
            Ok(file.weights)
        };
        state.weights = weights("weights")?;
        let slots = state.record.settings.recipe.sgd().slots();
        state.slots = (0..slots).map(|_| weights("optimizer state")).collect::<Result<_, _>>()?;
        if let Some(best) = &mut state.best {
            best.weights = weights("best weights")?;
        }
        if parts.next().is_some() {
            return Err("more parts than a state has".to_owned());
        }
        let best_is_past = |best: &Best| (1..state.epoch()).contains(&best.epoch);
        if !state.best.as_ref().is_none_or(best_is_past) || !state.sums.loss.is_finite() {
            return Err("its figures contradict each other".to_owned());
        }
        Ok(state)
    }

    /// Whether the model with this digest was saved with the state.
    pub(super) fn has_model(&self, digest: &str) -> bool {
        [&self.record.model_sha256, &self.replaced].iter().any(|its| its.as_deref() == Some(digest))
    }
}

fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("numbers and strings always become JSON");
    line.push(b'\n');
    line
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], name: &str) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{name}: {}", one_line(&error)))
}

fn split<'a>(mut body: &'a [u8], lengths: &[usize]) -> Result<Vec<&'a [u8]>, String> {
    let mut parts = Vec::new();
    for length in lengths {
        let (part, rest) = body.split_at_checked(*length).ok_or("it is cut short")?;
        parts.push(part);
        body = rest;
    }
    if body.is_empty() { Ok(parts) } else { Err(format!("{} bytes too many", body.len())) }
}

/// The SHA-256 of `bytes` in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    crate::io::text::hex(&Sha256::digest(bytes))
}
