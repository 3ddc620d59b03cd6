//! Tests `lenet data fetch` with a server whose certificate is from a private authority.
//!
//! `ca.pem` is the certificate of the authority, whose key was deleted. `server.pem` and `server.key` are for localhost. They
//! were created with openssl and are valid until 2100.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::fetch::{NAME, command, content, incomplete_dataset};
use super::{CommandOutput, TestDir};

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/tls");

/// Starts a server that sends [`content`] over TLS for the rest of the test, and returns its port.
fn start_server() -> u16 {
    let certificates = CertificateDer::pem_file_iter(format!("{DIR}/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{DIR}/server.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates.map(Result::unwrap).collect(), key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that rejects the certificate disconnects.
            let _ = serve(StreamOwned::new(connection, stream.unwrap()));
        }
    });
    port
}

fn serve(mut stream: StreamOwned<ServerConnection, std::net::TcpStream>) -> std::io::Result<()> {
    for line in BufReader::new(&mut stream).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let body = content();
    write!(stream, "HTTP/1.1 200 -\r\nContent-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(&body)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn fetch(dir: &TestDir, port: u16, certificates: Option<&str>) -> CommandOutput {
    let mut command = command(dir, &format!("--data d --mirror https://localhost:{port}"));
    if let Some(path) = certificates {
        command.env("SSL_CERT_FILE", path);
    }
    CommandOutput::of(&mut command)
}

#[test]
fn ssl_cert_file_selects_authority() {
    let port = start_server();
    let dir = incomplete_dataset();
    let pipe = dir.path("pipe").display().to_string();
    dir.create_fifo("pipe");
    for (unusable, problem, hint) in [
        (None, "the server's certificate is from", "set the variable SSL_CERT_FILE"),
        (Some("missing"), "the server's certificate is from", "set the variable SSL_CERT_FILE"),
        // Neither is read without a limit.
        (Some("/dev/zero"), "SSL_CERT_FILE: cannot read /dev/zero: expected a file", "try again"),
        (Some(&*pipe), "/pipe: expected a file, found a pipe", "try again"),
    ] {
        let output = fetch(&dir, port, unusable);
        assert_eq!(output.code(), 1, "{}", output.stderr());
        output.assert_stderr_contains(hint);
        output.assert_stderr_contains(problem);
        output.assert_stderr_contains(&format!("note: https://localhost:{port}/{NAME}: "));
        assert_eq!(output.stderr().lines().count(), 3, "{}", output.stderr());
    }
    let output = fetch(&dir, port, Some(&format!("{DIR}/ca.pem"))).ok();
    assert!(output.stdout().contains(&format!("d/{NAME}  ok, fetched\n")), "{}", output.stdout());
}
