//! Reports between mail servers, in the fake internet: made of what happened, held against a second opinion, and taken in.

mod made;
mod taken_in;

use crate::support::process::run_in;
use crate::support::server::OCTROI;
use crate::support::{Server, process::Ran, process::run};
use serde_json::Value;
use std::path::Path;

/// `octroi reports` with these arguments.
fn reports(server: &Server, arguments: &[&str]) -> Ran {
    run(OCTROI, &[&["reports"], arguments, &["--config", server.config()]].concat())
}

/// What Python makes of a message with a report of ours.
fn second_opinion(kind: &str, domain: &str, message: &[u8]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/second.py");
    let text = String::from_utf8(message.to_vec()).unwrap();
    let said = run_in(Path::new("."), &[], &text, "python3", &[script, kind, "localhost", domain]).good();
    serde_json::from_str(&said).unwrap()
}
