//! `lenet data fetch mnist`, from a local server that has Fashion-MNIST.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::fetch::run;
use super::server::{Response, Server};
use super::{DATA, TestDir};

#[test]
fn mnist_is_another_data_set() {
    let server = Server::start(|path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        Response::complete(&fs::read(Path::new(DATA).join(name)).unwrap())
    });
    let test_dir = TestDir::empty();
    let output = run(&test_dir, &format!("mnist --mirror {}", server.url()));
    output.assert_error(1, "cannot fetch train-images-idx3-ubyte.gz", "--any-dataset");
    output.assert_stderr_contains("the download is from Fashion-MNIST, not from MNIST");
    // The files of Fashion-MNIST are not replaced.
    symlink(DATA, test_dir.path("d")).unwrap();
    let output = run(&test_dir, &format!("mnist --data d --mirror {}", server.url()));
    output.assert_error(
        1,
        "d/train-images-idx3-ubyte.gz is from Fashion-MNIST, not from MNIST",
        "another directory",
    );
    assert!(test_dir.path(".cache/lenet/mnist").is_dir());
    run(&test_dir, "kmnist").assert_error(2, "kmnist", "");
}
