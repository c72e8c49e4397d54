//! The dialogues that ask for nothing of our own, played against Dovecot: what they expect is what IMAP is, not only what we do.

use super::script::play_against;
use crate::support::process::run;
use crate::support::server::DOMAIN;
use crate::support::{Person, Server, free_ports};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Those of `fixtures/dialogues` that any good server passes.
const NEUTRAL: &[&str] = &[
    "imap/append.txt",
    "imap/copy_move.txt",
    "imap/flags.txt",
    "imap/search.txt",
    "imap/search_results.txt",
    "imap/sort.txt",
    "imap/thread.txt",
];

fn dovecot() -> Server {
    let folder = tempfile::Builder::new().prefix("octroi-dovecot-").tempdir().unwrap();
    let top = folder.path().to_str().unwrap().to_owned();
    // Its processes run as users of their own and must reach their sockets.
    fs::set_permissions(&top, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["run", "mail"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::set_permissions(folder.path().join("mail"), fs::Permissions::from_mode(0o777)).unwrap();
    let (certificate, key) = (format!("{top}/cert.pem"), format!("{top}/key.pem"));
    let request =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", &key, "-out", &certificate];
    run("openssl", &request).good();
    let [imap, imaps] = free_ports();
    let config = format!(
        "base_dir = {top}/run\nstate_dir = {top}/run\nlog_path = {top}/log\nprotocols = imap\nlisten = 127.0.0.1\nssl = yes\n\
         ssl_cert = <{certificate}\nssl_key = <{key}\nmail_location = mdbox:{top}/mail/%u\nfirst_valid_uid = 1\n\
         namespace inbox {{\n  inbox = yes\n  separator = /\n}}\n\
         passdb {{\n  driver = static\n  args = password=pw\n}}\n\
         userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home={top}/mail/%u allow_all_users=yes\n}}\n\
         service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n"
    );
    fs::write(format!("{top}/dovecot.conf"), config).unwrap();
    let mut command = Command::new("dovecot");
    command.args(["-F", "-c", &format!("{top}/dovecot.conf")]);
    let facts = serde_json::json!({
        "addresses": { "imap": format!("127.0.0.1:{imap}"), "imaps": format!("127.0.0.1:{imaps}") },
        "certificate": certificate,
    });
    let people = (1..=3).map(|number| Person::mail_only(&format!("u{number}@{DOMAIN}"), "pw")).collect();
    Server::foreign(command, facts, people, folder)
}

#[test]
#[ignore = "needs Dovecot and root: ./test --full"]
fn agrees_with_the_dialogues() {
    let server = dovecot();
    for file in NEUTRAL {
        play_against(&server, file);
    }
}
