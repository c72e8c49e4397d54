//! A program of Mozilla's without a screen, driven through Marionette, its own socket: JSON with its length before it. Firefox and
//! Thunderbird stand on it.

use super::server::watch;
use super::{PATIENCE, eventually};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A free port for Marionette, and no calls to anybody.
const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("app.update.disabledForTesting", true);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"#;

/// A program that runs. It ends when this is dropped.
pub(crate) struct Marionette {
    child: Child,
    /// Ends it when the tests are gone without dropping it.
    _watchdog: Child,
    connection: BufReader<TcpStream>,
    next_id: u32,
    _profile: TempDir,
}

impl Marionette {
    /// Start a program with an empty profile that has these preferences too, and begin a session with these capabilities.
    pub(crate) fn start(program: &str, preferences: &str, variables: &[(&str, &str)], capabilities: &Value) -> Self {
        let profile = tempfile::Builder::new().prefix(&format!("octroi-{program}-")).tempdir().unwrap();
        std::fs::write(profile.path().join("user.js"), PREFERENCES.to_owned() + preferences).unwrap();
        let mut command = Command::new(program);
        // The last flag lets scripts reach the program itself, not only what it shows.
        command.args(["--headless", "--new-instance", "--marionette", "--remote-allow-system-access", "--profile"]).arg(profile.path());
        command.env("HOME", profile.path()).envs(variables.iter().copied());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|e| panic!("{program} is not there; ./test installs it: {e}"));
        let watchdog = watch(&child, Some(profile.path()));
        let told = profile.path().join("MarionetteActivePort");
        let port: u16 = eventually(&format!("{program} to listen"), || std::fs::read_to_string(&told).ok()?.trim().parse().ok());
        let stream = eventually(&format!("{program} to answer"), || TcpStream::connect(("127.0.0.1", port)).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut marionette = Self { child, _watchdog: watchdog, connection: BufReader::new(stream), next_id: 1, _profile: profile };
        marionette.message().unwrap();
        marionette.ask("WebDriver:NewSession", capabilities).unwrap();
        marionette
    }

    /// Give an order; what it returns.
    pub(crate) fn ask(&mut self, name: &str, parameters: &Value) -> Result<Value, String> {
        let id = self.next_id;
        self.next_id += 1;
        let order = json!([0, id, name, parameters]).to_string();
        write!(self.connection.get_mut(), "{}:{order}", order.len()).map_err(|e| e.to_string())?;
        // An answer is [1, id, error, result].
        let mut answer = self.message().map_err(|e| format!("{name}: {e}"))?;
        if answer[1] != id {
            // Not a panic: the last order is given while a test that failed is ending.
            return Err(format!("{name}: the answer is to {}, not to {id}", answer[1]));
        }
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

impl Drop for Marionette {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        let _ = self.ask("Marionette:Quit", &json!({"flags": ["eForceQuit"]}));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
