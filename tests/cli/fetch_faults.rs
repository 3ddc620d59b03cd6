//! `lenet data fetch`, against servers that misbehave.

use std::time::{Duration, Instant};

use super::common;
use super::fetch::*;
use super::server::{Prediction, Server};

#[test]
fn a_connection_that_is_cut_off_is_asked_again() {
    let server = server(|bytes, before| match before {
        0 => Prediction::told(200, &bytes[..CUT], bytes.len()),
        // Not even a start.
        1 => Prediction::status(503),
        _ => Prediction::whole(bytes),
    });
    let place = place();
    let ran = fetch(&place, &[&server]);
    assert_fetched(&place, &ran);
    assert_eq!(server.requests().len(), 3);
    ran.assert_says("503 Service Unavailable");
}

#[test]
fn a_server_that_stalls_is_asked_again() {
    let server = server(|bytes, before| match before {
        0 => Prediction::told(200, &bytes[..CUT], bytes.len()).then_stalls(),
        _ => Prediction::whole(bytes),
    });
    let place = place();
    let begin = Instant::now();
    let ran = fetch(&place, &[&server]);
    assert_fetched(&place, &ran);
    assert_eq!(server.requests().len(), 2);
    ran.assert_says("nothing came for 1 s");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn a_server_that_always_stalls_is_given_up() {
    let server = server(|bytes, _| Prediction::told(200, &bytes[..CUT], bytes.len()).then_stalls());
    let place = place();
    assert_refused(&place, &fetch(&place, &[&server]), "nothing came for 1 s");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_sends_on_for_ever_is_given_up_and_the_next_is_asked() {
    let drips = server(|bytes, _| Prediction::told(200, &bytes[..CUT], bytes.len()).then_drips());
    let honest = honest();
    let place = place();
    let words = format!(
        "--data d --retries 100 --max-time 2 --mirror {} --mirror {}",
        drips.url(),
        honest.url()
    );
    let begin = Instant::now();
    let ran = run(&place, &words);
    assert_fetched(&place, &ran);
    ran.assert_says("is too slow");
    assert_eq!(drips.requests().len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn no_mixture_of_faults_is_asked_more_often_than_it_may_be() {
    let server = server(|bytes, before| match before % 3 {
        0 => Prediction::told(200, &bytes[..CUT], bytes.len()),
        1 => Prediction::status(503),
        _ => Prediction::whole(&bytes[..CUT]),
    });
    let place = place();
    assert_refused(&place, &fetch(&place, &[&server]), "");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn lies_about_the_length_do_not_matter_while_the_bytes_are_right() {
    for told in [CUT, content().len() + 1000] {
        let server = server(move |bytes, before| match before {
            0 => Prediction::told(200, bytes, told),
            _ => Prediction::whole(bytes),
        });
        let place = place();
        assert_fetched(&place, &fetch(&place, &[&server]));
    }
}

#[test]
fn a_server_that_always_ends_early_is_given_up() {
    let server = server(|bytes, _| Prediction::whole(&bytes[..CUT]));
    let place = place();
    assert_refused(&place, &fetch(&place, &[&server]), "ends early");
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
        let liar = Server::start(move |_, _| Prediction::whole(&wrong));
        let place = place();
        let ran = fetch(&place, &[&liar]);
        assert_refused(&place, &ran, "what it sends is ");
        ran.assert_says(liar.url());
        assert_eq!(liar.requests().len(), 1);

        let honest = honest();
        assert_fetched(&place, &fetch(&place, &[&liar, &honest]));
        assert_eq!(honest.requests().len(), 1);
    }
}

#[test]
fn no_such_file_and_no_server_lead_to_the_next_mirror() {
    let missing = Server::start(|_, _| Prediction::status(404));
    let gone = Server::start(|_, _| Prediction::status(404));
    let address = gone.url().to_owned();
    drop(gone);
    let place = place();
    let ran = fetch(&place, &[&missing]);
    assert_refused(&place, &ran, "404 Not Found");
    assert_eq!(missing.requests().len(), 1);

    let words = format!("--data d --timeout 1 --retries 0 --mirror {address}");
    let ran = run(&place, &words);
    assert_refused(&place, &ran, &address);

    let works = honest();
    let words = format!("{words} --mirror {} --mirror {}", missing.url(), works.url());
    assert_fetched(&place, &run(&place, &words));
}

#[test]
fn redirects_are_followed_but_not_in_circles() {
    let bytes = content();
    let server = Server::start(move |path, _| match path.strip_prefix("/old/") {
        Some(name) => Prediction::moved(&format!("/new/{name}")),
        None if path.starts_with("/new/") => Prediction::whole(&bytes),
        None => Prediction::moved(path),
    });
    let place = place();
    let words = |folder: &str| format!("--data d --retries 0 --mirror {}/{folder}", server.url());
    let ran = run(&place, &words("circle"));
    assert_refused(&place, &ran, "redirect");
    assert_fetched(&place, &run(&place, &words("old")));
}

#[test]
fn more_than_any_file_has_is_refused_before_it_comes() {
    let server = Server::start(|_, _| Prediction::told(200, &[0; 1000], 100 << 30));
    let place = place();
    assert_refused(&place, &fetch(&place, &[&server]), "more than");
    assert_eq!(server.requests().len(), 1);
}
