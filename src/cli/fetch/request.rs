//! One HTTP request, with a limit on its total time and on the size of the response.

use std::io::Read;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ureq::http::StatusCode;
use ureq::{Agent, Timeout};

use super::MAX_BYTES;
use crate::io::text;

/// Time limit for establishing a connection, so that an unreachable mirror does not use up `max_time`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

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
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(max_time));
        Self { agent: config.build().into(), has_bar }
    }

    /// Returns the body of the response for `url`.
    ///
    /// # Errors
    /// Returns the cause of the failure in one line.
    pub fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let mut response = self.agent.get(url).call().map_err(|error| cause(url, error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {}", response.status()));
        }
        let length = response.body().content_length();
        if length.is_some_and(|length| length > MAX_BYTES) {
            return Err(too_large());
        }
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
            text::line(&message).chars().take(200).collect()
        }
    }
}

/// Returns `url` with its user name and password replaced by dots, for messages.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = match rest.find(['/', '?', '#']) {
        Some(index) => rest.split_at(index),
        None => (rest, ""),
    };
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://...@{host}{path}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        assert_eq!(without_password("https://a.b:8/c@d"), "https://a.b:8/c@d");
        assert_eq!(without_password("http://me:pass@a.b/c"), "http://...@a.b/c");
        assert_eq!(without_password("http://me:p@ss@a.b?x"), "http://...@a.b?x");
    }
}
