//! Python's imaplib and imapclient, which scripts and small tools stand on.

use crate::support::process::run;
use crate::support::{Server, shared};
use std::path::Path;

/// Run a script of this folder with the server's port and certificate, then those arguments, to its last line.
fn script(server: &Server, name: &str, arguments: &[&str]) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (python, script) = (top.join(".venv/bin/python"), top.join("tests/clients").join(name));
    assert!(python.exists(), "{} is missing; ./test makes it", python.display());
    let (port, certificate) = (server.port("imaps").to_string(), server.certificate().to_str().unwrap());
    let all = [&[script.to_str().unwrap(), &port, certificate], arguments].concat();
    let said = run(python.to_str().unwrap(), &all).good();
    assert!(said.contains("all is well"), "{said}");
}

#[test]
fn a_script_does_everything_with_a_mailbox() {
    let person = shared().user(5);
    script(shared(), "imap_client.py", &[&person.address, &person.app_password]);
}

#[test]
fn a_script_shares_and_reads_what_is_shared() {
    let (lead, agent) = (shared().with_profile("team-lead"), shared().with_profile("agent"));
    script(shared(), "imap_shared.py", &[&lead.address, &lead.app_password, &agent.address, &agent.app_password]);
}

#[test]
fn a_script_that_was_away_is_told_what_it_missed() {
    let person = shared().user(6);
    script(shared(), "imap_resync.py", &[&person.address, &person.app_password]);
}
