//! `lenet data fetch` from a server of this machine. Nothing leaves it.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::server::{Answer, Server};
use super::{Place, Ran, common};

pub(super) const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// The file that these tests fetch; the others are there.
pub(super) const NAME: &str = "t10k-images-idx3-ubyte.gz";

/// Where connections end, in bytes: after the start and before the end of that file.
pub(super) const CUT: usize = 1_000_000;

pub(super) fn content() -> Vec<u8> {
    fs::read(Path::new(DATA).join(NAME)).unwrap()
}

/// A place whose folder `d` has all of the data set but [`NAME`].
pub(super) fn place() -> Place {
    let place = Place::empty();
    fs::create_dir(place.path("d")).unwrap();
    for entry in fs::read_dir(DATA).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.extension().is_some_and(|ending| ending == "gz") && name != NAME {
            let here = place.path("d").join(name);
            #[cfg(unix)]
            std::os::unix::fs::symlink(&path, here).unwrap();
            // Windows lets only some users make links.
            #[cfg(not(unix))]
            fs::copy(&path, here).unwrap();
        }
    }
    place
}

/// The program with no proxy of the caller's.
pub(super) fn command(place: &Place, words: &str) -> std::process::Command {
    let mut command = place.lenet(&format!("data fetch {words}"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

/// Fetches into `d`, patient for a second and twice.
pub(super) fn fetch(place: &Place, servers: &[&Server]) -> Ran {
    let mirrors: Vec<String> = servers
        .iter()
        .map(|server| format!("--mirror {}", server.url()))
        .collect();
    let words = format!("--data d --timeout 1 --retries 2 {}", mirrors.join(" "));
    Ran(command(place, &words).output().unwrap())
}

pub(super) fn assert_fetched(place: &Place, ran: &Ran) {
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
pub(super) fn assert_refused(place: &Place, ran: &Ran, words: &str) {
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

pub(super) fn part(place: &Place) -> std::path::PathBuf {
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
