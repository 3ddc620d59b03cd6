//! `lenet data fetch` from a server of this machine. Nothing leaves it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use super::server::{Response, Server};
use super::{CommandOutput, DATA, TestDir, common};

/// The file that these tests fetch; the others are there.
pub(super) const NAME: &str = "t10k-images-idx3-ubyte.gz";

/// Where connections end, in bytes: after the start and before the end of that file.
pub(super) const CUT: usize = 1_000_000;

pub(super) fn content() -> Vec<u8> {
    fs::read(Path::new(DATA).join(NAME)).unwrap()
}

/// A place whose folder `d` has all of the data set but [`NAME`].
pub(super) fn incomplete_dataset() -> TestDir {
    let dir = TestDir::empty();
    dir.create_dir("d");
    for entry in fs::read_dir(DATA).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.extension().is_some_and(|ending| ending == "gz") && name != NAME {
            symlink(&path, dir.path("d").join(name)).unwrap();
        }
    }
    dir
}

/// A server that answers its n-th request with what `answer` makes of the file's bytes.
pub(super) fn server(answer: impl Fn(&[u8], usize) -> Response + Send + Sync + 'static) -> Server {
    let bytes = content();
    Server::start(move |_, before| answer(&bytes, before))
}

/// A server that sends the file.
pub(super) fn honest() -> Server {
    server(|bytes, _| Response::whole(bytes))
}

/// The program with no proxy of the caller's.
pub(super) fn command(dir: &TestDir, words: &str) -> std::process::Command {
    let mut command = dir.lenet(&format!("data fetch {words}"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

pub(super) fn run(dir: &TestDir, words: &str) -> CommandOutput {
    CommandOutput::of(&mut command(dir, words))
}

/// Fetches into `d`, patient for a second and twice.
pub(super) fn fetch(dir: &TestDir, servers: &[&Server]) -> CommandOutput {
    let mirrors: Vec<String> =
        servers.iter().map(|server| format!("--mirror {}", server.url())).collect();
    run(dir, &format!("--data d --timeout 1 --retries 2 {}", mirrors.join(" ")))
}

pub(super) fn assert_fetched(dir: &TestDir, output: &CommandOutput) {
    assert_eq!(output.code(), 0, "{}", output.stderr());
    assert!(output.stdout().contains(&format!("d/{NAME}  ok, fetched\n")), "{}", output.stdout());
    assert!(fs::read(dir.path("d").join(NAME)).unwrap() == content());
    assert_nothing_else_in(dir);
}

/// The folder holds the data set, or what there is of it, and no scratch file.
pub(super) fn assert_nothing_else_in(dir: &TestDir) {
    for entry in fs::read_dir(dir.path("d")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        assert!(name.ends_with("-ubyte.gz"), "{name}");
    }
}

/// It failed, and nothing has the name of the file.
pub(super) fn assert_refused(dir: &TestDir, output: &CommandOutput, words: &str) {
    assert_eq!(output.code(), 1, "{}", output.stderr());
    let stderr = output.stderr();
    let error = stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.contains(words) && error.contains(NAME), "no {words:?} in {error}");
    let hint = stderr.lines().find(|line| line.starts_with("hint: ")).unwrap();
    assert!(hint.contains("--data DIR") && hint.contains("dataset-fashion-mnist"), "{hint}");
    assert!(!dir.path("d").join(NAME).exists());
    assert_nothing_else_in(dir);
}

#[test]
fn the_data_set_goes_to_the_cache_folder_where_other_commands_find_it() {
    let server = Server::start(|path, _| {
        let path = Path::new(DATA).join(path.strip_prefix("/fashion/").unwrap());
        Response::whole(&fs::read(path).unwrap())
    });
    let dir = TestDir::empty();
    let words = format!("--mirror {}/fashion/", server.url());
    let output = run(&dir, &words).ok();
    assert_eq!(output.stdout().lines().count(), 4);
    assert_eq!(server.requests().len(), 4);
    assert!(output.stderr().contains(&format!("fetching {}/fashion/{NAME}\n", server.url())));
    assert!(!output.stderr().contains('\u{1b}'), "no bar: {}", output.stderr());

    let cache = dir.path(".cache/lenet");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 4, "and no part is left");
    let verified = dir.run("data verify --json");
    assert_eq!(verified.json()["ok"], true, "{}", verified.stderr());

    let again = run(&dir, &format!("{words} --json"));
    let document = again.json();
    assert_eq!(document["files"][2]["fetched"], false);
    assert_eq!(server.requests().len(), 4, "what is there is not asked for");
}

#[test]
fn a_wrong_file_that_is_there_is_replaced_only_if_asked() {
    let server = honest();
    let dir = incomplete_dataset();
    let foreign = common::gzip(&common::images(0, 40));
    fs::write(dir.path("d").join(NAME), &foreign).unwrap();
    let output = fetch(&dir, &[&server]);
    assert_eq!(output.code(), 1);
    assert!(output.stderr().contains("not Fashion-MNIST's") && output.stderr().contains("--force"));
    assert_eq!(server.requests().len(), 0);
    assert!(fs::read(dir.path("d").join(NAME)).unwrap() == foreign);

    let words = format!("--data d --force --mirror {}", server.url());
    assert_fetched(&dir, &run(&dir, &words));
}

#[test]
fn two_downloads_of_one_file_at_once_leave_it_whole() {
    let server = honest();
    for force in ["", "--force"] {
        let dir = incomplete_dataset();
        let words = format!("--data d --mirror {} {force}", server.url());
        let start = || {
            let mut command = command(&dir, &words);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().unwrap()
        };
        let both = [start(), start()].map(|child| CommandOutput(child.wait_with_output().unwrap()));
        for output in both {
            assert_eq!(output.code(), 0, "{}", output.stderr());
        }
        assert!(fs::read(dir.path("d").join(NAME)).unwrap() == content());
        assert_nothing_else_in(&dir);
    }
}

#[test]
fn a_file_that_appears_meanwhile_is_not_replaced() {
    let bytes = content();
    let dir = incomplete_dataset();
    let path = dir.path("d").join(NAME);
    let appears = path.clone();
    let server = Server::start(move |_, _| {
        fs::write(&appears, "mine").unwrap();
        Response::whole(&bytes)
    });
    let output = fetch(&dir, &[&server]);
    assert_eq!(output.code(), 1, "{}", output.stderr());
    output.assert_stderr_contains("--force");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_nothing_else_in(&dir);
}

#[test]
fn planted_names_are_not_followed() {
    let server = honest();
    let dir = incomplete_dataset();
    dir.write("victim", "precious");
    // A link to another file, and one to nowhere.
    for (end, words) in [("../victim", "--force"), ("../nowhere", "")] {
        let path = dir.path("d").join(NAME);
        let _ = fs::remove_file(&path);
        symlink(end, &path).unwrap();
        let words = format!("--data d --mirror {} {words}", server.url());
        let output = run(&dir, &words);
        let followed = dir.path("nowhere").exists();
        assert!(!followed && [0, 1].contains(&output.code()), "{}", output.stderr());
        assert_eq!(dir.read("victim"), b"precious");
    }
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let server = Server::start(|_, _| Response::status(404));
    let dir = incomplete_dataset();
    let secret = server.url().replace("http://", "http://me:secret@");
    let words =
        format!("--data d --retries 0 --mirror {secret} --mirror http://me:secret@127.0.0.1:1");
    let output = run(&dir, &words);
    assert_refused(&dir, &output, "404");
    assert!(!output.stderr().contains("secret"), "{}", output.stderr());
}

#[test]
fn the_proxy_of_the_environment_is_asked() {
    let proxy = Server::start(|_, _| Response::status(403));
    let dir = incomplete_dataset();
    // A host that no resolver knows (RFC 2606): only the proxy could reach it.
    let words = "--data d --timeout 1 --retries 0 --mirror https://fashion.invalid/";
    let output =
        command(&dir, words).env("HTTPS_PROXY", proxy.url()).env("NO_PROXY", "").output().unwrap();
    assert_refused(&dir, &CommandOutput(output), "https://fashion.invalid/");
    assert_eq!(proxy.requests()[0], "CONNECT fashion.invalid:443");
}

#[test]
fn what_is_no_address_is_wrong_usage() {
    for address in ["example.org", "ftp://example.org", "http://"] {
        let output = TestDir::empty().run(&format!("data fetch --mirror {address}"));
        output.assert_error(2, "--mirror", "");
    }
}
