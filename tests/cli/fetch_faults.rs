//! `lenet data fetch` with faulty mirrors.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::fetch::*;
use super::server::{Response, Server};
use super::{CommandOutput, DATA, PATIENCE, TestDir, common};

/// Number of bytes after which a connection breaks, in the middle of the file.
const CUT: usize = 1_000_000;

/// Asserts that a mirror with this response fails for `cause` after one request, and that the next mirror is used.
fn assert_falls_back(respond: impl Fn(&str) -> Response + Send + Sync + 'static, cause: &str) {
    let faulty = Server::start(respond);
    let test_dir = incomplete_dataset();
    assert_failed(&test_dir, &fetch(&test_dir, &[&faulty]), &[faulty.url()], cause);
    assert_eq!(faulty.requests().len(), 1);

    let honest = honest();
    let output = fetch(&test_dir, &[&faulty, &honest]);
    assert_fetched(&test_dir, &output);
    output.assert_stderr_contains(&format!("note: {}", faulty.url()));
    assert_eq!((faulty.requests().len(), honest.requests().len()), (2, 1));
}

#[test]
fn broken_connection_tries_next_mirror() {
    let bytes = content();
    assert_falls_back(move |_| Response::with_length(&bytes[..CUT], bytes.len()), "");
}

#[test]
fn error_status_tries_next_mirror() {
    assert_falls_back(|_| Response::status(404), "status 404 Not Found");
    assert_falls_back(|_| Response::status(503), "status 503 Service Unavailable");
}

#[test]
fn wrong_content_length_tries_next_mirror() {
    let bytes = content();
    assert_falls_back(move |_| Response::with_length(&bytes, CUT), "ends early");
    let bytes = content();
    assert_falls_back(move |_| Response::with_length(&bytes, bytes.len() + 1000), "");
}

#[test]
fn truncated_download_tries_next_mirror() {
    let bytes = content();
    assert_falls_back(move |_| Response::complete(&bytes[..CUT]), "ends early");
}

#[test]
fn wrong_content_tries_next_mirror() {
    let mut flipped = content();
    // Only a checksum detects a flipped bit in a pixel.
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let different = common::gzip(&common::images(0, 40));
    let page = b"<html>please log in</html>".to_vec();
    for wrong in [flipped, different, page] {
        assert_falls_back(move |_| Response::complete(&wrong), "the download is ");
    }
}

#[test]
fn unreachable_server_tries_next_mirror() {
    let gone = Server::start(|_| Response::status(404));
    let url = gone.url().to_owned();
    drop(gone);
    let test_dir = incomplete_dataset();
    let output = run(&test_dir, &format!("--data d --mirror {url} --mirror {url}"));
    assert_failed(&test_dir, &output, &[&url, &url], "");
    assert_eq!(output.stderr().lines().count(), 4, "one line per mirror: {}", output.stderr());
    let honest = honest();
    let output = run(&test_dir, &format!("--data d --mirror {url} --mirror {}", honest.url()));
    assert_fetched(&test_dir, &output);
}

#[test]
fn slow_server_times_out() {
    let stalls = |bytes: &[u8]| Response::with_length(&bytes[..CUT], bytes.len()).then_stalls();
    let drips = |bytes: &[u8]| Response::with_length(&bytes[..CUT], bytes.len()).then_drips();
    for slow in [stalls, drips] {
        let bytes = content();
        let slow = Server::start(move |_| slow(&bytes));
        let honest = honest();
        let test_dir = incomplete_dataset();
        let begin = Instant::now();
        let output = run(&test_dir, &format!("--max-time 5 {}", from(&[&slow, &honest])));
        assert_fetched(&test_dir, &output);
        output.assert_stderr_contains("timed out: the download exceeded --max-time");
        assert_eq!(slow.requests().len(), 1);
        assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
    }
}

#[test]
fn redirect_is_followed() {
    let bytes = content();
    let server = Server::start(move |path| match path.strip_prefix("/old/") {
        Some(name) => Response::redirect(&format!("/new/{name}")),
        None => Response::complete(&bytes),
    });
    let test_dir = incomplete_dataset();
    let output = run(&test_dir, &format!("--data d --mirror {}/old", server.url()));
    assert_fetched(&test_dir, &output);
}

#[test]
fn redirect_loop_is_rejected() {
    let server = Server::start(Response::redirect);
    let test_dir = incomplete_dataset();
    let output = fetch(&test_dir, &[&server]);
    assert_failed(&test_dir, &output, &[server.url()], "redirect");
}

#[test]
fn oversized_response_is_rejected() {
    // The first announces its size; the second does not.
    assert_falls_back(|_| Response::with_length(&[0; 1000], 100 << 30), "larger than 64 MiB");
    assert_falls_back(|_| Response::endless(), "larger than 64 MiB");
}

#[test]
fn interrupted_fetch_leaves_no_file() {
    let bytes = content();
    let server =
        Server::start(move |_| Response::with_length(&bytes[..CUT], bytes.len()).then_stalls());
    let test_dir = incomplete_dataset();
    let mut command = command(&test_dir, &from(&[&server]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while server.requests().is_empty() {
        assert!(begin.elapsed() < PATIENCE);
        sleep(Duration::from_millis(2));
    }
    let id = child.id().to_string();
    // A shell without job control makes the programs that it runs in the background ignore SIGINT.
    let sent = std::process::Command::new("kill").args(["-s", "TERM", &id]).status();
    assert!(sent.unwrap().success());
    let output = CommandOutput(child.wait_with_output().unwrap());
    assert_eq!(output.code(), -15, "SIGTERM ends it: {}", output.stderr());
    assert!(!test_dir.path("d").join(NAME).exists());
    assert_only_data_in(&test_dir);
}

#[test]
fn data_set_is_replaced_as_a_whole() {
    // The mirror has one of the four files.
    let images = fs::read(Path::new(DATA).join("train-images-idx3-ubyte.gz")).unwrap();
    let partial = Server::start(move |path| match path.ends_with("train-images-idx3-ubyte.gz") {
        true => Response::complete(&images),
        false => Response::status(404),
    });
    let test_dir = TestDir::empty();
    test_dir.create_dir("d");
    common::write_dataset(&test_dir.path("d"), 200, 40);
    test_dir.write("d/classes.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    let content = || {
        let mut files: Vec<_> = fs::read_dir(test_dir.path("d")).unwrap().flatten().collect();
        files.sort_by_key(fs::DirEntry::file_name);
        files.iter().map(|file| fs::read(file.path()).unwrap()).collect::<Vec<_>>()
    };
    let before = content();
    let output = fetch(&test_dir, &[&partial]);
    output.assert_error(1, "not from Fashion-MNIST", "--force");
    assert!(!output.stderr().contains("fetching"), "{}", output.stderr());
    let output = run(&test_dir, &format!("--force {}", from(&[&partial])));
    output.assert_error(1, "all mirrors failed", "try again");
    assert!(content() == before);
    let complete = Server::start(|path| {
        let name = path.trim_start_matches('/');
        Response::complete(&fs::read(Path::new(DATA).join(name)).unwrap())
    });
    run(&test_dir, &format!("--force {}", from(&[&complete]))).ok();
    // The class names described the old files.
    assert!(!test_dir.path("d/classes.txt").exists());
    test_dir.run("data verify --data d").ok();
}
