//! `lenet data fetch` from a local server; no test contacts another machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use super::server::{Response, Server};
use super::{CommandOutput, DATA, TestDir, common};

/// The file that these tests fetch; the other three are already present.
pub(super) const NAME: &str = "t10k-images-idx3-ubyte.gz";

pub(super) fn content() -> Vec<u8> {
    fs::read(Path::new(DATA).join(NAME)).unwrap()
}

/// Returns a directory whose subdirectory `d` has all files of the data set except [`NAME`].
pub(super) fn incomplete_dataset() -> TestDir {
    let test_dir = TestDir::empty();
    test_dir.create_dir("d");
    for entry in fs::read_dir(DATA).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") && name != NAME {
            symlink(&path, test_dir.path("d").join(name)).unwrap();
        }
    }
    test_dir
}

/// Starts a server that sends the correct file.
pub(super) fn honest() -> Server {
    let bytes = content();
    Server::start(move |_| Response::complete(&bytes))
}

/// Returns the command without the proxy settings of the caller.
pub(super) fn command(test_dir: &TestDir, arguments: &str) -> std::process::Command {
    let mut command = test_dir.lenet(&format!("data fetch {arguments}"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

pub(super) fn run(test_dir: &TestDir, arguments: &str) -> CommandOutput {
    CommandOutput::of(&mut command(test_dir, arguments))
}

/// Returns the arguments that fetch into `d` from these servers.
pub(super) fn from(servers: &[&Server]) -> String {
    let mirrors: Vec<_> =
        servers.iter().map(|server| format!("--mirror {}", server.url())).collect();
    format!("--data d {}", mirrors.join(" "))
}

/// Fetches into `d` from these servers.
pub(super) fn fetch(test_dir: &TestDir, servers: &[&Server]) -> CommandOutput {
    run(test_dir, &from(servers))
}

pub(super) fn assert_fetched(test_dir: &TestDir, output: &CommandOutput) {
    assert_eq!(output.code(), 0, "{}", output.stderr());
    assert!(output.stdout().contains(&format!("d/{NAME}  ok, fetched\n")), "{}", output.stdout());
    assert!(output.stderr().contains("use --data=d with other commands"), "{}", output.stderr());
    assert!(fs::read(test_dir.path("d").join(NAME)).unwrap() == content());
    assert_only_data_in(test_dir);
}

/// Asserts that `d` holds files of the data set and no temporary file.
pub(super) fn assert_only_data_in(test_dir: &TestDir) {
    for entry in fs::read_dir(test_dir.path("d")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        assert!(name.ends_with("-ubyte.gz"), "{name}");
    }
}

/// Asserts that the command failed with one line of `cause` per mirror, and wrote no file.
pub(super) fn assert_failed(
    test_dir: &TestDir,
    output: &CommandOutput,
    mirrors: &[&str],
    cause: &str,
) {
    assert_eq!(output.code(), 1, "{}", output.stderr());
    let lines: Vec<_> = output.stderr().lines().collect();
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
    assert!(!test_dir.path("d").join(NAME).exists());
    assert_only_data_in(test_dir);
}

#[test]
fn fetch_fills_cache_directory() {
    let server = Server::start(|path| {
        let path = Path::new(DATA).join(path.strip_prefix("/fashion/").unwrap());
        Response::complete(&fs::read(path).unwrap())
    });
    let test_dir = TestDir::empty();
    let arguments = format!("--mirror {}/fashion/", server.url());
    let output = run(&test_dir, &arguments).ok();
    assert_eq!(output.stdout().lines().count(), 4);
    assert_eq!(server.requests().len(), 4);
    assert!(output.stderr().contains(&format!("fetching {}/fashion/{NAME}\n", server.url())));
    assert!(!output.stderr().contains('\u{1b}'), "no bar: {}", output.stderr());

    // Other commands find the data set there, and no temporary file remains.
    assert!(!output.stderr().contains("with other commands"), "{}", output.stderr());
    let cache = test_dir.path(".cache/lenet");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 4);
    let verified = test_dir.run("data verify --json");
    assert_eq!(verified.json()["ok"], true, "{}", verified.stderr());

    // A second fetch sends no request.
    let again = run(&test_dir, &format!("{arguments} --json"));
    let document = again.json();
    assert_eq!(document["files"][2]["fetched"], false);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn force_replaces_incorrect_file() {
    let server = honest();
    let test_dir = incomplete_dataset();
    let incorrect = common::gzip(&common::images(0, 40));
    fs::write(test_dir.path("d").join(NAME), &incorrect).unwrap();
    let output = fetch(&test_dir, &[&server]);
    assert_eq!(output.code(), 1);
    assert!(
        output.stderr().contains("not from Fashion-MNIST") && output.stderr().contains("--force")
    );
    assert_eq!(server.requests().len(), 0);
    assert!(fs::read(test_dir.path("d").join(NAME)).unwrap() == incorrect);

    assert_fetched(&test_dir, &run(&test_dir, &format!("--force {}", from(&[&server]))));
}

#[test]
fn concurrent_fetches_leave_complete_file() {
    let server = honest();
    for force in ["", "--force"] {
        let test_dir = incomplete_dataset();
        let arguments = format!("{} {force}", from(&[&server]));
        let start = || {
            let mut command = command(&test_dir, &arguments);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().unwrap()
        };
        let both = [start(), start()].map(|child| CommandOutput(child.wait_with_output().unwrap()));
        for output in both {
            assert_eq!(output.code(), 0, "{}", output.stderr());
        }
        assert!(fs::read(test_dir.path("d").join(NAME)).unwrap() == content());
        assert_only_data_in(&test_dir);
    }
}

#[test]
fn file_created_meanwhile_is_kept() {
    let bytes = content();
    let test_dir = incomplete_dataset();
    let path = test_dir.path("d").join(NAME);
    let created = path.clone();
    let server = Server::start(move |_| {
        fs::write(&created, "mine").unwrap();
        Response::complete(&bytes)
    });
    let output = fetch(&test_dir, &[&server]);
    assert_eq!(output.code(), 1, "{}", output.stderr());
    output.assert_stderr_contains("--force");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_only_data_in(&test_dir);
}

#[test]
fn fetch_does_not_follow_symlinks() {
    let server = honest();
    let test_dir = incomplete_dataset();
    test_dir.write("victim", "precious");
    // The first symlink points to an existing file, the second is dangling.
    for (end, force) in [("../victim", "--force"), ("../nowhere", "")] {
        let path = test_dir.path("d").join(NAME);
        let _ = fs::remove_file(&path);
        symlink(end, &path).unwrap();
        let output = run(&test_dir, &format!("{force} {}", from(&[&server])));
        let followed = test_dir.path("nowhere").exists();
        assert!(!followed && [0, 1].contains(&output.code()), "{}", output.stderr());
        assert_eq!(test_dir.read("victim"), b"precious");
    }
}

#[test]
fn symlink_at_cache_directory_is_rejected() {
    // The user did not type this path. A path that the user typed may be a symlink.
    let server = honest();
    let test_dir = incomplete_dataset();
    test_dir.create_dir(".cache");
    symlink("../d", test_dir.path(".cache/lenet")).unwrap();
    let arguments = format!("--mirror {}", server.url());
    let output = run(&test_dir, &arguments);
    assert_eq!(output.code(), 1, "{}", output.stderr());
    output.assert_stderr_contains("expected a directory, found a symlink\nhint: ");
    assert_only_data_in(&test_dir);
    assert!(!test_dir.path("d").join(NAME).exists());
    let output = run(&test_dir, &format!("{arguments} mnist"));
    output.assert_error(1, "expected a directory, found a symlink", "remove it");
    assert!(!test_dir.path("d/mnist").exists());
    run(&test_dir, &format!("{arguments} --data .cache/lenet")).ok();
    assert!(test_dir.path("d").join(NAME).exists());
}

#[test]
fn mirror_password_is_not_printed() {
    let server = Server::start(|_| Response::status(404));
    let test_dir = incomplete_dataset();
    let secret = server.url().replace("http://", "http://me:secret@");
    let arguments = format!("--data d --mirror {secret} --mirror http://me:secret@127.0.0.1:1");
    let output = run(&test_dir, &arguments);
    let shown = secret.replace("me:secret", "...");
    assert_failed(&test_dir, &output, &[&shown, "http://...@127.0.0.1:1"], "");
    output.assert_stderr_contains("404 Not Found");
    assert!(!output.stderr().contains("secret"), "{}", output.stderr());
}

#[test]
fn invalid_mirror_password_is_not_printed() {
    // A password may contain characters that end the host of a URL.
    for url in [
        "http://me:sec/ret@127.0.0.1:1",
        "http://me:sec?ret@127.0.0.1:1",
        "http://me:sec#ret@127.0.0.1:1",
        "http://me:1/secret@127.0.0.1:1",
        "http://me:1?secret@127.0.0.1:1",
        "http://me:1#secret@127.0.0.1:1",
        "http://me:secret@127.0.0.1:1/a b",
        "http://me:%zzsecret@127.0.0.1:1",
        "me:secret@127.0.0.1",
    ] {
        for before in ["--mirror ", "--mirror=", ""] {
            let output = run(&incomplete_dataset(), &format!("--data d {before}{url}"));
            assert!([1, 2].contains(&output.code()), "{}", output.stderr());
            let shown = format!("{}{}", output.stdout(), output.stderr());
            assert!(!shown.contains("sec"), "{before}{url}: {shown}");
        }
    }
    let proxied = |proxy: &str| {
        let test_dir = incomplete_dataset();
        let mut command = command(&test_dir, "--data d --mirror http://127.0.0.2:1");
        CommandOutput::of(command.env("HTTP_PROXY", proxy).env("NO_PROXY", ""))
    };
    for proxy in ["http://me:secret@127.0.0.1:1", "http://me:sec/ret@127.0.0.1:1", "me:secret"] {
        let output = proxied(proxy);
        assert!(output.code() == 1 && !output.stderr().contains("sec"), "{}", output.stderr());
    }
    // A proxy that cannot be used is not ignored without a note.
    for proxy in ["ftp://me:secret@127.0.0.1:1", "socks5://me:secret@127.0.0.1:1"] {
        let output = proxied(proxy);
        output.assert_stderr_contains("note: HTTP_PROXY is not used: it is not the URL of an HTTP");
        assert!(!output.stderr().contains("sec"), "{}", output.stderr());
    }
}

#[test]
fn fetch_uses_proxy_from_environment() {
    let proxy = Server::start(|_| Response::status(403));
    let test_dir = incomplete_dataset();
    // No resolver knows this host (RFC 2606), so only the proxy could reach it.
    let mut command = command(&test_dir, "--data d --mirror https://fashion.invalid/");
    let output = CommandOutput::of(command.env("HTTPS_PROXY", proxy.url()).env("NO_PROXY", ""));
    assert_failed(&test_dir, &output, &["https://fashion.invalid"], "");
    assert_eq!(proxy.requests(), ["CONNECT fashion.invalid:443"]);
}

#[test]
fn invalid_mirror_url_is_usage_error() {
    for address in ["example.org", "ftp://example.org", "http://"] {
        let output = TestDir::empty().run(&format!("data fetch --mirror {address}"));
        output.assert_error(2, "--mirror", "");
    }
}
