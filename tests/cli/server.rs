//! A server on this machine's loopback that answers as a test tells it to, badly if need be.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As in `GET`.
    pub method: String,
    /// As in `/folder/file`.
    pub path: String,
}

/// What is sent back.
pub struct Answer {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
    stalls: bool,
    drips: bool,
}

impl Answer {
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
        Self {
            status,
            headers: vec![format!("Content-Length: {length}")],
            body: bytes.to_vec(),
            stalls: false,
            drips: false,
        }
    }

    /// With one more line in its head.
    pub fn header(mut self, line: String) -> Self {
        self.headers.push(line);
        self
    }

    /// After what is sent the connection stays open, and nothing more comes.
    pub fn then_stalls(mut self) -> Self {
        self.stalls = true;
        self
    }

    /// After what is sent more comes, a byte now and then.
    pub fn then_drips(mut self) -> Self {
        (self.stalls, self.drips) = (true, true);
        self
    }
}

/// Runs until it is dropped.
pub struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Answers a request with what `answer` makes of it and of the number of requests before it.
    pub fn start(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
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

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
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
    requests: &Mutex<Vec<Request>>,
    stop: &AtomicBool,
    answer: &dyn Fn(&Request, usize) -> Answer,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let mut words = first.split(' ').map(str::to_owned);
    let request = Request {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
    };
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let before = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let answer = answer(&request, before);
    let headers: String = answer.headers.iter().map(|line| format!("{line}\r\n")).collect();
    let status = answer.status;
    write!(stream, "HTTP/1.1 {status} -\r\n{headers}Connection: close\r\n\r\n")?;
    stream.write_all(&answer.body)?;
    stream.flush()?;
    // Not for ever, whatever happens to the test.
    for _ in 0..300 {
        if !answer.stalls || stop.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        if answer.drips {
            stream.write_all(&[0])?;
            stream.flush()?;
        }
    }
    stream.shutdown(Shutdown::Write)
}
