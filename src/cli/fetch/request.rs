//! One HTTP request, with a limit on its total time and on the size of the response.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ureq::http::StatusCode;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Timeout};

use super::MAX_BYTES;
use super::resolver::{ThreadError, ThreadResolver};
use crate::cli::ui;
use crate::io::read;
use crate::io::text::{line, without_password, without_password_in};

/// Time limit for establishing a connection, so that an unreachable mirror does not use up `max_time`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size of a certificate file, in bytes. Debian's has 220 kB.
const MAX_CERTIFICATES: u64 = 8 << 20;

/// The cause of a failed request, in one line.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The host name could not be resolved without another thread.
    #[error(transparent)]
    Thread(ThreadError),
    /// No known certificate authority has signed the certificate of the server.
    #[error("the server's certificate is from an unknown authority")]
    UnknownIssuer,
    /// Another cause, which the message names.
    #[error("{0}")]
    Other(String),
}

/// Sends requests and shows their progress.
#[derive(Debug)]
pub struct Client {
    max_time: Duration,
    has_bar: bool,
    /// The agent, and the reason why it cannot use TLS, if any. Created for the first request, because it reads the certificates.
    agent: OnceLock<(Agent, Option<String>)>,
}

impl Client {
    /// Creates a client whose requests take at most `max_time`, with a progress bar if `has_bar`.
    pub fn new(max_time: Duration, has_bar: bool) -> Self {
        Self { max_time, has_bar, agent: OnceLock::new() }
    }

    fn agent(&self, url: &str) -> Result<&Agent, RequestError> {
        let (agent, fault) = self.agent.get_or_init(|| {
            note_unusable_proxies();
            // Without usable certificates, the agent can still load from a mirror without TLS.
            let (certs, fault) = match check_certificates() {
                Ok(()) => (root_certs(), None),
                Err(fault) => (RootCerts::WebPki, Some(fault)),
            };
            let config = Agent::config_builder()
                .http_status_as_error(false)
                .user_agent(concat!("lenet/", env!("CARGO_PKG_VERSION")))
                .tls_config(TlsConfig::builder().root_certs(certs).build())
                .timeout_connect(Some(CONNECT_TIMEOUT))
                .timeout_global(Some(self.max_time));
            let connector = DefaultConnector::default();
            (Agent::with_parts(config.build(), connector, ThreadResolver), fault)
        });
        match fault {
            Some(fault) if url.starts_with("https:") => Err(RequestError::Other(fault.clone())),
            _ => Ok(agent),
        }
    }

    /// Returns the body of the response for `url`.
    ///
    /// # Errors
    /// Returns the cause of the failure.
    pub fn get(&self, url: &str) -> Result<Vec<u8>, RequestError> {
        // The TLS library panics if the clock is before 1970.
        if SystemTime::now() < UNIX_EPOCH {
            return Err(RequestError::Other("the clock of this machine is before 1970".to_owned()));
        }
        let mut response = self.agent(url)?.get(url).call().map_err(|error| cause(url, error))?;
        if response.status() != StatusCode::OK {
            return Err(RequestError::Other(format!("status {}", response.status())));
        }
        let length = response.body().content_length();
        if length.is_some_and(|length| length > MAX_BYTES) {
            return Err(too_large());
        }
        ui::note(&format!("fetching {}", without_password(url)));
        let bar = self.bar(length);
        let body = response.body_mut().as_reader().take(MAX_BYTES + 1);
        let mut bytes = Vec::new();
        let read = bar.wrap_read(body).read_to_end(&mut bytes);
        bar.finish_and_clear();
        read.map_err(|error| cause(url, error.into()))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_large());
        }
        Ok(bytes)
    }

    fn bar(&self, length: Option<u64>) -> ProgressBar {
        let target = match self.has_bar {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let style = "{wide_bar:.cyan/blue} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(style).expect("the template is a constant");
        ProgressBar::with_draw_target(length, target).with_style(style)
    }
}

/// Checks that `SSL_CERT_FILE` and the files in `SSL_CERT_DIR` are regular files of a limited size, because the TLS library reads
/// them whole, and would wait for a pipe. The library ignores missing files.
fn check_certificates() -> Result<(), String> {
    let check = |variable: &str, path: &Path| match read(path, MAX_CERTIFICATES) {
        Err(cause) if matches!(cause.kind(), ErrorKind::FileTooLarge | ErrorKind::InvalidInput) => {
            Err(format!("{variable}: cannot read {}: {cause}", path.display()))
        }
        _ => Ok(()),
    };
    let value = |variable| env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(path) = value("SSL_CERT_FILE") {
        check("SSL_CERT_FILE", Path::new(&path))?;
    }
    for dir in value("SSL_CERT_DIR").iter().flat_map(env::split_paths) {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths.filter(|path| !path.is_dir()).try_for_each(|path| check("SSL_CERT_DIR", &path))?;
    }
    Ok(())
}

/// Prints a note for each variable with a proxy that ureq ignores.
fn note_unusable_proxies() {
    for variable in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        for name in [variable.to_owned(), variable.to_lowercase()] {
            let value = env::var(&name).ok().filter(|value| !value.is_empty());
            // SOCKS is not built in.
            let is_unusable =
                |value: &String| value.starts_with("socks") || ureq::Proxy::new(value).is_err();
            if value.as_ref().is_some_and(is_unusable) {
                ui::note(&format!("note: {name} is not used: it is not the URL of an HTTP proxy"));
            }
        }
    }
}

/// Returns the certificates in `SSL_CERT_FILE` and `SSL_CERT_DIR`, otherwise those of the OS, otherwise those of Mozilla.
fn root_certs() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    match found.is_empty() {
        true => RootCerts::WebPki,
        false => found.iter().map(|der| Certificate::from_der(der).to_owned()).into(),
    }
}

fn too_large() -> RequestError {
    RequestError::Other(format!("the response is larger than {} MiB", MAX_BYTES >> 20))
}

/// Describes `error` in at most 200 characters, without the password in `url`.
fn cause(url: &str, error: ureq::Error) -> RequestError {
    let message = match error {
        ureq::Error::Other(error) => match error.downcast() {
            Ok(error) => return RequestError::Thread(*error),
            Err(error) => error.to_string(),
        },
        ureq::Error::Timeout(Timeout::Connect) => "timed out: cannot connect".to_owned(),
        ureq::Error::Timeout(_) => "timed out: the download exceeded --max-time".to_owned(),
        error => error.to_string(),
    };
    if message.contains("UnknownIssuer") {
        return RequestError::UnknownIssuer;
    }
    // A redirect may lead to another URL with a password, which may contain spaces.
    let message = message.replace(url, &without_password(url));
    RequestError::Other(line(&without_password_in(&message)).chars().take(200).collect())
}
