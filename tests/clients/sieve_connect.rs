//! sieve-connect: a ManageSieve client on the command line, over STARTTLS with PLAIN.

use crate::support::process::{Ran, run_in};
use crate::support::{Person, Server, shared, unique};
use std::path::Path;

const SCRIPT: &str = "require [\"fileinto\"];\r\nif header :contains \"Subject\" \"été\" {\r\n\tfileinto \"Junk\";\r\n}\r\n";

fn sieve_connect(server: &Server, person: &Person, folder: &Path, secret: &str, arguments: &[&str]) -> Ran {
    let (port, authority) = (server.port("managesieve").to_string(), server.certificate().to_str().unwrap());
    let at = ["--server", "localhost", "--port", &port, "--tlscafile", authority, "--user", &person.address, "--passwordfd", "0"];
    run_in(folder, &[], &format!("{secret}\n"), "sieve-connect", &[&at, arguments].concat())
}

#[test]
fn scripts_go_there_and_come_back() {
    let (server, person) = (shared(), shared().user(4));
    let folder = tempfile::tempdir().unwrap();
    let (name, secret) = (unique("script"), person.app_password.as_str());
    std::fs::write(folder.path().join("local.sieve"), SCRIPT).unwrap();
    std::fs::write(folder.path().join("bad.sieve"), "keep;\nfrob;\n").unwrap();
    let go = |arguments: &[&str]| sieve_connect(server, person, folder.path(), secret, arguments);
    go(&["--localsieve", "local.sieve", "--checkscript"]).good();
    go(&["--localsieve", "local.sieve", "--remotesieve", &name, "--upload"]).good();
    let listed = go(&["--list"]).good();
    assert!(listed.contains(&name), "{listed}");
    go(&["--remotesieve", &name, "--activate"]).good();
    assert!(go(&["--list"]).good().lines().any(|line| line.contains(&name) && line.contains("ACTIVE")));
    go(&["--remotesieve", &name, "--localsieve", "back.sieve", "--download"]).good();
    let back = std::fs::read_to_string(folder.path().join("back.sieve")).unwrap();
    assert_eq!(back.replace('\r', ""), SCRIPT.replace('\r', ""));
    let refused = go(&["--localsieve", "bad.sieve", "--remotesieve", "bad", "--upload"]).bad();
    assert!(refused.contains("line 2: there is no command"), "{refused}");
    go(&["--deactivate"]).good();
    go(&["--remotesieve", &name, "--delete"]).good();
    assert!(!go(&["--list"]).good().contains(&name));
}

#[test]
fn a_wrong_secret_opens_nothing() {
    let (server, person) = (shared(), shared().user(4));
    let folder = tempfile::tempdir().unwrap();
    let said = sieve_connect(server, person, folder.path(), "wrong", &["--list"]).bad();
    assert!(said.to_lowercase().contains("authentication"), "{said}");
}
