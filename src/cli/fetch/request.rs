//! One HTTP request, with a limit on its total time and on the size of the response.

use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ureq::http::StatusCode;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Timeout};

use super::MAX_BYTES;
use crate::cli::ui;
use crate::io::text::{line, without_password};

/// Time limit for establishing a connection, so that an unreachable mirror does not use up `max_time`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The cause of a failure if no known certificate authority has signed the certificate of the server.
pub(super) const UNKNOWN_ISSUER: &str = "the server's certificate is from an unknown authority";

/// Sends requests and shows their progress.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    has_bar: bool,
}

impl Client {
    /// Creates a client whose requests take at most `max_time`, with a progress bar if `has_bar`.
    pub fn new(max_time: Duration, has_bar: bool) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("lenet/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(root_certs()).build())
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(max_time));
        Self { agent: config.build().into(), has_bar }
    }

    /// Returns the body of the response for `url`.
    ///
    /// # Errors
    /// Returns the cause of the failure in one line.
    pub fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        // The TLS library panics if the clock is before 1970.
        if SystemTime::now() < UNIX_EPOCH {
            return Err("the clock of this machine is before 1970".to_owned());
        }
        let mut response = self.agent.get(url).call().map_err(|error| cause(url, error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {}", response.status()));
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

/// Returns the certificates in `SSL_CERT_FILE` and `SSL_CERT_DIR`, else those of the OS, else those of Mozilla.
fn root_certs() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    match found.is_empty() {
        true => RootCerts::WebPki,
        false => found.iter().map(|der| Certificate::from_der(der).to_owned()).into(),
    }
}

fn too_large() -> String {
    format!("the response is larger than {} MiB", MAX_BYTES >> 20)
}

/// Describes `error` in one line of at most 200 characters, without the password in `url`.
fn cause(url: &str, error: ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(Timeout::Connect) => "timed out: cannot connect".to_owned(),
        ureq::Error::Timeout(_) => "timed out: the download exceeded --max-time".to_owned(),
        error => {
            let message = error.to_string().replace(url, &without_password(url));
            match message.contains("UnknownIssuer") {
                true => UNKNOWN_ISSUER.to_owned(),
                false => line(&message).chars().take(200).collect(),
            }
        }
    }
}
