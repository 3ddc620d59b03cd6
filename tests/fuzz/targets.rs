//! The fuzzed functions. Each passes arbitrary bytes to one of the readers, which must not panic.
//!
//! A function `name` needs the program `fuzz_targets/name.rs` and some inputs in `seeds/name/`, which the ordinary tests pass to
//! the function (`replay.rs`).

#[path = "../common/zip.rs"]
mod zip;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{LazyLock, Mutex, OnceLock};
use std::time::Duration;

use lenet::cli::compare::log;
use lenet::cli::fetch::request::Client;
use lenet::cli::picture;
use lenet::data::gzip::Decoded;
use lenet::data::idx::{read_images, read_labels};
use lenet::format::{self, ModelFile, safetensors};
use lenet::model::Weights;
use lenet::train::{Checkpoint, RunRecord};
use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::zipped;

/// A function that reads arbitrary bytes.
type Target = fn(&[u8]);

/// All functions by name.
pub const TARGETS: [(&str, Target); 12] = [
    ("bpk", bpk),
    ("checkpoint", checkpoint),
    ("idx", idx),
    ("log", log),
    ("model", model),
    ("mpk", mpk),
    ("pickle", pickle),
    ("picture", picture),
    ("record", record),
    ("response", response),
    ("safetensors", safetensors),
    ("torch", torch),
];

/// Runs the function with this name.
pub fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.unwrap_or_else(|| panic!("there is no target {name}"));
    target(bytes);
}

/// Decodes a Burnpack file.
fn bpk(bytes: &[u8]) {
    let _ = format::bpk::decode(bytes);
}

/// Decodes a checkpoint, and the JSON part of an otherwise valid checkpoint. A decoded checkpoint must round-trip.
fn checkpoint(bytes: &[u8]) {
    let _ = Checkpoint::decode(bytes);
    // Without this check, most of the time would go into weights that no JSON describes.
    if serde_json::from_slice::<Value>(bytes).is_err() {
        return;
    }
    for weights in 1..=3 {
        if let Ok(decoded) = Checkpoint::decode(&valid_checkpoint(bytes, weights)) {
            let again = Checkpoint::decode(&decoded.encode());
            assert_eq!(again.as_ref(), Ok(&decoded));
            let _ = decoded.check_progress(54_000);
        }
    }
}

/// Returns the bytes of a checkpoint with this JSON part, `weights` valid sets of weights and a matching digest.
fn valid_checkpoint(json: &[u8], weights: usize) -> Vec<u8> {
    static WEIGHTS: LazyLock<Vec<u8>> =
        LazyLock::new(|| safetensors::encode(&ModelFile::from(Weights::zeros())));
    let weights = vec![WEIGHTS.clone(); weights];
    let parts = [vec![json.to_vec()], weights].concat();
    let body = parts.concat();
    let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let layout = Checkpoint::LAYOUT;
    let head =
        format!("{{\"lenet_state\":{layout},\"lengths\":{lengths:?},\"sha256\":\"{digest}\"}}\n");
    [head.into_bytes(), body].concat()
}

/// Decodes an IDX file, plain or compressed.
fn idx(bytes: &[u8]) {
    let decoded = || Decoded::new(bytes, bytes.len() as u64);
    let _ = decoded().and_then(read_images);
    let _ = decoded().and_then(read_labels);
}

/// Parses a log of Keras.
fn log(bytes: &[u8]) {
    let _ = log::parse(&String::from_utf8_lossy(bytes));
}

/// Decodes a model file whose format follows from its content.
fn model(bytes: &[u8]) {
    let _ = format::decode(Path::new("m"), bytes);
}

/// Decodes a Burn record.
fn mpk(bytes: &[u8]) {
    let _ = format::mpk::decode(bytes);
}

/// Decodes a PyTorch file with this pickle.
fn pickle(bytes: &[u8]) {
    let entries = [("m/data.pkl", bytes), ("m/data/0", &[0; 24]), ("m/version", b"3")];
    let _ = format::torch::decode(&zipped(&entries));
}

/// Decodes a picture.
fn picture(bytes: &[u8]) {
    let _ = picture::decode(Path::new("p"), bytes);
}

/// Decodes a run record. A decoded record must round-trip.
fn record(bytes: &[u8]) {
    if let Ok(record) = RunRecord::decode(bytes) {
        let json = serde_json::to_vec(&record).expect("a record always becomes JSON");
        assert_eq!(RunRecord::decode(&json), Ok(record));
    }
}

/// Downloads from a local server that responds with these bytes and closes the connection. Redirects are excluded, because they
/// could lead to other servers.
fn response(bytes: &[u8]) {
    if bytes.to_ascii_lowercase().windows(8).any(|name| name == b"location") {
        return;
    }
    static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static URL: OnceLock<String> = OnceLock::new();
    let url = URL.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let answer = ANSWER.lock().expect("no thread panics with the lock").clone();
                let _ = serve(&connection, &answer);
            }
        });
        format!("http://{address}/file")
    });
    *ANSWER.lock().expect("no thread panics with the lock") = bytes.to_vec();
    // Loading the certificates takes longer than a request.
    static CLIENT: LazyLock<Client> = LazyLock::new(|| Client::new(Duration::from_secs(5), false));
    let _ = CLIENT.get(url);
}

/// Reads a request and sends the response.
fn serve(mut connection: &TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection).lines();
    while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
    connection.write_all(answer)
}

/// Decodes a safetensors file.
fn safetensors(bytes: &[u8]) {
    let _ = safetensors::decode(bytes);
}

/// Decodes a PyTorch file.
fn torch(bytes: &[u8]) {
    let _ = format::torch::decode(bytes);
}
