//! `lenet data fetch`, against servers that misbehave.

use std::time::{Duration, Instant};

use super::common;
use super::fetch::*;
use super::server::{Response, Server};

#[test]
fn a_connection_that_is_cut_off_is_asked_again() {
    let server = server(|bytes, before| match before {
        0 => Response::told(200, &bytes[..CUT], bytes.len()),
        // Not even a start.
        1 => Response::status(503),
        _ => Response::whole(bytes),
    });
    let dir = incomplete_dataset();
    let output = fetch(&dir, &[&server]);
    assert_fetched(&dir, &output);
    assert_eq!(server.requests().len(), 3);
    output.assert_stderr_contains("503 Service Unavailable");
}

#[test]
fn a_server_that_stalls_is_asked_again() {
    let server = server(|bytes, before| match before {
        0 => Response::told(200, &bytes[..CUT], bytes.len()).then_stalls(),
        _ => Response::whole(bytes),
    });
    let dir = incomplete_dataset();
    let begin = Instant::now();
    let output = fetch(&dir, &[&server]);
    assert_fetched(&dir, &output);
    assert_eq!(server.requests().len(), 2);
    output.assert_stderr_contains("nothing came for 1 s");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn a_server_that_always_stalls_is_given_up() {
    let server = server(|bytes, _| Response::told(200, &bytes[..CUT], bytes.len()).then_stalls());
    let dir = incomplete_dataset();
    assert_refused(&dir, &fetch(&dir, &[&server]), "nothing came for 1 s");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_sends_on_for_ever_is_given_up_and_the_next_is_asked() {
    let drips = server(|bytes, _| Response::told(200, &bytes[..CUT], bytes.len()).then_drips());
    let honest = honest();
    let dir = incomplete_dataset();
    let words = format!(
        "--data d --retries 100 --max-time 2 --mirror {} --mirror {}",
        drips.url(),
        honest.url()
    );
    let begin = Instant::now();
    let output = run(&dir, &words);
    assert_fetched(&dir, &output);
    output.assert_stderr_contains("is too slow");
    assert_eq!(drips.requests().len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn no_mixture_of_faults_is_asked_more_often_than_it_may_be() {
    let server = server(|bytes, before| match before % 3 {
        0 => Response::told(200, &bytes[..CUT], bytes.len()),
        1 => Response::status(503),
        _ => Response::whole(&bytes[..CUT]),
    });
    let dir = incomplete_dataset();
    assert_refused(&dir, &fetch(&dir, &[&server]), "");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn lies_about_the_length_do_not_matter_while_the_bytes_are_right() {
    for told in [CUT, content().len() + 1000] {
        let server = server(move |bytes, before| match before {
            0 => Response::told(200, bytes, told),
            _ => Response::whole(bytes),
        });
        let dir = incomplete_dataset();
        assert_fetched(&dir, &fetch(&dir, &[&server]));
    }
}

#[test]
fn a_server_that_always_ends_early_is_given_up() {
    let server = server(|bytes, _| Response::whole(&bytes[..CUT]));
    let dir = incomplete_dataset();
    assert_refused(&dir, &fetch(&dir, &[&server]), "ends early");
    assert_eq!(server.requests().len(), 3, "once, and twice more");
}

#[test]
fn wrong_bytes_are_thrown_away_and_the_next_mirror_is_asked() {
    let mut flipped = content();
    // In the last pixel: damage that only a checksum finds.
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let another = common::gzip(&common::images(0, 40));
    let page = b"<html>please log in</html>".to_vec();
    for wrong in [flipped, another, page] {
        let liar = Server::start(move |_, _| Response::whole(&wrong));
        let dir = incomplete_dataset();
        let output = fetch(&dir, &[&liar]);
        assert_refused(&dir, &output, "what it sends is ");
        output.assert_stderr_contains(liar.url());
        assert_eq!(liar.requests().len(), 1);

        let honest = honest();
        assert_fetched(&dir, &fetch(&dir, &[&liar, &honest]));
        assert_eq!(honest.requests().len(), 1);
    }
}

#[test]
fn no_such_file_and_no_server_lead_to_the_next_mirror() {
    let missing = Server::start(|_, _| Response::status(404));
    let gone = Server::start(|_, _| Response::status(404));
    let address = gone.url().to_owned();
    drop(gone);
    let dir = incomplete_dataset();
    let output = fetch(&dir, &[&missing]);
    assert_refused(&dir, &output, "404 Not Found");
    assert_eq!(missing.requests().len(), 1);

    let words = format!("--data d --timeout 1 --retries 0 --mirror {address}");
    let output = run(&dir, &words);
    assert_refused(&dir, &output, &address);

    let works = honest();
    let words = format!("{words} --mirror {} --mirror {}", missing.url(), works.url());
    assert_fetched(&dir, &run(&dir, &words));
}

#[test]
fn redirects_are_followed_but_not_in_circles() {
    let bytes = content();
    let server = Server::start(move |path, _| match path.strip_prefix("/old/") {
        Some(name) => Response::moved(&format!("/new/{name}")),
        None if path.starts_with("/new/") => Response::whole(&bytes),
        None => Response::moved(path),
    });
    let dir = incomplete_dataset();
    let words = |folder: &str| format!("--data d --retries 0 --mirror {}/{folder}", server.url());
    let output = run(&dir, &words("circle"));
    assert_refused(&dir, &output, "redirect");
    assert_fetched(&dir, &run(&dir, &words("old")));
}

#[test]
fn more_than_any_file_has_is_refused_before_it_comes() {
    let server = Server::start(|_, _| Response::told(200, &[0; 1000], 100 << 30));
    let dir = incomplete_dataset();
    assert_refused(&dir, &fetch(&dir, &[&server]), "more than");
    assert_eq!(server.requests().len(), 1);
}
