//! A local HTTP server whose responses, valid or faulty, are chosen by the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// An HTTP response, and how the connection ends.
pub struct Response {
    /// Status line and headers, without the final line ends.
    head: String,
    body: Vec<u8>,
    then: Then,
}

/// The behaviour of the connection after the body.
#[derive(PartialEq)]
enum Then {
    Closes,
    /// Stays open without further bytes.
    Stalls,
    /// Sends one byte every 100 ms.
    Drips,
    /// Repeats the body until the client disconnects.
    Repeats,
}

impl Response {
    /// Returns a response that sends all of `bytes` and announces their length.
    pub fn complete(bytes: &[u8]) -> Self {
        Self::with_length(bytes, bytes.len())
    }

    /// Returns a response with a status and without a body.
    pub fn status(status: u16) -> Self {
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: 0");
        Self { head, body: Vec::new(), then: Then::Closes }
    }

    /// Returns a response that announces `length` bytes, sends `bytes`, and closes the connection.
    pub fn with_length(bytes: &[u8], length: usize) -> Self {
        let head = format!("HTTP/1.1 200 -\r\nContent-Length: {length}");
        Self { head, body: bytes.to_vec(), then: Then::Closes }
    }

    /// Returns a response that redirects to `location`.
    pub fn redirect(location: &str) -> Self {
        let mut response = Self::status(302);
        response.head += &format!("\r\nLocation: {location}");
        response
    }

    /// Returns a response that announces no length and sends bytes until the client disconnects.
    pub fn endless() -> Self {
        Self { head: "HTTP/1.1 200 -".to_owned(), body: vec![0; 1 << 20], then: Then::Repeats }
    }

    pub fn then_stalls(self) -> Self {
        Self { then: Then::Stalls, ..self }
    }

    pub fn then_drips(self) -> Self {
        Self { then: Then::Drips, ..self }
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server that calls `respond` with the path of each request.
    pub fn start(respond: impl Fn(&str) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            stop: Arc::default(),
        };
        let (requests, stop) = (Arc::clone(&server.requests), Arc::clone(&server.stop));
        let respond = Arc::new(respond);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (requests, stop) = (Arc::clone(&requests), Arc::clone(&stop));
                let respond = Arc::clone(&respond);
                // The result is ignored, because a client may disconnect at any time.
                thread::spawn(move || serve(stream?, &requests, &stop, respond.as_ref()));
            }
        });
        server
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the requests so far, such as `GET /folder/file`.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wake the thread that waits for a connection.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<String>>,
    stop: &AtomicBool,
    respond: &dyn Fn(&str) -> Response,
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
    requests.lock().unwrap().push(request.to_owned());
    let response = respond(request.split(' ').nth(1).unwrap_or_default());
    write!(stream, "{}\r\nConnection: close\r\n\r\n", response.head)?;
    stream.write_all(&response.body)?;
    stream.flush()?;
    // The loop ends after 30 s or 300 MiB, so that a hanging test does not keep the thread alive.
    for _ in 0..300 {
        if response.then == Then::Closes || stop.load(Ordering::Relaxed) {
            break;
        }
        match response.then {
            Then::Repeats => stream.write_all(&response.body)?,
            Then::Drips => stream.write_all(&[0])?,
            _ => {}
        }
        if response.then != Then::Repeats {
            thread::sleep(Duration::from_millis(100));
        }
    }
    stream.shutdown(Shutdown::Write)
}
