//! One request: what the mirror sends, up to its end, a number of bytes and a moment.

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::StatusCode;

use super::{MAX_BYTES, Step};
use crate::io::text;

/// What went wrong at a mirror.
pub(super) struct Failure {
    pub(super) cause: String,
    /// Whether asking again may help.
    pub(super) may_pass: bool,
}

impl Failure {
    pub(super) fn passing(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), may_pass: true }
    }

    pub(super) fn lasting(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), may_pass: false }
    }

    fn too_large() -> Self {
        Self::lasting(format!("it sends more than {MAX_BYTES} bytes"))
    }

    /// It does not have the file, or will not give it.
    fn status(status: StatusCode) -> Self {
        let reason = status.canonical_reason().map(|reason| format!(" {reason}"));
        let cause = format!("status {}{}", status.as_u16(), reason.unwrap_or_default());
        // 408 is a time-out, 429 too many requests.
        let is_lasting = status.is_client_error() && ![408, 429].contains(&status.as_u16());
        Self { cause, may_pass: !is_lasting }
    }
}

/// A client that gives up when nothing comes for `timeout`.
pub(super) fn agent(timeout: Duration) -> Agent {
    let limit = Some(timeout);
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("lenet/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(limit)
        .timeout_connect(limit)
        .timeout_send_request(limit)
        .timeout_recv_response(limit)
        .timeout_per_read(limit)
        .build()
        .into()
}

/// Asks for `url` and puts what comes behind `bytes`, until `end`.
pub(super) fn request(
    agent: &Agent,
    url: &str,
    end: Instant,
    bytes: &mut Vec<u8>,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<(), Failure> {
    let left = end.saturating_duration_since(Instant::now());
    let request = agent.get(url).config();
    let request = request.timeout_global(Some(left)).build();
    let failed = |error| failure(agent, url, end, error);
    let mut response = request.call().map_err(failed)?;
    if response.status() != StatusCode::OK {
        return Err(Failure::status(response.status()));
    }
    let of = response.body().content_length();
    if of.is_some_and(|of| of > MAX_BYTES) {
        return Err(Failure::too_large());
    }
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) => return Err(failed(error.into())),
        };
        if (bytes.len() + count) as u64 > MAX_BYTES {
            bytes.clear();
            return Err(Failure::too_large());
        }
        let no_memory = |_| Failure::lasting("there is no memory for what it sends");
        bytes.try_reserve(count).map_err(no_memory)?;
        bytes.extend(&buffer[..count]);
        let have = bytes.len() as u64;
        tell(Step::Received { have, of });
    }
}

fn failure(agent: &Agent, url: &str, end: Instant, error: ureq::Error) -> Failure {
    match error {
        ureq::Error::Timeout(_) if Instant::now() >= end => {
            Failure::lasting("it is too slow: its time for this file is over")
        }
        ureq::Error::Timeout(_) => {
            let stalled = agent.config().timeout_per_read().unwrap_or_default();
            Failure::passing(format!("nothing came for {} s", stalled.as_secs_f32()))
        }
        // It may repeat the address, with its password.
        error => Failure::passing(text::one_line(&error).replace(url, &shown(url))),
    }
}

/// The address `url` as it may be shown: without a user's name and password.
pub(super) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
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
    fn passwords_are_not_shown() {
        assert_eq!(shown("https://a.b:8/c@d"), "https://a.b:8/c@d");
        assert_eq!(shown("http://me:pass@a.b/c"), "http://...@a.b/c");
        assert_eq!(shown("http://me:p@ss@a.b?x"), "http://...@a.b?x");
    }
}
