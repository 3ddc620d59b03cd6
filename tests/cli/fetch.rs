//! `lenet data fetch` from a local server; no test contacts another machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use super::server::{Response, Server};
use super::{DATA, Place, Ran, common};

/// The file that these tests fetch; the other three are already present.
pub(super) const NAME: &str = "t10k-images-idx3-ubyte.gz";

pub(super) fn content() -> Vec<u8> {
    fs::read(Path::new(DATA).join(NAME)).unwrap()
}

/// Returns a place whose directory `d` has the whole data set except [`NAME`].
pub(super) fn place() -> Place {
    let place = Place::empty();
    place.make_folder("d");
    for entry in fs::read_dir(DATA).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") && name != NAME {
            symlink(&path, place.path("d").join(name)).unwrap();
        }
    }
    place
}

/// Starts a server that sends the correct file.
pub(super) fn honest() -> Server {
    let bytes = content();
    Server::start(move |_| Response::complete(&bytes))
}

/// Returns the command without the proxy settings of the caller.
pub(super) fn command(place: &Place, arguments: &str) -> std::process::Command {
    let mut command = place.lenet(&format!("data fetch {arguments}"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

pub(super) fn run(place: &Place, arguments: &str) -> Ran {
    Ran::of(&mut command(place, arguments))
}

/// Returns the arguments that fetch into `d` from these servers.
pub(super) fn from(servers: &[&Server]) -> String {
    let mirrors: Vec<_> =
        servers.iter().map(|server| format!("--mirror {}", server.url())).collect();
    format!("--data d {}", mirrors.join(" "))
}

/// Fetches into `d` from these servers.
pub(super) fn fetch(place: &Place, servers: &[&Server]) -> Ran {
    run(place, &from(servers))
}

pub(super) fn assert_fetched(place: &Place, ran: &Ran) {
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(ran.stdout().contains(&format!("d/{NAME}  ok, fetched\n")), "{}", ran.stdout());
    assert!(fs::read(place.path("d").join(NAME)).unwrap() == content());
    assert_only_data_in(place);
}

/// Asserts that `d` holds files of the data set and no temporary file.
pub(super) fn assert_only_data_in(place: &Place) {
    for entry in fs::read_dir(place.path("d")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        assert!(name.ends_with("-ubyte.gz"), "{name}");
    }
}

/// Asserts that the command failed with one line of `cause` per mirror, and wrote no file.
pub(super) fn assert_failed(place: &Place, ran: &Ran, mirrors: &[&str], cause: &str) {
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    let lines: Vec<_> = ran.stderr().lines().collect();
    let with = |start: &str| -> Vec<&str> {
        lines.iter().copied().filter(|line| line.starts_with(start)).collect()
    };
    let notes = with("note: ");
    assert_eq!(notes.len(), mirrors.len(), "{lines:?}");
    for (note, mirror) in notes.iter().zip(mirrors) {
        let start = format!("note: {mirror}/{NAME}: ");
        assert!(note.starts_with(&start) && note.contains(cause), "no {start}{cause} in {note}");
    }
    assert_eq!(with("error: "), [format!("error: cannot fetch {NAME}: all mirrors failed")]);
    let [hint] = with("hint: ")[..] else { panic!("{lines:?}") };
    assert!(hint.contains("--data DIR") && hint.contains("dataset-fashion-mnist"), "{hint}");
    assert!(!place.path("d").join(NAME).exists());
    assert_only_data_in(place);
}

#[test]
fn fetch_fills_cache_directory() {
    let server = Server::start(|path| {
        let path = Path::new(DATA).join(path.strip_prefix("/fashion/").unwrap());
        Response::complete(&fs::read(path).unwrap())
    });
    let place = Place::empty();
    let arguments = format!("--mirror {}/fashion/", server.url());
    let ran = run(&place, &arguments).ok();
    assert_eq!(ran.stdout().lines().count(), 4);
    assert_eq!(server.requests().len(), 4);
    assert!(ran.stderr().contains(&format!("fetching {}/fashion/{NAME}\n", server.url())));
    assert!(!ran.stderr().contains('\u{1b}'), "no bar: {}", ran.stderr());

    // Other commands find the data set there, and no temporary file remains.
    let cache = place.path(".cache/lenet");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 4);
    let verified = place.run("data verify --json");
    assert_eq!(verified.document()["ok"], true, "{}", verified.stderr());

    // A second fetch sends no request.
    let again = run(&place, &format!("{arguments} --json"));
    let document = again.document();
    assert_eq!(document["files"][2]["fetched"], false);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn incorrect_file_is_replaced_with_force() {
    let server = honest();
    let place = place();
    let incorrect = common::gzip(&common::images(0, 40));
    fs::write(place.path("d").join(NAME), &incorrect).unwrap();
    let ran = fetch(&place, &[&server]);
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("not Fashion-MNIST's") && ran.stderr().contains("--force"));
    assert_eq!(server.requests().len(), 0);
    assert!(fs::read(place.path("d").join(NAME)).unwrap() == incorrect);

    assert_fetched(&place, &run(&place, &format!("--force {}", from(&[&server]))));
}

#[test]
fn concurrent_fetches_leave_complete_file() {
    let server = honest();
    for force in ["", "--force"] {
        let place = place();
        let arguments = format!("{} {force}", from(&[&server]));
        let start = || {
            let mut command = command(&place, &arguments);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().unwrap()
        };
        let both = [start(), start()].map(|child| Ran(child.wait_with_output().unwrap()));
        for ran in both {
            assert_eq!(ran.code(), 0, "{}", ran.stderr());
        }
        assert!(fs::read(place.path("d").join(NAME)).unwrap() == content());
        assert_only_data_in(&place);
    }
}

#[test]
fn file_created_meanwhile_is_kept() {
    let bytes = content();
    let place = place();
    let path = place.path("d").join(NAME);
    let created = path.clone();
    let server = Server::start(move |_| {
        fs::write(&created, "mine").unwrap();
        Response::complete(&bytes)
    });
    let ran = fetch(&place, &[&server]);
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    ran.assert_says("--force");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_only_data_in(&place);
}

#[test]
fn fetch_does_not_follow_symlinks() {
    let server = honest();
    let place = place();
    place.write("victim", "precious");
    // The first symlink points to an existing file, the second is dangling.
    for (end, force) in [("../victim", "--force"), ("../nowhere", "")] {
        let path = place.path("d").join(NAME);
        let _ = fs::remove_file(&path);
        symlink(end, &path).unwrap();
        let ran = run(&place, &format!("{force} {}", from(&[&server])));
        let followed = place.path("nowhere").exists();
        assert!(!followed && [0, 1].contains(&ran.code()), "{}", ran.stderr());
        assert_eq!(place.read("victim"), b"precious");
    }
}

#[test]
fn mirror_password_is_not_printed() {
    let server = Server::start(|_| Response::status(404));
    let place = place();
    let secret = server.url().replace("http://", "http://me:secret@");
    let arguments = format!("--data d --mirror {secret} --mirror http://me:secret@127.0.0.1:1");
    let ran = run(&place, &arguments);
    let shown = secret.replace("me:secret", "...");
    assert_failed(&place, &ran, &[&shown, "http://...@127.0.0.1:1"], "");
    ran.assert_says("404 Not Found");
    assert!(!ran.stderr().contains("secret"), "{}", ran.stderr());
}

#[test]
fn fetch_uses_proxy_from_environment() {
    let proxy = Server::start(|_| Response::status(403));
    let place = place();
    // No resolver knows this host (RFC 2606), so only the proxy could reach it.
    let mut command = command(&place, "--data d --mirror https://fashion.invalid/");
    let ran = Ran::of(command.env("HTTPS_PROXY", proxy.url()).env("NO_PROXY", ""));
    assert_failed(&place, &ran, &["https://fashion.invalid"], "");
    assert_eq!(proxy.requests(), ["CONNECT fashion.invalid:443"]);
}

#[test]
fn invalid_mirror_url_is_usage_error() {
    for address in ["example.org", "ftp://example.org", "http://"] {
        let ran = Place::empty().run(&format!("data fetch --mirror {address}"));
        ran.assert_error(2, "--mirror", "");
    }
}
