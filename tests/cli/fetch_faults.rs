//! `lenet data fetch`, against servers that misbehave.

use std::fs;
use std::time::{Duration, Instant};

use super::fetch::*;
use super::server::{Answer, Server};
use super::{Ran, common};

#[test]
fn a_connection_that_is_cut_off_is_gone_on_with() {
    let bytes = content();
    let server = Server::start(move |request, before| match before {
        0 => Answer::told(200, &bytes[..CUT], bytes.len()),
        1 => {
            // Not even a start.
            Answer::status(503)
        }
        _ => Answer::ranged(request, &bytes),
    });
    let place = place();
    let ran = fetch(&place, &[&server]);
    assert_fetched(&place, &ran);
    assert_eq!(server.ranges(), [None, Some(CUT), Some(CUT)]);
    assert!(
        ran.stderr().contains(&format!("from byte {CUT} on")),
        "{}",
        ran.stderr()
    );
    assert!(
        ran.stderr().contains("503 Service Unavailable"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn a_server_that_knows_no_ranges_sends_it_anew() {
    let bytes = content();
    let server = Server::start(move |_, before| match before {
        0 => Answer::told(200, &bytes[..CUT], bytes.len()),
        _ => Answer::whole(&bytes),
    });
    let place = place();
    assert_fetched(&place, &fetch(&place, &[&server]));
    assert_eq!(server.ranges(), [None, Some(CUT)]);
}

#[test]
fn a_server_that_sends_another_part_than_was_asked_for_is_not_believed() {
    let bytes = content();
    let server = Server::start(move |request, before| match (before, request.range) {
        (0, _) => Answer::told(200, &bytes[..CUT], bytes.len()),
        (1, Some(first)) => {
            let mut wrong = request.clone();
            wrong.range = Some(first - 1);
            Answer::ranged(&wrong, &bytes)
        }
        _ => Answer::ranged(request, &bytes),
    });
    let place = place();
    assert_fetched(&place, &fetch(&place, &[&server]));
    assert_eq!(server.ranges(), [None, Some(CUT), None]);
}

#[test]
fn a_server_that_stalls_is_asked_again() {
    let bytes = content();
    let server = Server::start(move |request, before| match before {
        0 => Answer::told(200, &bytes[..CUT], bytes.len()).then_stalls(),
        _ => Answer::ranged(request, &bytes),
    });
    let place = place();
    let begin = Instant::now();
    let ran = fetch(&place, &[&server]);
    assert_fetched(&place, &ran);
    assert_eq!(server.ranges(), [None, Some(CUT)]);
    assert!(
        ran.stderr().contains("nothing came for 1 s"),
        "{}",
        ran.stderr()
    );
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_server_that_always_stalls_is_given_up_and_what_came_is_kept_for_the_next_run() {
    let bytes = content();
    let rest = bytes.clone();
    let stalls = Server::start(move |request, _| {
        let from = request.range.unwrap_or(0);
        let to = if from == 0 { CUT } else { from };
        let range = format!(
            "Content-Range: bytes {from}-{}/{}",
            bytes.len() - 1,
            bytes.len()
        );
        let status = if from == 0 { 200 } else { 206 };
        Answer::told(status, &bytes[from..to], bytes.len() - from)
            .header(range)
            .then_stalls()
    });
    let place = place();
    let ran = fetch(&place, &[&stalls]);
    assert_refused(&place, &ran, "nothing came for 1 s");
    assert_eq!(stalls.ranges(), [None, Some(CUT), Some(CUT), Some(CUT)]);
    assert_eq!(fs::metadata(part(&place)).unwrap().len(), CUT as u64);

    let works = Server::start(move |request, _| Answer::ranged(request, &rest));
    assert_fetched(&place, &fetch(&place, &[&works]));
    assert_eq!(works.ranges(), [Some(CUT)]);
}

#[test]
fn lies_about_the_length_do_not_matter_while_the_bytes_are_right() {
    for told in [CUT as i64, content().len() as i64 + 1000] {
        let bytes = content();
        let server = Server::start(move |request, before| match before {
            0 => Answer::told(200, &bytes, told as usize),
            _ => Answer::ranged(request, &bytes),
        });
        let place = place();
        assert_fetched(&place, &fetch(&place, &[&server]));
    }
}

#[test]
fn a_server_that_always_ends_early_is_given_up() {
    let bytes = content();
    let server = Server::start(move |_, _| Answer::whole(&bytes[..CUT]));
    let place = place();
    assert_refused(&place, &fetch(&place, &[&server]), "ends early");
    assert_eq!(
        server.requests().len(),
        4,
        "once, and again after the start, and twice more"
    );
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
        let liar = Server::start(move |_, _| Answer::whole(&wrong));
        let place = place();
        let ran = fetch(&place, &[&liar]);
        assert_refused(&place, &ran, "what it sends is ");
        assert!(ran.stderr().contains(liar.url()), "{}", ran.stderr());
        assert_eq!(liar.requests().len(), 1);
        assert!(!part(&place).exists());

        let bytes = content();
        let honest = Server::start(move |request, _| Answer::ranged(request, &bytes));
        assert_fetched(&place, &fetch(&place, &[&liar, &honest]));
        assert_eq!(honest.ranges(), [None]);
    }
}

#[test]
fn no_such_file_and_no_server_lead_to_the_next_mirror() {
    let missing = Server::start(|_, _| Answer::status(404));
    let gone = Server::start(|_, _| Answer::status(404));
    let address = gone.url().to_owned();
    drop(gone);
    let place = place();
    let ran = fetch(&place, &[&missing]);
    assert_refused(&place, &ran, "404 Not Found");
    assert_eq!(missing.requests().len(), 1);

    let words = format!("--data d --timeout 1 --retries 0 --mirror {address}");
    let ran = Ran(command(&place, &words).output().unwrap());
    assert_refused(&place, &ran, &address);

    let bytes = content();
    let works = Server::start(move |request, _| Answer::ranged(request, &bytes));
    let words = format!(
        "{words} --mirror {} --mirror {}",
        missing.url(),
        works.url()
    );
    assert_fetched(&place, &Ran(command(&place, &words).output().unwrap()));
}

#[test]
fn redirects_are_followed_but_not_in_circles() {
    let bytes = content();
    let server = Server::start(move |request, _| match request.path.strip_prefix("/old/") {
        Some(name) => Answer::status(302).header(format!("Location: /new/{name}")),
        None if request.path.starts_with("/new/") => Answer::ranged(request, &bytes),
        None => Answer::status(302).header(format!("Location: {}", request.path)),
    });
    let place = place();
    let words = |folder: &str| format!("--data d --retries 0 --mirror {}/{folder}", server.url());
    let ran = Ran(command(&place, &words("circle")).output().unwrap());
    assert_refused(&place, &ran, "redirect");
    assert_fetched(
        &place,
        &Ran(command(&place, &words("old")).output().unwrap()),
    );
}

#[test]
fn more_than_any_file_has_is_refused_before_it_comes() {
    let server = Server::start(|_, _| Answer::told(200, &[0; 1000], 100 << 30));
    let place = place();
    assert_refused(&place, &fetch(&place, &[&server]), "more than");
    assert_eq!(server.requests().len(), 1);
}
