//! One request: what the mirror sends, up to its end, a number of bytes and a moment.

use std::fmt;
use std::io::Read;
use std::time::{Duration, Instant};

use ureq::Agent;

use super::super::check::Finding;
use super::{MAX_BYTES, Step};
use crate::io::text;

/// What went wrong at a mirror.
#[derive(Debug)]
pub enum Cause {
    /// It does not have the file, or will not give it.
    Status(u16),
    /// Nothing came for too long.
    Stalled(Duration),
    /// The connection failed or broke.
    Broken(String),
    /// It sends more than any of the files has.
    TooLarge,
    /// The time for this file is over.
    OutOfTime,
    /// There is no memory for what it sends.
    NoMemory,
    /// It said that it had sent all, which it had not.
    EndsEarly,
    /// It sent something else.
    Wrong(Finding),
}

impl Cause {
    /// Whether asking again is of no use.
    pub(super) fn is_final(&self) -> bool {
        match self {
            // 408 is a time-out, 429 too many requests.
            Self::Status(status) => (400..500).contains(status) && ![408, 429].contains(status),
            Self::TooLarge | Self::Wrong(_) | Self::OutOfTime | Self::NoMemory => true,
            Self::Stalled(_) | Self::Broken(_) | Self::EndsEarly => false,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => {
                let status = ureq::http::StatusCode::from_u16(*status);
                match status.map(|status| (status.as_u16(), status.canonical_reason())) {
                    Ok((number, Some(reason))) => write!(f, "status {number} {reason}"),
                    Ok((number, None)) => write!(f, "status {number}"),
                    Err(_) => f.write_str("an unknown status"),
                }
            }
            Self::Stalled(time) => write!(f, "nothing came for {} s", time.as_secs_f32()),
            Self::Broken(words) => f.write_str(words),
            Self::TooLarge => write!(f, "it sends more than {MAX_BYTES} bytes"),
            Self::OutOfTime => f.write_str("it is too slow: its time for this file is over"),
            Self::NoMemory => f.write_str("there is no memory for what it sends"),
            Self::EndsEarly => f.write_str("what it sends ends early"),
            Self::Wrong(finding) => write!(f, "what it sends is {finding}"),
        }
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
) -> Result<(), Cause> {
    let left = end.saturating_duration_since(Instant::now());
    let request = agent.get(url).config();
    let request = request.timeout_global(Some(left)).build();
    let failed = |error| cause(agent, url, end, error);
    let mut response = request.call().map_err(failed)?;
    match response.status().as_u16() {
        200 => {}
        status => return Err(Cause::Status(status)),
    }
    let of = response.body().content_length();
    if of.is_some_and(|of| of > MAX_BYTES) {
        return Err(Cause::TooLarge);
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
            return Err(Cause::TooLarge);
        }
        bytes.try_reserve(count).map_err(|_| Cause::NoMemory)?;
        bytes.extend(&buffer[..count]);
        let have = bytes.len() as u64;
        tell(Step::Received { have, of });
    }
}

fn cause(agent: &Agent, url: &str, end: Instant, error: ureq::Error) -> Cause {
    match error {
        ureq::Error::Timeout(_) if Instant::now() >= end => Cause::OutOfTime,
        ureq::Error::Timeout(_) => {
            Cause::Stalled(agent.config().timeout_per_read().unwrap_or_default())
        }
        // It may repeat the address, with its password.
        error => Cause::Broken(text::one_line(&error).replace(url, &shown(url))),
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
