//! Who mail is from, from outside: the program against a DNS of the test's own and other implementations (dkimpy, authres, OpenDKIM).

#[path = "../../protocols/mailauth/src/tests/dns.rs"]
mod dns;
mod keys;
mod meetings;
mod received;
mod spam;

use crate::support::http::base64;
use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{DOMAIN, OCTROI, configured};
use crate::support::smtp::{Reply, Smtp};
use crate::support::wire::Wire;
use crate::support::{Person, Server, eventually};
use dns::FakeDns;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A server that asks that DNS and checks everybody, this machine too.
fn world(more: &str) -> (Server, FakeDns) {
    let dns = FakeDns::start();
    let server = configured(&format!("[dns]\nservers = [\"{}\"]\n[inbound]\ntrusted = []\n[mail_auth]\n{more}", dns.address));
    (server, dns)
}

/// Deliver a message to `u1` by port 25.
fn sent(server: &Server, from: &str, message: &[u8]) -> Reply {
    let mut smtp = Smtp::connect(server, "smtp");
    smtp.expect(&format!("MAIL FROM:<{from}>"), 250);
    smtp.expect(&format!("RCPT TO:<{}>", server.user(1).address), 250);
    smtp.expect("DATA", 354);
    let stuffed = String::from_utf8_lossy(message).replace("\r\n.", "\r\n..");
    smtp.wire.try_send(stuffed.as_bytes()).unwrap();
    smtp.wire.try_send(if message.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" }).unwrap();
    smtp.reply().unwrap()
}

/// Send a message as `u1` to `u2` by submission.
fn submitted(server: &Server, message: &str) -> u16 {
    let person = server.user(1);
    let mut smtp = Smtp { wire: Wire::tls(server.address("submissions"), server.certificate()) };
    smtp.reply().unwrap();
    smtp.expect("EHLO client.test", 250);
    smtp.expect(&format!("AUTH PLAIN {}", base64(format!("\0{}\0{}", person.address, person.app_password).as_bytes())), 235);
    smtp.try_send(&person.address, &server.user(2).address, &message.replace("\r\n.", "\r\n..")).unwrap().code
}

/// The message with that subject in a mailbox.
fn found(server: &Server, person: &Person, mailbox: &str, subject: &str) -> Vec<u8> {
    let mut imap = Imap::login(server, person);
    let uid = eventually(subject, || {
        imap.ok(&format!("SELECT {mailbox}"));
        imap.search_subject(subject).first().copied()
    });
    imap.body(uid)
}

/// What the other implementation says to a message.
fn peer(arguments: &[&str], message: &[u8]) -> String {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = top.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing; ./test makes it", python.display());
    let mut command = Command::new(python);
    command.arg(top.join("tests/mail_auth/peer.py")).args(arguments);
    piped(command, message)
}

/// What a program says to a message.
fn piped(mut command: Command, message: &[u8]) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, octets) = (child.stdin.take().unwrap(), message.to_vec());
    let feeding = std::thread::spawn(move || input.write_all(&octets));
    let said = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stdout));
    String::from_utf8(said.stdout).unwrap()
}

/// The results that the server noted, as another implementation reads them.
fn results(message: &[u8]) -> Vec<(String, String, Value)> {
    serde_json::from_str(&peer(&["results", "localhost"], message)).unwrap()
}

/// From base64.
fn octets_of(text: &str) -> Vec<u8> {
    data_encoding::BASE64.decode(text.as_bytes()).unwrap()
}

fn octroi(server: &Server, arguments: &[&str]) -> crate::support::process::Ran {
    run(OCTROI, &[arguments, &["--config", server.config()]].concat())
}
