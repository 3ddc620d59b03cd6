//! A server on this machine's loopback that answers as a test tells it to, badly if need be.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is sent back.
pub struct Response {
    /// Status and headers, without the line end behind them.
    head: String,
    body: Vec<u8>,
    then: Then,
}

/// What happens after what is sent: the connection stays open, and nothing more comes, or a byte now and then.
#[derive(PartialEq)]
enum Then {
    Ends,
    Stalls,
    Drips,
}

impl Response {
    /// These bytes, and the truth about their length.
    pub fn whole(bytes: &[u8]) -> Self {
        Self::told(200, bytes, bytes.len())
    }

    /// A status and nothing else.
    pub fn status(status: u16) -> Self {
        Self::told(status, &[], 0)
    }

    /// These bytes, and this word on their length. What is sent ends with them in any case.
    pub fn told(status: u16, bytes: &[u8], length: usize) -> Self {
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}");
        Self { head, body: bytes.to_vec(), then: Then::Ends }
    }

    /// That it is elsewhere.
    pub fn moved(place: &str) -> Self {
        let mut answer = Self::status(302);
        answer.head += &format!("\r\nLocation: {place}");
        answer
    }

    pub fn then_stalls(self) -> Self {
        Self { then: Then::Stalls, ..self }
    }

    pub fn then_drips(self) -> Self {
        Self { then: Then::Drips, ..self }
    }
}

/// Runs until it is dropped.
pub struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Answers a request with what `answer` makes of its path and of the number of requests before it.
    pub fn start(answer: impl Fn(&str, usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            stop: Arc::default(),
        };
        let (requests, stop) = (Arc::clone(&server.requests), Arc::clone(&server.stop));
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (requests, stop) = (Arc::clone(&requests), Arc::clone(&stop));
                let answer = Arc::clone(&answer);
                // A client that leaves in the middle is no failure of the server.
                thread::spawn(move || serve(stream?, &requests, &stop, answer.as_ref()));
            }
        });
        server
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far, as in `GET /folder/file`.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<String>>,
    stop: &AtomicBool,
    answer: &dyn Fn(&str, usize) -> Response,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let request = first.strip_suffix(" HTTP/1.1").unwrap_or(&first);
    let before = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.to_owned());
        requests.len() - 1
    };
    let answer = answer(request.split(' ').nth(1).unwrap_or_default(), before);
    write!(stream, "{}\r\nConnection: close\r\n\r\n", answer.head)?;
    stream.write_all(&answer.body)?;
    stream.flush()?;
    // Not for ever, whatever happens to the test.
    for _ in 0..300 {
        if answer.then == Then::Ends || stop.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        if answer.then == Then::Drips {
            stream.write_all(&[0])?;
            stream.flush()?;
        }
    }
    stream.shutdown(Shutdown::Write)
}
