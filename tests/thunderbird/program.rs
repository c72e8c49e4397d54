//! Thunderbird without a screen, driven through Marionette, its own socket: JSON with its length before it. Scripts run in its chrome
//! context, where `steps.js` has the services that its windows stand on.

use crate::support::server::watch;
use crate::support::{PATIENCE, eventually};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("app.update.disabledForTesting", true);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("mailnews.start_page.enabled", false);
user_pref("mail.provider.enabled", false);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.proxy.no_proxies_on", "localhost, 127.0.0.1");
"#;

/// What each step is sent with.
const STEPS: &str = include_str!("steps.js");

/// A Thunderbird that runs. It ends when this is dropped.
pub(super) struct Thunderbird {
    child: Child,
    /// Ends it when the tests are gone without dropping it.
    _watchdog: Child,
    connection: BufReader<TcpStream>,
    next_id: u32,
    _profile: TempDir,
}

impl Thunderbird {
    /// Start one with an empty profile.
    pub(super) fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("octroi-thunderbird-").tempdir().unwrap();
        std::fs::write(profile.path().join("user.js"), PREFERENCES).unwrap();
        let mut command = Command::new("thunderbird");
        command.args(["--headless", "--new-instance", "--marionette", "--remote-allow-system-access", "--profile"]).arg(profile.path());
        command.env("HOME", profile.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("thunderbird is installed; ./test installs it");
        let watchdog = watch(&child, Some(profile.path()));
        let told = profile.path().join("MarionetteActivePort");
        let port: u16 = eventually("Thunderbird to listen", || std::fs::read_to_string(&told).ok()?.trim().parse().ok());
        let stream = eventually("Thunderbird to answer", || TcpStream::connect(("127.0.0.1", port)).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut program = Self { child, _watchdog: watchdog, connection: BufReader::new(stream), next_id: 1, _profile: profile };
        program.message().unwrap();
        program.ask("WebDriver:NewSession", &json!({})).unwrap();
        program.ask("Marionette:SetContext", &json!({"value": "chrome"})).unwrap();
        // A step gives up by itself before that, and says what it waited for.
        program.ask("WebDriver:SetTimeouts", &json!({"script": PATIENCE.as_millis() - 10_000})).unwrap();
        program
    }

    /// Do a step of `steps.js`; what it returns.
    #[track_caller]
    pub(super) fn step(&mut self, name: &str, arguments: &Value) -> Value {
        self.try_step(name, arguments).unwrap_or_else(|why| panic!("{name} {arguments}: {why}"))
    }

    fn try_step(&mut self, name: &str, arguments: &Value) -> Result<Value, String> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async () => {{ {STEPS}; return steps.{name}(...JSON.parse(arguments[0])); }})()
                 .then(value => done({{ value: value ?? null }}), error => done({{ error: String(error) }}));"
        );
        let parameters = json!({"script": script, "args": [arguments.to_string()], "sandbox": "system"});
        let mut answer = self.ask("WebDriver:ExecuteAsyncScript", &parameters)?["value"].take();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["value"].take()),
        }
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

impl Drop for Thunderbird {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        let _ = self.ask("Marionette:Quit", &json!({"flags": ["eForceQuit"]}));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
