//! `lenet data fetch`, against servers that misbehave. Nothing leaves this machine.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::server::{Answer, Server};
use super::{Place, Ran, common};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// The file that these tests fetch; the others are there.
const NAME: &str = "t10k-images-idx3-ubyte.gz";

/// Where connections end, in bytes: after the start and before the end of that file.
const CUT: usize = 1_000_000;

fn content() -> Vec<u8> {
    fs::read(Path::new(DATA).join(NAME)).unwrap()
}

/// A place whose folder `d` has all of the data set but [`NAME`].
fn place() -> Place {
    let place = Place::empty();
    fs::create_dir(place.path("d")).unwrap();
    for entry in fs::read_dir(DATA).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.extension().is_some_and(|ending| ending == "gz") && name != NAME {
            std::os::unix::fs::symlink(&path, place.path("d").join(name)).unwrap();
        }
    }
    place
}

/// The program with no proxy of the caller's.
fn command(place: &Place, words: &str) -> std::process::Command {
    let mut command = place.lenet(&format!("data fetch {words}"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

/// Fetches into `d`, patient for a second and twice.
fn fetch(place: &Place, servers: &[&Server]) -> Ran {
    let mirrors: Vec<String> = servers
        .iter()
        .map(|server| format!("--mirror {}", server.url()))
        .collect();
    let words = format!("--data d --timeout 1 --retries 2 {}", mirrors.join(" "));
    Ran(command(place, &words).output().unwrap())
}

fn assert_fetched(place: &Place, ran: &Ran) {
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(
        ran.stdout().contains(&format!("d/{NAME}  ok, fetched\n")),
        "{}",
        ran.stdout()
    );
    assert!(fs::read(place.path("d").join(NAME)).unwrap() == content());
    assert!(!part(place).exists());
}

/// It failed, and nothing has the name of the file.
fn assert_refused(place: &Place, ran: &Ran, words: &str) {
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    let stderr = ran.stderr();
    let error = stderr
        .lines()
        .find(|line| line.starts_with("error: "))
        .unwrap();
    assert!(
        error.contains(words) && error.contains(NAME),
        "no {words:?} in {error}"
    );
    let hint = stderr
        .lines()
        .find(|line| line.starts_with("hint: "))
        .unwrap();
    assert!(
        hint.contains("--data DIR") && hint.contains("dataset-fashion-mnist"),
        "{hint}"
    );
    assert!(!place.path("d").join(NAME).exists());
}

fn part(place: &Place) -> std::path::PathBuf {
    place.path("d").join(format!("{NAME}.part"))
}

#[test]
fn the_data_set_goes_to_the_cache_folder_where_other_commands_find_it() {
    let server = Server::start(|request, _| {
        let path = Path::new(DATA).join(request.path.strip_prefix("/fashion/").unwrap());
        Answer::ranged(request, &fs::read(path).unwrap())
    });
    let place = Place::empty();
    let words = format!("--mirror {}/fashion/", server.url());
    let ran = Ran(command(&place, &words).output().unwrap());
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert_eq!(ran.stdout().lines().count(), 4);
    assert_eq!(server.requests().len(), 4);
    assert!(
        ran.stderr()
            .contains(&format!("fetching {}/fashion/{NAME}\n", server.url()))
    );
    assert!(!ran.stderr().contains('\u{1b}'), "no bar: {}", ran.stderr());

    let cache = place.path(".cache/lenet");
    assert_eq!(
        fs::read_dir(&cache).unwrap().count(),
        4,
        "and no part is left"
    );
    let verified = place.run("data verify --json");
    assert_eq!(verified.events()[0]["ok"], true, "{}", verified.stderr());

    let again = Ran(command(&place, &format!("{words} --json"))
        .output()
        .unwrap());
    let document = &again.events()[0];
    assert_eq!(document["files"][2]["fetched"], false);
    assert_eq!(server.requests().len(), 4, "what is there is not asked for");
}

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
fn a_part_of_another_file_is_begun_anew() {
    let bytes = content();
    let server = Server::start(move |request, _| Answer::ranged(request, &bytes));
    let place = place();
    for wrong in [vec![7; 1000], vec![7; 5_000_000], content()[1..].to_vec()] {
        let _ = fs::remove_file(place.path("d").join(NAME));
        fs::write(part(&place), &wrong).unwrap();
        let asked = server.requests().len();
        assert_fetched(&place, &fetch(&place, &[&server]));
        assert_eq!(server.ranges()[asked..], [Some(wrong.len()), None]);
    }
}

#[test]
fn a_whole_part_needs_no_server() {
    let place = place();
    fs::write(part(&place), content()).unwrap();
    assert_fetched(&place, &fetch(&place, &[]));
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

#[test]
fn a_wrong_file_that_is_there_is_replaced_only_if_asked() {
    let bytes = content();
    let server = Server::start(move |request, _| Answer::ranged(request, &bytes));
    let place = place();
    let foreign = common::gzip(&common::images(0, 40));
    fs::write(place.path("d").join(NAME), &foreign).unwrap();
    let ran = fetch(&place, &[&server]);
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("not Fashion-MNIST's") && ran.stderr().contains("--force"));
    assert_eq!(server.requests().len(), 0);
    assert!(fs::read(place.path("d").join(NAME)).unwrap() == foreign);

    let words = format!("--data d --force --mirror {}", server.url());
    assert_fetched(&place, &Ran(command(&place, &words).output().unwrap()));
}

#[test]
fn two_downloads_of_one_file_do_not_meet() {
    let bytes = content();
    let server =
        Server::start(move |_, _| Answer::told(200, &bytes[..CUT], bytes.len()).then_stalls());
    let place = place();
    let words = format!("--data d --timeout 20 --mirror {}", server.url());
    let mut first = command(&place, &words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while server.requests().is_empty() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "it asks for the file"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = fetch(&place, &[&server]);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.code(), 1, "{}", second.stderr());
    assert!(
        second.stderr().contains("another download"),
        "{}",
        second.stderr()
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_proxy_of_the_environment_is_asked() {
    let proxy = Server::start(|_, _| Answer::status(403));
    let place = place();
    // A host that no resolver knows (RFC 2606): only the proxy could reach it.
    let words = "--data d --timeout 1 --retries 0 --mirror https://fashion.invalid/";
    let ran = command(&place, words)
        .env("HTTPS_PROXY", proxy.url())
        .env("NO_PROXY", "")
        .output()
        .unwrap();
    assert_refused(&place, &Ran(ran), "https://fashion.invalid/");
    let request = &proxy.requests()[0];
    assert_eq!(
        (&*request.method, &*request.path),
        ("CONNECT", "fashion.invalid:443")
    );
}

#[test]
fn what_is_no_address_is_wrong_usage() {
    for address in ["example.org", "ftp://example.org", "http://"] {
        let ran = Place::empty().run(&format!("data fetch --mirror {address}"));
        ran.assert_error(2, "--mirror", "");
    }
}
