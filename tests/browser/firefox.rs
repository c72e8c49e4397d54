//! Firefox through Marionette, its own socket: JSON with its length before it.

use super::driver::{Driver, Order, authenticator, key_actions};
use crate::support::server::watch;
use crate::support::{PATIENCE, eventually};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A free port for Marionette, English, dark colours, and no calls to anybody.
const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("intl.accept_languages", "en");
user_pref("layout.css.prefers-color-scheme.content-override", 0);
user_pref("app.update.disabledForTesting", true);
user_pref("app.normandy.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("security.webauth.webauthn_enable_softtoken", true);
user_pref("security.webauth.webauthn_enable_usbtoken", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"#;

/// A Firefox that runs.
pub(super) struct Firefox {
    child: Child,
    /// Ends it when the tests are gone without dropping it.
    _watchdog: Child,
    connection: BufReader<TcpStream>,
    next_id: u32,
    _profile: TempDir,
}

impl Firefox {
    /// Start one with an empty profile.
    pub(super) fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("octroi-firefox-").tempdir().unwrap();
        std::fs::write(profile.path().join("user.js"), PREFERENCES).unwrap();
        let mut command = Command::new("firefox-esr");
        // The last flag lets us reach the window itself, to make it narrow.
        command.args(["--headless", "--new-instance", "--marionette", "--remote-allow-system-access", "--profile"]).arg(profile.path());
        command.env("HOME", profile.path()).env("MOZ_HEADLESS_WIDTH", "1920").env("MOZ_HEADLESS_HEIGHT", "1200");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("firefox-esr is installed; ./test installs it");
        let watchdog = watch(&child, Some(profile.path()));
        let told = profile.path().join("MarionetteActivePort");
        let port: u16 = eventually("Firefox to listen", || std::fs::read_to_string(&told).ok()?.trim().parse().ok());
        let stream = eventually("Firefox to answer", || TcpStream::connect(("127.0.0.1", port)).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut firefox = Self { child, _watchdog: watchdog, connection: BufReader::new(stream), next_id: 1, _profile: profile };
        firefox.message().unwrap();
        firefox.ask("WebDriver:NewSession", &json!({"acceptInsecureCerts": true})).unwrap();
        firefox
    }

    fn ask(&mut self, name: &str, parameters: &Value) -> Result<Value, String> {
        let id = self.next_id;
        self.next_id += 1;
        let order = json!([0, id, name, parameters]).to_string();
        write!(self.connection.get_mut(), "{}:{order}", order.len()).map_err(|e| e.to_string())?;
        // An answer is [1, id, error, result].
        let mut answer = self.message().map_err(|e| format!("{name}: {e}"))?;
        assert_eq!(answer[1], id, "answers come in order");
        if answer[2].is_null() { Ok(answer[3].take()) } else { Err(format!("{}: {}", answer[2]["error"], answer[2]["message"])) }
    }

    fn message(&mut self) -> io::Result<Value> {
        let mut length = Vec::new();
        self.connection.read_until(b':', &mut length)?;
        let length = String::from_utf8_lossy(&length).trim_end_matches(':').parse().map_err(io::Error::other)?;
        let mut message = vec![0; length];
        self.connection.read_exact(&mut message)?;
        Ok(serde_json::from_slice(&message)?)
    }
}

impl Driver for Firefox {
    fn name(&self) -> &'static str {
        "firefox"
    }

    fn obey(&mut self, order: &Order<'_>) -> Result<Value, String> {
        let mut answer = match order {
            Order::Go(url) => self.ask("WebDriver:Navigate", &json!({"url": url})),
            Order::Find(selector) => self.ask("WebDriver:FindElement", &json!({"using": "css selector", "value": selector})),
            Order::Click(element) => self.ask("WebDriver:ElementClick", &json!({"id": element.0})),
            Order::Type(element, text) => self.ask("WebDriver:ElementSendKeys", &json!({"id": element.0, "text": text})),
            Order::Press(keys) => self.ask("WebDriver:PerformActions", &json!({"actions": key_actions(keys)})),
            Order::Run(script) => self.ask("WebDriver:ExecuteScript", &json!({"script": script, "args": []})),
            Order::Screenshot => self.ask("WebDriver:TakeScreenshot", &json!({"full": false, "hash": false})),
        }?;
        Ok(answer["value"].take())
    }

    fn add_authenticator(&mut self) -> Result<Value, String> {
        self.ask("WebAuthn:AddVirtualAuthenticator", &authenticator())
    }

    fn resize(&mut self, width: u32, height: u32) {
        // A window has a least width; the part of it that shows the page has none.
        let script = format!(
            "for (const [name, size] of [['width', {width}], ['height', {height}]]) for (const bound of ['', 'min-', 'max-'])
                window.gBrowser.selectedBrowser.style.setProperty(bound + name, size + 'px', 'important');"
        );
        self.ask("Marionette:SetContext", &json!({"value": "chrome"})).unwrap();
        self.ask("WebDriver:ExecuteScript", &json!({"script": script, "args": []})).unwrap();
        self.ask("Marionette:SetContext", &json!({"value": "content"})).unwrap();
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        let _ = self.ask("Marionette:Quit", &json!({"flags": ["eForceQuit"]}));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
