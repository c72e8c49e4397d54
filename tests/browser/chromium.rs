//! Chromium through chromedriver: JSON over HTTP on a free port of loopback.

use super::driver::{Driver, Order, authenticator, key_actions};
use crate::support::server::watch;
use crate::support::{PATIENCE, free_ports};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What a browser is started with that has no screen, may run as root, and calls nobody.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // So that it ends when chromedriver does.
    "--remote-debugging-pipe",
    "--window-size=1920,1200",
];

/// How often a chromedriver is started.
const STARTS_MAX: usize = 3;

/// A Chromium that runs.
pub(super) struct Chromium {
    driver: Child,
    /// Ends it when the tests are gone without dropping it.
    _watchdog: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Chromium {
    /// Start one with an empty profile.
    pub(super) fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("octroi-chromium-").tempdir().unwrap();
        let (driver, port) = started(&profile);
        let data = format!("--user-data-dir={}", profile.path().join("profile").display());
        let watchdog = watch(&driver, Some(profile.path()));
        let mut chromium = Self { driver, _watchdog: watchdog, port, session: String::new(), _profile: profile };
        let flags: Vec<&str> = FLAGS.into_iter().chain([data.as_str()]).collect();
        let options = json!({"args": flags, "binary": "/usr/bin/chromium", "prefs": {"intl.accept_languages": "en"}});
        let wanted = json!({"capabilities": {"alwaysMatch": {"acceptInsecureCerts": true, "goog:chromeOptions": options}}});
        let session = chromium.ask("POST", "/session", &wanted).unwrap();
        session["sessionId"].as_str().unwrap().clone_into(&mut chromium.session);
        chromium
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.ask("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let answer = self.exchange(method, path, &body.to_string()).map_err(|e| e.to_string())?;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|e| format!("{e}: {answer}"))?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
            None => Ok(answer["value"].take()),
        }
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// A chromedriver that listens, and where. Now and then one ends at once on a busy machine: then another is tried.
fn started(profile: &TempDir) -> (Child, u16) {
    let mut said = Vec::new();
    for _ in 0..STARTS_MAX {
        let [port] = free_ports();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", profile.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.spawn().expect("chromium-driver is installed; ./test installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        for line in lines.by_ref() {
            // "ChromeDriver was started successfully on port 12345."
            if line.contains("successfully on port") {
                std::thread::spawn(move || lines.for_each(drop));
                return (driver, port);
            }
            said.push(line);
        }
        said.push(driver.wait().unwrap().to_string());
    }
    panic!("chromedriver does not start:\n{}", said.join("\n"));
}

impl Driver for Chromium {
    fn name(&self) -> &'static str {
        "chromium"
    }

    fn obey(&mut self, order: &Order<'_>) -> Result<Value, String> {
        match order {
            Order::Go(url) => self.post("/url", &json!({"url": url})),
            Order::Find(selector) => self.post("/element", &json!({"using": "css selector", "value": selector})),
            Order::Click(element) => self.post(&format!("/element/{}/click", element.0), &json!({})),
            Order::Type(element, text) => self.post(&format!("/element/{}/value", element.0), &json!({"text": text})),
            Order::Press(keys) => self.post("/actions", &json!({"actions": key_actions(keys)})),
            Order::Run(script) => self.post("/execute/sync", &json!({"script": script, "args": []})),
            Order::Screenshot => self.ask("GET", &format!("/session/{}/screenshot", self.session), &json!({})),
        }
    }

    fn add_authenticator(&mut self) -> Result<Value, String> {
        self.post("/webauthn/authenticator", &authenticator())
    }

    fn resize(&mut self, width: u32, height: u32) {
        // A window is never narrower than some 500 pixels; what is emulated is.
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.post("/goog/cdp/execute", &json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": size})).unwrap();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        let _ = self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
