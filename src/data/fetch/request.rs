//! One request: from where the part stops to the end of what the mirror sends.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Response, header};

use super::super::check::Finding;
use super::part::Part;
use super::{FetchError, MAX_BYTES, Step};

/// No download of these files takes this long on a line that is worth waiting for.
const LONGEST: Duration = Duration::from_secs(3600);

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
    /// It sent another part of the file than was asked for.
    OtherPart,
    /// It said that it had sent all, which it had not.
    EndsEarly,
    /// It sent something else.
    Wrong {
        /// What came.
        finding: Finding,
        /// Whether it came in one piece.
        whole: bool,
    },
}

impl Cause {
    /// Whether asking again is of no use.
    pub(super) fn is_final(&self) -> bool {
        match self {
            // 408 is a time-out, 429 too many requests; 416 is of the part, not of the file.
            Self::Status(status) => {
                (400..500).contains(status) && ![408, 416, 429].contains(status)
            }
            Self::TooLarge => true,
            Self::Wrong { whole, .. } => *whole,
            Self::Stalled(_) | Self::Broken(_) | Self::OtherPart | Self::EndsEarly => false,
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
            Self::OtherPart => f.write_str("it sent another part of the file than was asked for"),
            Self::EndsEarly => f.write_str("what it sends ends early"),
            Self::Wrong { finding, .. } => write!(f, "what it sends is {finding}"),
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
        .timeout_recv_body(Some(LONGEST))
        .build()
        .into()
}

/// Asks for `url` from the end of `part` on, and appends what comes. The inner error is the mirror's.
pub(super) fn request(
    agent: &Agent,
    url: &str,
    part: &mut Part,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Result<(), Cause>, FetchError> {
    let mut request = agent.get(url);
    if part.len() > 0 {
        request = request.header(header::RANGE, format!("bytes={}-", part.len()));
    }
    let mut response = match request.call() {
        Ok(response) => response,
        Err(error) => return Ok(Err(cause(agent, error))),
    };
    match response.status().as_u16() {
        // The whole, from its start, asked for or not.
        200 => part.clear()?,
        206 if starts_at(&response, part.len()) => {}
        206 => {
            part.clear()?;
            return Ok(Err(Cause::OtherPart));
        }
        status => return Ok(Err(Cause::Status(status))),
    }
    let of = response.body().content_length();
    let of = of.map(|length| length.saturating_add(part.len()));
    if of.is_some_and(|of| of > MAX_BYTES) {
        return Ok(Err(Cause::TooLarge));
    }
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(count) if part.len() + count as u64 > MAX_BYTES => {
                part.clear()?;
                return Ok(Err(Cause::TooLarge));
            }
            Ok(count) => part.append(&buffer[..count])?,
            Err(error) => return Ok(Err(cause(agent, error.into()))),
        }
        let have = part.len();
        tell(Step::Received { have, of });
    }
}

/// Whether the answer begins at byte `start`: `Content-Range: bytes 100-199/200` does at 100.
fn starts_at<T>(response: &Response<T>, start: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-'));
    first.is_some_and(|(first, _)| first.parse() == Ok(start))
}

fn cause(agent: &Agent, error: ureq::Error) -> Cause {
    match error {
        ureq::Error::Timeout(_) => {
            let timeout = agent.config().timeout_per_read();
            Cause::Stalled(timeout.unwrap_or(LONGEST))
        }
        ureq::Error::Io(error) => Cause::Broken(one_line(&error.to_string())),
        error => Cause::Broken(one_line(&error.to_string())),
    }
}

/// `words` without control characters and not without end: they may repeat what the mirror sent.
fn one_line(words: &str) -> String {
    let words = words.chars().filter(|c| !c.is_control());
    words.take(200).collect()
}
