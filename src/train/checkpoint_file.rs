//! The bytes of a checkpoint file.
//!
//! The first line is JSON with the lengths and the SHA-256 of the parts that follow. The second line is JSON with the run
//! record and the sums of the unfinished epoch. Up to three safetensors containers follow: the weights, the velocity if
//! the recipe has momentum, and the weights of the best epoch. One file holds everything, so that all parts are from the
//! same batch.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::format::{ModelFile, safetensors};
use crate::io::text::one_line;
use crate::model::Weights;

use super::record_check::{MAX_SECONDS, is_loss, is_within};
use super::{Checkpoint, RunningSums};

/// The largest checkpoint file that is read, in bytes. A checkpoint of 100,000 epochs fits.
pub const MAX_CHECKPOINT_BYTES: u64 = 32 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    lenet_state: u32,
    lengths: Vec<usize>,
    sha256: String,
}

impl Checkpoint {
    /// Version of the file layout.
    pub const LAYOUT: u32 = 6;

    /// Returns the bytes of the checkpoint file. Equal checkpoints have equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut parts = vec![json_line(self)];
        let best = self.best.as_ref().map(|best| &best.weights);
        for weights in [&self.weights].into_iter().chain(&self.slots).chain(best) {
            parts.push(safetensors::encode(&ModelFile::from(weights.clone())));
        }
        let body = parts.concat();
        let head = Header {
            lenet_state: Self::LAYOUT,
            lengths: parts.iter().map(Vec::len).collect(),
            sha256: sha256(&body),
        };
        [json_line(&head), body].concat()
    }

    /// Reads a checkpoint from the bytes of its file.
    ///
    /// # Errors
    /// Returns a description of the problem. Any corruption is found, because the digest covers all but the first line.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let end = bytes.iter().take(4096).position(|byte| *byte == b'\n').ok_or("no first line")?;
        let (head, body) = bytes.split_at(end + 1);
        let head: Header = parse(head, "first line")?;
        let known = Self::LAYOUT;
        if head.lenet_state != known {
            return Err(format!(
                "layout {}, but this version reads layout {known}",
                head.lenet_state
            ));
        }
        if sha256(body) != head.sha256 {
            return Err("checksum mismatch (SHA-256)".to_owned());
        }
        let mut parts = split(body, &head.lengths)?.into_iter();
        let mut checkpoint: Self = parse(parts.next().ok_or("no metrics")?, "metrics")?;
        checkpoint.record.check()?;
        let mut weights = |name: &str| -> Result<Weights, String> {
            let bytes = parts.next().ok_or_else(|| format!("no {name}"))?;
            let file = safetensors::decode(bytes).map_err(|fault| format!("{name}: {fault}"))?;
            Ok(file.weights)
        };
        checkpoint.weights = weights("weights")?;
        let slots = checkpoint.record.settings.recipe.sgd().slots();
        checkpoint.slots =
            (0..slots).map(|_| weights("optimizer state")).collect::<Result<_, _>>()?;
        if let Some(best) = &mut checkpoint.best {
            best.weights = weights("best weights")?;
        }
        if parts.next().is_some() {
            return Err("unexpected parts at the end".to_owned());
        }
        let RunningSums { samples, loss, correct, seconds, .. } = checkpoint.sums;
        if !is_loss(loss, samples) || !is_within(seconds, MAX_SECONDS) || correct > samples {
            return Err("sums of the unfinished epoch out of range".to_owned());
        }
        let losses = checkpoint.record.epochs.iter();
        let losses = losses.filter_map(|epoch| Some((epoch.epoch, epoch.val_loss?)));
        // If several losses are equal, `min_by` returns the first, as training does.
        let lowest = losses.min_by(|a, b| a.1.total_cmp(&b.1));
        if checkpoint.best.as_ref().map(|best| (best.epoch, best.val_loss)) != lowest {
            return Err("the best epoch is not the one with the lowest validation loss".to_owned());
        }
        Ok(checkpoint)
    }

    /// Returns whether the model with this SHA-256 belongs to the checkpoint.
    pub(super) fn has_model(&self, digest: &str) -> bool {
        [&self.record.model_sha256, &self.replaced]
            .iter()
            .any(|known| known.as_deref() == Some(digest))
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
        let (part, rest) = body.split_at_checked(*length).ok_or("truncated")?;
        parts.push(part);
        body = rest;
    }
    if body.is_empty() { Ok(parts) } else { Err(format!("{} bytes too many", body.len())) }
}

/// Returns the SHA-256 of `bytes` in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    crate::io::text::hex(&Sha256::digest(bytes))
}
