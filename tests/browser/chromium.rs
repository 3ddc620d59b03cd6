//! Headless Chromium, driven over a pipe by the DevTools protocol: JSON messages that end with a zero byte.

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

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Of the window, in pixels.
    pub width: u32,
    /// Whether the user likes it dark.
    pub dark: bool,
    /// Whether it is for paper.
    pub print: bool,
    /// Whether scripts run.
    pub scripts: bool,
}

impl Look {
    /// On a light screen of this width.
    pub const fn screen(width: u32) -> Self {
        Self { width, dark: false, print: false, scripts: true }
    }

    /// The same in the dark.
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// A running browser with a profile of its own; it ends with this value.
pub struct Chromium {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    events: Vec<Value>,
    last_id: u64,
    profile: TempDir,
}

impl Chromium {
    /// Starts `$CHROMIUM`, or else `chromium`.
    ///
    /// # Panics
    /// If it does not start: a machine without it cannot run these tests.
    pub fn start() -> Self {
        let binary = env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        let profile = tempfile::tempdir().unwrap();
        let complaints = File::create(profile.path().join("stderr")).unwrap();
        // Chromium reads commands from descriptor 3 and answers on 4; the shell makes them of the two pipes.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#, &binary])
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-quic", "--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in answers.split(0) {
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
    pub fn open(&mut self, url: &str, look: Look) -> Tab<'_> {
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
        let size =
            json!({ "width": look.width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        tab.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if look.dark { "dark" } else { "light" };
        let media = if look.print { "print" } else { "" };
        let media = json!({ "media": media,
            "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        tab.call("Emulation.setEmulatedMedia", media);
        let scripts = json!({ "value": !look.scripts });
        tab.call("Emulation.setScriptExecutionDisabled", scripts);
        tab.call("Page.navigate", json!({ "url": url }));
        tab.browser.wait_for("Page.loadEventFired");
        if look.scripts {
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
        let message = self.messages.recv_timeout(PATIENCE);
        message.unwrap_or_else(|error| panic!("no word from Chromium: {error}\n{}", self.stderr()))
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.profile.path().join("stderr")).unwrap_or_default()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // By its own command it takes its helper processes along.
        let _ = self.commands.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.process.wait();
    }
}

/// A page in a browser.
pub struct Tab<'a> {
    browser: &'a mut Chromium,
    session: String,
}

impl Tab<'_> {
    /// Sends a command of the protocol; its answer.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.browser.call(Some(&self.session), method, parameters)
    }

    /// The value of a JavaScript expression; that of a promise once it is kept.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until a JavaScript expression is true.
    pub fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        while self.evaluate(expression) != true {
            assert!(start.elapsed() < PATIENCE, "never came true: {expression}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The whole page as a PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let parameters = json!({ "captureBeyondViewport": true, "clip": clip });
        let picture = self.call("Page.captureScreenshot", parameters);
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// What stands in the console.
    pub fn complaints(&self) -> Vec<String> {
        const KINDS: [&str; 3] =
            ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"];
        let events = self.browser.events.iter();
        events
            .filter(|event| KINDS.iter().any(|kind| event["method"] == *kind))
            .map(|event| event["params"].to_string())
            .collect()
    }

    /// The addresses that the page asked for, its own among them.
    pub fn requests(&self) -> Vec<String> {
        let events = self.browser.events.iter();
        events
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned())
            .collect()
    }
}
