//! A smarthost that wants to know who we are: each way to log in over the wire, against a host that checks what it is told.

use super::submit;
use crate::support::http::base64;
use crate::support::internet::{Host, Internet, Manner, Say};
use crate::support::server::configured;
use crate::support::{Server, eventually, unique};
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;
use std::sync::Mutex;
use tempfile::TempDir;

const USER: &str = "re,lay";
const PASSWORD: &str = "wind+sea=\u{e9}t\u{e9}";
const SALT: &[u8] = b"some salt";
const ROUNDS: u32 = 4096;

/// A server that sends everything to that host, and the folder of its password.
fn sending_to(internet: &Internet, host: &Host) -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let login = format!("smarthost_user = \"{USER}\"\nsmarthost_password_file = \"{}\"\n", file.display());
    let settings = format!("{}smarthost = \"{}:{}\"\n{login}", internet.settings(), host.ip(), internet.port());
    (configured(&settings), folder)
}

/// A host under TLS that offers these mechanisms and answers so.
fn host(internet: &Internet, offers: &'static str, answers: impl Fn(&str) -> Option<Say> + Send + Sync + 'static) -> Host {
    let (config, _) = internet.certified(&["localhost"]);
    internet.host(Manner { whim: Manner::by(answers).whim, ..Manner::tls(config) }.offering(offers))
}

/// What is sent arrives, and the password stands in no log.
fn arrives(internet: &Internet, host: &Host) {
    let (server, _folder) = sending_to(internet, host);
    submit(&server, "a@b.example", &unique("relayed"));
    eventually("a message", || host.received().first().cloned());
    assert!(!server.log().contains("wind+sea") && !server.log().contains(&base64(PASSWORD.as_bytes())));
}

/// What is sent waits, with that in the log.
fn waits(internet: &Internet, host: &Host, why: &str) {
    let (server, _folder) = sending_to(internet, host);
    submit(&server, "a@b.example", &unique("relayed"));
    eventually("an attempt", || server.log().contains(why).then_some(()));
    assert!(host.received().is_empty() && !host.lines().iter().any(|line| line.starts_with("MAIL")), "{:?}", host.lines());
}

fn refused() -> Say {
    Say::This("535 5.7.8 who are you\r\n")
}

#[test]
fn plain_and_login_are_told_under_tls_only() {
    let internet = Internet::start();
    let plain = format!("AUTH PLAIN {}", base64(format!("\0{USER}\0{PASSWORD}").as_bytes()));
    let answers = move |line: &str| match line {
        line if line == plain => Some(Say::This("235 2.7.0 welcome\r\n")),
        line if line.starts_with("AUTH") => Some(refused()),
        _ => None,
    };
    arrives(&internet, &host(&internet, "AUTH PLAIN LOGIN", answers));
    let (user, password) = (base64(USER.as_bytes()), base64(PASSWORD.as_bytes()));
    let answers = move |line: &str| match line {
        "AUTH LOGIN" => Some(Say::This("334 VXNlcm5hbWU6\r\n")),
        line if line == user => Some(Say::This("334 UGFzc3dvcmQ6\r\n")),
        line if line == password => Some(Say::This("235 2.7.0 welcome\r\n")),
        line if line.starts_with("AUTH") => Some(refused()),
        _ => None,
    };
    arrives(&internet, &host(&internet, "AUTH LOGIN", answers));
    waits(&internet, &host(&internet, "AUTH PLAIN", |line| line.starts_with("AUTH").then(refused)), "it does not let us log in");
    waits(&internet, &host(&internet, "AUTH GSSAPI", |_| None), "no way to log in that we know");
    let bare = internet.host(Manner::default().offering("AUTH SCRAM-SHA-256 PLAIN LOGIN"));
    waits(&internet, &bare, "without which no password is told");
    assert!(!bare.lines().iter().any(|line| line.starts_with("AUTH")));
}

/// RFC 5802, the host's side: it knows the password, or only says that it does.
struct Scram {
    knows: bool,
    /// The client's first words and the answer to them, while the proof is waited for; then nothing, while the client's last word is.
    said: Mutex<Option<(String, String)>>,
    is_proven: Mutex<bool>,
}

impl Scram {
    fn new(knows: bool) -> Self {
        Self { knows, said: Mutex::default(), is_proven: Mutex::default() }
    }

    fn answer(&self, line: &str) -> Option<Say> {
        let challenge = |text: &str| Some(Say::That(format!("334 {}\r\n", base64(text.as_bytes()))));
        if let Some(first) = line.strip_prefix("AUTH SCRAM-SHA-256 ") {
            let first = decoded(first);
            let bare = first.strip_prefix("n,,").unwrap().to_owned();
            let (user, nonce) = bare.split_once(",r=").unwrap();
            assert_eq!(user, "n=re=2Clay", "a comma in a name is written so");
            let server = format!("r={nonce}server,s={},i={ROUNDS}", base64(SALT));
            *self.said.lock().unwrap() = Some((bare, server.clone()));
            return challenge(&server);
        }
        if let Some((bare, server)) = self.said.lock().unwrap().take() {
            let last = decoded(line);
            let (without_proof, proof) = last.rsplit_once(",p=").unwrap();
            let signed = format!("{bare},{server},{without_proof}");
            let salted = salted();
            let key = hmac(&salted, b"Client Key");
            let stored = digest::digest(&digest::SHA256, &key);
            let signature = hmac(stored.as_ref(), signed.as_bytes());
            let expected: Vec<u8> = key.iter().zip(&signature).map(|(key, signature)| key ^ signature).collect();
            if proof != base64(&expected) {
                return Some(refused());
            }
            *self.is_proven.lock().unwrap() = true;
            let own = hmac(&hmac(&salted, b"Server Key"), if self.knows { signed.as_bytes() } else { b"something" });
            return challenge(&format!("v={}", base64(&own)));
        }
        // The client's last word is an empty line, as the connection itself is.
        let is_last = line.is_empty() && std::mem::take(&mut *self.is_proven.lock().unwrap());
        is_last.then_some(Say::This("235 2.7.0 welcome\r\n"))
    }
}

fn salted() -> [u8; 32] {
    let mut salted = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, NonZeroU32::new(ROUNDS).unwrap(), SALT, PASSWORD.as_bytes(), &mut salted);
    salted
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn decoded(text: &str) -> String {
    String::from_utf8(data_encoding::BASE64.decode(text.as_bytes()).unwrap()).unwrap()
}

#[test]
fn with_scram_no_password_is_told_and_both_are_known() {
    let internet = Internet::start();
    let scram = Scram::new(true);
    let good = host(&internet, "AUTH SCRAM-SHA-256 PLAIN LOGIN", move |line| scram.answer(line));
    arrives(&internet, &good);
    assert!(!good.lines().iter().any(|line| line.starts_with("AUTH PLAIN") || line.starts_with("AUTH LOGIN")));
    let scram = Scram::new(false);
    let liar = host(&internet, "AUTH SCRAM-SHA-256 PLAIN LOGIN", move |line| scram.answer(line));
    waits(&internet, &liar, "it does not know our password");
    let nonsense = host(&internet, "AUTH SCRAM-SHA-256", |line| line.starts_with("AUTH").then_some(Say::This("334 AAAA\r\n")));
    waits(&internet, &nonsense, "it does not speak SCRAM");
}
