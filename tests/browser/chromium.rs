//! Headless Chromium, controlled over a pipe with the DevTools protocol: JSON messages terminated by a zero byte.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Time limit for a response. Even a busy machine needs less.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The settings with which a page is viewed.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Width of the window in pixels.
    pub width: u32,
    /// Height of the window in pixels.
    pub height: u32,
    /// Whether the user prefers a dark colour scheme.
    pub dark: bool,
    /// Whether the page is rendered for print.
    pub print: bool,
    /// Whether scripts are enabled.
    pub scripts: bool,
}

impl View {
    /// Returns the settings for a screen of this width with a light colour scheme.
    pub const fn screen(width: u32) -> Self {
        Self { width, height: 800, dark: false, print: false, scripts: true }
    }

    /// Returns the same settings with a dark colour scheme.
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// A running browser with a separate profile. Dropping it closes the browser.
pub struct Chromium {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    events: Vec<Value>,
    last_id: u64,
    profile: TempDir,
}

impl Chromium {
    /// Starts `$CHROMIUM`, or `chromium` if the variable is not set.
    ///
    /// # Panics
    /// Panics if the browser does not start.
    pub fn start() -> Self {
        let binary = env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        let profile = tempfile::tempdir().unwrap();
        let stderr = File::create(profile.path().join("stderr")).unwrap();
        // Chromium reads commands from descriptor 3 and writes responses to 4. The shell redirects the two pipes to them.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#, &binary])
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-quic", "--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let responses = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in responses.split(0) {
                let Ok(message) = message else { break };
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
            }
        });
        let commands = process.stdin.take().unwrap();
        let mut browser =
            Self { process, commands, messages, events: Vec::new(), last_id: 0, profile };
        browser.call(None, "Browser.getVersion", json!({}));
        browser
    }

    /// Opens `url` in a new tab and waits until it has loaded.
    pub fn open(&mut self, url: &str, view: View) -> Tab<'_> {
        self.events.clear();
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call(None, "Target.attachToTarget", target)["sessionId"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut tab = Tab { browser: self, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        let size = json!({ "width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": false });
        tab.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if view.dark { "dark" } else { "light" };
        let media = if view.print { "print" } else { "" };
        let media = json!({ "media": media,
            "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        tab.call("Emulation.setEmulatedMedia", media);
        let scripts = json!({ "value": !view.scripts });
        tab.call("Emulation.setScriptExecutionDisabled", scripts);
        tab.call("Page.navigate", json!({ "url": url }));
        tab.browser.wait_for("Page.loadEventFired");
        if view.scripts {
            tab.wait_for("document.readyState === 'complete' && (!document.getElementById('data') || 'ready' in document.documentElement.dataset)");
        }
        tab
    }

    fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let sent = self.commands.write_all(format!("{command}\0").as_bytes());
        sent.unwrap_or_else(|error| panic!("cannot write to Chromium: {error}\n{}", self.stderr()));
        loop {
            let message = self.receive();
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|message| message["method"] == event) {
            let message = self.receive();
            self.events.push(message);
        }
    }

    fn receive(&mut self) -> Value {
        let message = self.messages.recv_timeout(TIMEOUT);
        message
            .unwrap_or_else(|error| panic!("no response from Chromium: {error}\n{}", self.stderr()))
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.profile.path().join("stderr")).unwrap_or_default()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The close command also ends the helper processes.
        let _ = self.commands.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.process.wait();
    }
}

/// A browser tab with a page.
pub struct Tab<'a> {
    browser: &'a mut Chromium,
    session: String,
}

impl Tab<'_> {
    /// Sends a protocol command and returns the result.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.browser.call(Some(&self.session), method, parameters)
    }

    /// Evaluates a JavaScript expression, awaiting promises, and returns its value.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let response = self.call("Runtime.evaluate", parameters);
        assert!(response["exceptionDetails"].is_null(), "{response}");
        response["result"]["value"].clone()
    }

    /// Waits until a JavaScript expression is true.
    pub fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        while self.evaluate(expression) != true {
            assert!(start.elapsed() < TIMEOUT, "timed out waiting for: {expression}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns a screenshot of the whole page as a PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let parameters = json!({ "captureBeyondViewport": true, "clip": clip });
        let picture = self.call("Page.captureScreenshot", parameters);
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// Returns the messages in the console.
    pub fn console(&self) -> Vec<String> {
        const KINDS: [&str; 3] =
            ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"];
        let events = self.browser.events.iter();
        events
            .filter(|event| KINDS.iter().any(|kind| event["method"] == *kind))
            .map(|event| event["params"].to_string())
            .collect()
    }

    /// Returns the URLs that the page requested, including its own.
    pub fn requests(&self) -> Vec<String> {
        let events = self.browser.events.iter();
        events
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned())
            .collect()
    }
}
