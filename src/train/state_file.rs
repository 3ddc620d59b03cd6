//! The training state as bytes.
//!
//! A line of JSON with the lengths and the SHA-256 of what follows; a line of JSON with the figures; then up to
//! three safetensors containers: the weights, the velocities, the weights of the best epoch. Everything is in
//! one file so that it is always the state of one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::format::{ModelFile, safetensors};
use crate::io::text::one_line;
use crate::model::Weights;

use super::{Best, EpochRecord, RunningSums, Settings, State};

/// The largest state file that is read, in bytes: 100,000 epochs have room.
pub const MAX_STATE_BYTES: u64 = 32 << 20;

/// Which model file was saved with a state, by the SHA-256 of its bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelDigests {
    /// That which was written after the state.
    pub written: String,
    /// That which it replaced: it is still there after a kill between the two.
    pub replaced: Option<String>,
}

impl ModelDigests {
    /// Whether the model with this digest was saved with the state.
    pub(super) fn has(&self, digest: &str) -> bool {
        digest == self.written || Some(digest) == self.replaced.as_deref()
    }
}

/// A state with what it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Version of the program that wrote it.
    pub program: String,
    /// The CPU level or GPU that computed it: bits differ between them.
    pub device: String,
    /// What the training was asked to do.
    pub settings: Settings,
    /// SHA-256 of each data file, by its name.
    pub data: BTreeMap<String, String>,
    /// The model file that belongs to it; empty until it is saved.
    pub model: ModelDigests,
    /// The state itself.
    pub state: State,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    lenet_state: u32,
    lengths: Vec<usize>,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    program: String,
    device: String,
    settings: Settings,
    data: BTreeMap<String, String>,
    model: ModelDigests,
    history: Vec<EpochRecord>,
    sums: RunningSums,
    has_velocity: bool,
    best: Option<BestFigures>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BestFigures {
    epoch: usize,
    val_loss: f64,
}

impl Saved {
    /// Version of the layout of a state file.
    pub const LAYOUT: u32 = 5;

    /// The bytes of a state file. Equal states give equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let State { weights, velocity, history, sums, best } = &self.state;
        let figures = Figures {
            program: self.program.clone(),
            device: self.device.clone(),
            settings: self.settings.clone(),
            data: self.data.clone(),
            model: self.model.clone(),
            history: history.clone(),
            sums: sums.clone(),
            has_velocity: velocity.is_some(),
            best: best.as_ref().map(|b| BestFigures { epoch: b.epoch, val_loss: b.val_loss }),
        };
        let mut parts = vec![json_line(&figures)];
        let best = best.as_ref().map(|best| &best.weights);
        for weights in [Some(weights), velocity.as_ref(), best].into_iter().flatten() {
            parts.push(safetensors::encode(&ModelFile::from(weights.clone())));
        }
        let body = parts.concat();
        let head = Head {
            lenet_state: Self::LAYOUT,
            lengths: parts.iter().map(Vec::len).collect(),
            sha256: hex(&Sha256::digest(&body)),
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
        if head.lenet_state != Self::LAYOUT {
            return Err(format!(
                "layout {}, this program knows {}",
                head.lenet_state,
                Self::LAYOUT
            ));
        }
        if hex(&Sha256::digest(body)) != head.sha256 {
            return Err("its content is not what was written (SHA-256)".to_owned());
        }
        let mut parts = split(body, &head.lengths)?.into_iter();
        let figures: Figures = parse(parts.next().ok_or("no figures")?, "figures")?;
        let mut weights = |name: &str| -> Result<Weights, String> {
            let bytes = parts.next().ok_or_else(|| format!("no {name}"))?;
            let file = safetensors::decode(bytes).map_err(|fault| format!("{name}: {fault}"))?;
            Ok(file.weights)
        };
        let state = State {
            weights: weights("weights")?,
            velocity: match figures.has_velocity {
                true => Some(weights("velocity")?),
                false => None,
            },
            best: match figures.best {
                Some(BestFigures { epoch, val_loss }) => {
                    Some(Best { epoch, val_loss, weights: weights("best weights")? })
                }
                None => None,
            },
            history: figures.history,
            sums: figures.sums,
        };
        figures.settings.check()?;
        check(&state, &figures.settings)?;
        if parts.next().is_some() {
            return Err("more parts than a state has".to_owned());
        }
        let Figures { program, device, settings, data, model, .. } = figures;
        Ok(Self { program, device, settings, data, model, state })
    }
}

impl Saved {
    /// Refuses a state whose unfinished epoch does not fit `samples` training images.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn check_progress(&self, samples: usize) -> Result<(), String> {
        let RunningSums { batches, samples: seen, correct, .. } = self.state.sums;
        match batches.checked_mul(self.settings.batch_size) {
            Some(most) if seen == most.min(samples) && correct <= seen => Ok(()),
            _ => Err(format!(
                "{batches} batches with {seen} images of {samples} are not the start of an epoch"
            )),
        }
    }
}

/// Refuses figures that no training leaves behind and that a later step would trip over.
fn check(state: &State, settings: &Settings) -> Result<(), String> {
    let done = state.history.len();
    let in_order = state.history.iter().enumerate().all(|(i, record)| record.epoch == i + 1);
    let best_is_past = state.best.as_ref().is_none_or(|best| (1..=done).contains(&best.epoch));
    let has_velocity = state.velocity.is_some() == settings.recipe.sgd().has_velocity();
    match in_order && best_is_past && has_velocity && state.sums.loss.is_finite() {
        true => Ok(()),
        false => Err("its figures contradict each other".to_owned()),
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
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
