//! `lenet data fetch` from a server of this machine. Nothing leaves it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use super::server::{Prediction, Server};
use super::{DATA, Place, Ran, common};

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
    place.make_folder("d");
    for entry in fs::read_dir(DATA).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.extension().is_some_and(|ending| ending == "gz") && name != NAME {
            symlink(&path, place.path("d").join(name)).unwrap();
        }
    }
    place
}

/// A server that answers its n-th request with what `answer` makes of the file's bytes.
pub(super) fn server(
    answer: impl Fn(&[u8], usize) -> Prediction + Send + Sync + 'static,
) -> Server {
    let bytes = content();
    Server::start(move |_, before| answer(&bytes, before))
}

/// A server that sends the file.
pub(super) fn honest() -> Server {
    server(|bytes, _| Prediction::whole(bytes))
}

/// The program with no proxy of the caller's.
pub(super) fn command(place: &Place, words: &str) -> std::process::Command {
    let mut command = place.lenet(&format!("data fetch {words}"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

pub(super) fn run(place: &Place, words: &str) -> Ran {
    Ran::of(&mut command(place, words))
}

/// Fetches into `d`, patient for a second and twice.
pub(super) fn fetch(place: &Place, servers: &[&Server]) -> Ran {
    let mirrors: Vec<String> =
        servers.iter().map(|server| format!("--mirror {}", server.url())).collect();
    run(place, &format!("--data d --timeout 1 --retries 2 {}", mirrors.join(" ")))
}

pub(super) fn assert_fetched(place: &Place, ran: &Ran) {
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(ran.stdout().contains(&format!("d/{NAME}  ok, fetched\n")), "{}", ran.stdout());
    assert!(fs::read(place.path("d").join(NAME)).unwrap() == content());
    assert_nothing_else_in(place);
}

/// The folder holds the data set, or what there is of it, and no scratch file.
pub(super) fn assert_nothing_else_in(place: &Place) {
    for entry in fs::read_dir(place.path("d")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        assert!(name.ends_with("-ubyte.gz"), "{name}");
    }
}

/// It failed, and nothing has the name of the file.
pub(super) fn assert_refused(place: &Place, ran: &Ran, words: &str) {
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    let stderr = ran.stderr();
    let error = stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.contains(words) && error.contains(NAME), "no {words:?} in {error}");
    let hint = stderr.lines().find(|line| line.starts_with("hint: ")).unwrap();
    assert!(hint.contains("--data DIR") && hint.contains("dataset-fashion-mnist"), "{hint}");
    assert!(!place.path("d").join(NAME).exists());
    assert_nothing_else_in(place);
}

#[test]
fn the_data_set_goes_to_the_cache_folder_where_other_commands_find_it() {
    let server = Server::start(|path, _| {
        let path = Path::new(DATA).join(path.strip_prefix("/fashion/").unwrap());
        Prediction::whole(&fs::read(path).unwrap())
    });
    let place = Place::empty();
    let words = format!("--mirror {}/fashion/", server.url());
    let ran = run(&place, &words).ok();
    assert_eq!(ran.stdout().lines().count(), 4);
    assert_eq!(server.requests().len(), 4);
    assert!(ran.stderr().contains(&format!("fetching {}/fashion/{NAME}\n", server.url())));
    assert!(!ran.stderr().contains('\u{1b}'), "no bar: {}", ran.stderr());

    let cache = place.path(".cache/lenet");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 4, "and no part is left");
    let verified = place.run("data verify --json");
    assert_eq!(verified.document()["ok"], true, "{}", verified.stderr());

    let again = run(&place, &format!("{words} --json"));
    let document = again.document();
    assert_eq!(document["files"][2]["fetched"], false);
    assert_eq!(server.requests().len(), 4, "what is there is not asked for");
}

#[test]
fn a_wrong_file_that_is_there_is_replaced_only_if_asked() {
    let server = honest();
    let place = place();
    let foreign = common::gzip(&common::images(0, 40));
    fs::write(place.path("d").join(NAME), &foreign).unwrap();
    let ran = fetch(&place, &[&server]);
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("not Fashion-MNIST's") && ran.stderr().contains("--force"));
    assert_eq!(server.requests().len(), 0);
    assert!(fs::read(place.path("d").join(NAME)).unwrap() == foreign);

    let words = format!("--data d --force --mirror {}", server.url());
    assert_fetched(&place, &run(&place, &words));
}

#[test]
fn two_downloads_of_one_file_at_once_leave_it_whole() {
    let server = honest();
    for force in ["", "--force"] {
        let place = place();
        let words = format!("--data d --mirror {} {force}", server.url());
        let start = || {
            let mut command = command(&place, &words);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().unwrap()
        };
        let both = [start(), start()].map(|child| Ran(child.wait_with_output().unwrap()));
        for ran in both {
            assert_eq!(ran.code(), 0, "{}", ran.stderr());
        }
        assert!(fs::read(place.path("d").join(NAME)).unwrap() == content());
        assert_nothing_else_in(&place);
    }
}

#[test]
fn a_file_that_appears_meanwhile_is_not_replaced() {
    let bytes = content();
    let place = place();
    let path = place.path("d").join(NAME);
    let appears = path.clone();
    let server = Server::start(move |_, _| {
        fs::write(&appears, "mine").unwrap();
        Prediction::whole(&bytes)
    });
    let ran = fetch(&place, &[&server]);
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    ran.assert_says("--force");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_nothing_else_in(&place);
}

#[test]
fn planted_names_are_not_followed() {
    let server = honest();
    let place = place();
    place.write("victim", "precious");
    // A link to another file, and one to nowhere.
    for (end, words) in [("../victim", "--force"), ("../nowhere", "")] {
        let path = place.path("d").join(NAME);
        let _ = fs::remove_file(&path);
        symlink(end, &path).unwrap();
        let words = format!("--data d --mirror {} {words}", server.url());
        let ran = run(&place, &words);
        let followed = place.path("nowhere").exists();
        assert!(!followed && [0, 1].contains(&ran.code()), "{}", ran.stderr());
        assert_eq!(place.read("victim"), b"precious");
    }
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let server = Server::start(|_, _| Prediction::status(404));
    let place = place();
    let secret = server.url().replace("http://", "http://me:secret@");
    let words =
        format!("--data d --retries 0 --mirror {secret} --mirror http://me:secret@127.0.0.1:1");
    let ran = run(&place, &words);
    assert_refused(&place, &ran, "404");
    assert!(!ran.stderr().contains("secret"), "{}", ran.stderr());
}

#[test]
fn the_proxy_of_the_environment_is_asked() {
    let proxy = Server::start(|_, _| Prediction::status(403));
    let place = place();
    // A host that no resolver knows (RFC 2606): only the proxy could reach it.
    let words = "--data d --timeout 1 --retries 0 --mirror https://fashion.invalid/";
    let ran = command(&place, words)
        .env("HTTPS_PROXY", proxy.url())
        .env("NO_PROXY", "")
        .output()
        .unwrap();
    assert_refused(&place, &Ran(ran), "https://fashion.invalid/");
    assert_eq!(proxy.requests()[0], "CONNECT fashion.invalid:443");
}

#[test]
fn what_is_no_address_is_wrong_usage() {
    for address in ["example.org", "ftp://example.org", "http://"] {
        let ran = Place::empty().run(&format!("data fetch --mirror {address}"));
        ran.assert_error(2, "--mirror", "");
    }
}
