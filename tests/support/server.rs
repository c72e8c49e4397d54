//! The real program, started as a user starts it, and ended with the test.
//!
//! A server ends when its [`Server`] is dropped, and also when the test process goes without dropping it (the shared one).

use super::PATIENCE;
use super::process::run;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The program under test.
pub(crate) const OCTROI: &str = env!("CARGO_BIN_EXE_octroi");
/// The domain of the plain accounts `u1` … of [`Server::demo`].
pub(crate) const DOMAIN: &str = "bench.test";
/// How many there are.
pub(crate) const ACCOUNTS: usize = 6;
/// Filling the demo with a debug build on a busy machine takes its time.
const START_MAX: Duration = Duration::from_mins(4);

/// One account, as the demo's JSON line tells it.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) profile: String,
    pub(crate) password: String,
    pub(crate) totp_secret: String,
    pub(crate) app_password: String,
    /// The document root, as a path on the server that begins and ends with `/`.
    pub(crate) files: String,
    /// The calendar home, likewise.
    pub(crate) calendars: String,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Ends the server when this process is gone: it waits for the other end of its standard input to close.
    _watchdog: Child,
    facts: Value,
    log: PathBuf,
    people: Vec<Person>,
    folder: Option<TempDir>,
    /// The configuration file, of a server that was started with one.
    config: Option<PathBuf>,
}

/// One demo server for all the tests that only add to it and never count what others may have added.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::demo)
}

impl Person {
    /// A mail account of which only name and secret matter.
    pub(crate) fn mail_only(address: &str, app_password: &str) -> Self {
        Self {
            address: address.to_owned(),
            profile: "plain".to_owned(),
            password: String::new(),
            totp_secret: String::new(),
            app_password: app_password.to_owned(),
            files: String::new(),
            calendars: String::new(),
        }
    }
}

impl Server {
    /// A demo server with [`ACCOUNTS`] plain accounts, in a folder of its own.
    pub(crate) fn demo() -> Self {
        let folder = tempfile::Builder::new().prefix("octroi-test-").tempdir().unwrap();
        let mut server = Self::start(&folder.path().join("data"), Some(folder.path()));
        server.folder = Some(folder);
        server
    }

    /// A demo server on that data folder, which outlives it.
    pub(crate) fn demo_on(data: &Path) -> Self {
        Self::start(data, None)
    }

    /// `folder` goes with the server, even if nobody drops it.
    fn start(data: &Path, folder: Option<&Path>) -> Self {
        let accounts = ACCOUNTS.to_string();
        let log = data.with_extension("log");
        let mut command = Command::new(OCTROI);
        command.args(["demo", "--json", "--accounts", &accounts, "--domain", DOMAIN, "--data"]).arg(data);
        let (child, watchdog, first) = spawn(command, &log, folder);
        let facts: Value = serde_json::from_str(&first).unwrap_or_else(|e| panic!("not one JSON line: {e}: {first}"));
        let people = facts["people"].as_array().expect("people is a list").iter().map(person).collect();
        Self { child, _watchdog: watchdog, facts, log, people, folder: None, config: None }
    }

    /// Somebody else's server, to hold the tests themselves against it. It listens where `facts` says, as `octroi demo --json` would.
    pub(crate) fn foreign(mut command: Command, facts: Value, people: Vec<Person>, folder: TempDir) -> Self {
        let log = folder.path().join("log");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let watchdog = watch(&child, None);
        let server = Self { child, _watchdog: watchdog, facts, log, people, folder: Some(folder), config: None };
        super::eventually("the other server to listen", || TcpStream::connect(server.address("imaps")).ok());
        server
    }

    /// `octroi demo`'s JSON line.
    pub(crate) fn facts(&self) -> &Value {
        &self.facts
    }

    /// Where it listens for `service`: `127.0.0.1:port`.
    #[track_caller]
    pub(crate) fn address(&self, service: &str) -> &str {
        let address = self.facts["addresses"][service].as_str().unwrap_or_else(|| panic!("no address for {service}"));
        address.trim_start_matches("https://").trim_end_matches('/')
    }

    /// The port of `service`.
    #[track_caller]
    pub(crate) fn port(&self, service: &str) -> u16 {
        self.address(service).rsplit(':').next().unwrap().parse().unwrap()
    }

    /// `https://localhost:port` and `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port("https"))
    }

    /// The certificate that it shows, PEM.
    pub(crate) fn certificate(&self) -> &Path {
        Path::new(self.facts["certificate"].as_str().unwrap())
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> &Path {
        Path::new(self.facts["data"].as_str().unwrap())
    }

    /// Everybody.
    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }

    /// The first person with that profile.
    #[track_caller]
    pub(crate) fn with_profile(&self, profile: &str) -> &Person {
        self.people.iter().find(|p| p.profile == profile).unwrap_or_else(|| panic!("nobody is a {profile}"))
    }

    /// The plain account `u<number>`.
    #[track_caller]
    pub(crate) fn user(&self, number: usize) -> &Person {
        let address = format!("u{number}@{DOMAIN}");
        self.people.iter().find(|p| p.address == address).unwrap_or_else(|| panic!("no {address}"))
    }

    /// The same, made first, on a server with a configuration of its own, which has two of them.
    pub(crate) fn another(&self, number: usize) -> Person {
        plain_account(self.config(), number)
    }

    /// Its configuration file.
    #[track_caller]
    pub(crate) fn config(&self) -> &str {
        self.config.as_ref().expect("a demo has no configuration file").to_str().unwrap()
    }

    /// SIGKILL, and start again with the same configuration.
    pub(crate) fn killed_and_started_again(mut self) -> Self {
        let (folder, config) = (self.folder.take(), self.config.clone().unwrap());
        let (people, facts) = (self.people.clone(), self.facts.clone());
        drop(self);
        let mut server = serve(&config, facts).unwrap_or_else(|log| panic!("it did not start again:\n{log}"));
        (server.people, server.folder) = (people, folder);
        server
    }

    /// `octroi serve` on a data folder that is there already, for those who have accounts in it.
    pub(crate) fn on(data: &Path, people: Vec<Person>) -> Self {
        let config = data.with_extension("toml");
        // A port that was free may be taken by somebody else in between.
        for _ in 0..3 {
            let text = configuration(data, "");
            std::fs::write(&config, &text).unwrap();
            match serve(&config, facts_of(&text, data)) {
                Ok(mut server) => {
                    server.people = people;
                    return server;
                }
                Err(log) => eprintln!("it did not start:\n{log}"),
            }
        }
        panic!("it does not start on {}", data.display());
    }

    /// `octroi serve` on the data folder `data` in `folder`, with these profiles and zones. The folder goes with the server, even if nobody
    /// drops it.
    pub(crate) fn in_folder(folder: TempDir, profiles: &str) -> Self {
        let data = &folder.path().join("data");
        std::fs::write(data.with_extension("profiles.toml"), profiles).unwrap();
        let named = data.with_extension("profiles.toml");
        let config = data.with_extension("toml");
        // A port that was free may be taken by somebody else in between.
        for _ in 0..3 {
            let text = format!("profiles = \"{}\"\n{}", named.display(), configuration(data, "[push]\nenabled = true\n"));
            std::fs::write(&config, &text).unwrap();
            match serve_in(Some(folder.path()), &config, facts_of(&text, data)) {
                Ok(mut server) => {
                    server.folder = Some(folder);
                    return server;
                }
                Err(log) => eprintln!("it did not start:\n{log}"),
            }
        }
        panic!("it does not start on {}", data.display());
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, as if the machine's power had gone for this process.
    pub(crate) fn kill(&self) {
        Command::new("kill").args(["-9", &self.child.id().to_string()]).status().unwrap();
    }

    /// SIGTERM, and whether it then ended as it should.
    pub(crate) fn stop(&mut self) -> bool {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        let start = SystemTime::now();
        while start.elapsed().unwrap_or_default() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the server's last lines:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Protocols with an address of their own in the configuration.
const SERVICES: [&str; 8] = ["imap", "imaps", "smtp", "submission", "submissions", "lmtp", "managesieve", "https"];

/// A configuration for tests: every protocol on a free port of loopback, and `more` at its end.
pub(crate) fn configuration(data: &Path, more: &str) -> String {
    let ports: [u16; SERVICES.len()] = super::free_ports();
    let listen = SERVICES.iter().zip(ports).map(|(service, port)| format!("{service} = [\"127.0.0.1:{port}\"]\n"));
    format!(
        "data = \"{}\"\norganisation = \"Test\"\nhostname = \"localhost\"\ndomains = [\"{DOMAIN}\"]\n\n[listen]\n{}\n{more}",
        data.display(),
        listen.collect::<String>()
    )
}

/// `octroi serve` with a configuration file that ends with `more`, and two accounts `u1` and `u2` made by the commands.
pub(crate) fn configured(more: &str) -> Server {
    configured_in(|_| String::new(), more)
}

/// The same with these profiles and zones, of which `plain` is one.
pub(crate) fn configured_with_profiles(profiles: &str, more: &str) -> Server {
    let beginning = |folder: &Path| {
        std::fs::write(folder.join("profiles.toml"), profiles).unwrap();
        "profiles = \"profiles.toml\"\n".to_owned()
    };
    configured_in(beginning, more)
}

/// The profile `plain`, with these lines of its own and these rules at its end: every service from that zone, and all of what is one's own.
pub(crate) fn plain_profile(own: &str, zone: &str, rules: &str) -> String {
    format!(
        r#"
[profile.plain]
{own}
[profile.plain.services]
imap = ["{zone}"]
submission = ["{zone}"]
caldav = ["{zone}"]
carddav = ["{zone}"]
files = ["{zone}"]
sieve = ["{zone}"]
[profile.plain.second_factor]
"*" = "enrolment"
[[profile.plain.rule]]
owner = "self"
path = "**"
rights = "lrswipkxtea"
{rules}"#
    )
}

/// The account `u<number>`, made and with an app password.
fn plain_account(config: &str, number: usize) -> Person {
    let address = format!("u{number}@{DOMAIN}");
    let octroi = |arguments: &[&str]| run(OCTROI, &[arguments, &["--config", config]].concat()).good();
    octroi(&["account", "add", &address, "--profile", "plain"]);
    let minted = octroi(&["app-password", "mint", &address, "--label", "test", "--services", "imap,submission,caldav,carddav,files"]);
    Person::mail_only(&address, &last_word(&minted))
}

fn configured_in(beginning: impl Fn(&Path) -> String, more: &str) -> Server {
    let folder = tempfile::Builder::new().prefix("octroi-serve-").tempdir().unwrap();
    let config = folder.path().join("octroi.toml");
    let mut server = None;
    // A port that was free may be taken by somebody else in between.
    for _ in 0..3 {
        let text = beginning(folder.path()) + &configuration(&folder.path().join("data"), more);
        std::fs::write(&config, &text).unwrap();
        match serve(&config, facts_of(&text, &folder.path().join("data"))) {
            Ok(started) => server = Some(started),
            Err(log) => eprintln!("it did not start:\n{log}"),
        }
        if server.is_some() {
            break;
        }
    }
    let mut server = server.expect("it starts with free ports");
    server.people.extend((1..=2).map(|number| plain_account(config.to_str().unwrap(), number)));
    server.folder = Some(folder);
    server
}

/// The last word of what a command printed: where it tells a secret, that is it.
pub(crate) fn last_word(said: &str) -> String {
    said.split_whitespace().last().unwrap_or_default().to_owned()
}

/// What the demo would say of itself, from a configuration.
fn facts_of(config: &str, data: &Path) -> Value {
    let table: toml::Table = config.parse().unwrap();
    let addresses = SERVICES.map(|service| (service.to_owned(), Value::from(table["listen"][service][0].as_str().unwrap())));
    let certificate = data.join("tls/certificate.pem");
    serde_json::json!({
        "addresses": Value::Object(addresses.into_iter().collect()),
        "data": data.to_str().unwrap(),
        "certificate": certificate.to_str().unwrap(),
    })
}

/// Start `octroi serve` and wait until it listens everywhere. If it ends instead: what it logged.
fn serve(config: &Path, facts: Value) -> Result<Server, String> {
    serve_in(None, config, facts)
}

/// Likewise; `folder` goes with the server.
fn serve_in(folder: Option<&Path>, config: &Path, facts: Value) -> Result<Server, String> {
    let log = config.with_extension("log");
    let out = File::options().create(true).append(true).open(&log).unwrap();
    let mut command = Command::new(OCTROI);
    command.args(["serve", "--config"]).arg(config).stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
    let child = command.spawn().unwrap();
    let watchdog = watch(&child, folder);
    let mut server =
        Server { child, _watchdog: watchdog, facts, log, people: Vec::new(), folder: None, config: Some(config.to_path_buf()) };
    let start = SystemTime::now();
    let mut waiting: Vec<&str> = SERVICES.to_vec();
    // The sockets are bound before the store is open; the one for administration comes last.
    let socket = server.data().join("admin.sock");
    while !waiting.is_empty() || UnixStream::connect(&socket).is_err() {
        if server.child.try_wait().unwrap().is_some() || start.elapsed().unwrap_or_default() > START_MAX {
            return Err(server.log());
        }
        waiting.retain(|service| TcpStream::connect(server.address(service)).is_err());
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}

/// Start, and wait for the first line of standard output; everything else goes to the log file.
fn spawn(mut command: Command, log: &Path, folder: Option<&Path>) -> (Child, Child, String) {
    let errors = File::options().create(true).append(true).open(log).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
    let watchdog = watch(&child, folder);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // An error leaves the line empty, which the other side reports with the log.
        let _ = output.read_line(&mut line);
        let _ = tell.send(line);
        // Keep draining, so that the server never blocks on a full pipe.
        let _ = std::io::copy(&mut output, &mut std::io::sink());
    });
    let first = told.recv_timeout(START_MAX).unwrap_or_default();
    if first.trim().is_empty() {
        let _ = child.kill();
        let _ = child.wait();
        panic!("the server did not come up:\n{}", std::fs::read_to_string(log).unwrap_or_default());
    }
    (child, watchdog, first)
}

/// A shell that waits for the other end of its standard input to close, then ends the child and removes the folder.
pub(crate) fn watch(child: &Child, folder: Option<&Path>) -> Child {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$0\" 2>/dev/null; [ -z \"$1\" ] || rm -rf \"$1\"", &child.id().to_string()])
        .arg(folder.unwrap_or(Path::new("")))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn person(value: &Value) -> Person {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let path = |key: &str| {
        let url = text(key);
        let path = url.splitn(4, '/').nth(3).map_or_else(String::new, |path| format!("/{path}"));
        if path.ends_with('/') { path } else { format!("{path}/") }
    };
    Person {
        address: text("address"),
        profile: text("profile"),
        password: text("password"),
        totp_secret: text("totp_secret"),
        app_password: text("app_password"),
        files: path("files"),
        calendars: path("calendars"),
    }
}
