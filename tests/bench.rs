//! The benchmarks still work: `tests/bench/run --smoke` measures ours only, a few hundred messages, so that it does not rot unseen; likewise
//! `tests/bench/sessions --smoke` and `tests/bench/documents --smoke`.
//!
//! How fast anything is makes no test fail.

use crate::support::process::run;
use crate::support::server::OCTROI;
use std::path::Path;

#[test]
fn the_benchmarks_run() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/run");
    let said = run("python3", &[script, "--smoke", "--binary", OCTROI, "--json", json.to_str().unwrap()]).good();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    // What we can do by now must have a figure; a command that is not there yet is allowed to be refused.
    let measured = |part: &str| -> Vec<String> {
        let rows = report[part].as_array().unwrap().iter();
        rows.filter(|row| row["ours"].is_f64()).map(|row| row["work"].as_str().unwrap().to_owned()).collect()
    };
    let mail = measured("mail");
    for work in ["append_16conn_per_s", "fetch_envelope", "search_text", "move_all", "delete_expunge_all", "idle_fanout_100"] {
        assert!(mail.iter().any(|name| name == work), "{work} was not measured:\n{said}");
    }
    assert!(measured("dav").iter().any(|name| name == "dav_sync_initial"), "{said}");
    for heading in ["Import of", "Opening a mailbox", "Memory of", "Disk for", "Cost of an act"] {
        assert!(said.contains(heading), "{heading} is not there:\n{said}");
    }
}

/// Small and large documents, a listing, a change, a calendar's tag, and connections that rest.
#[test]
fn documents_are_put_and_got() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/documents");
    let said = run("python3", &[script, "--smoke", "--binary", OCTROI, "--json", json.to_str().unwrap()]).good();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let rows = report["documents"].as_array().unwrap();
    let unmeasured: Vec<_> = rows.iter().filter(|row| !row["ours"].is_f64()).map(|row| &row["work"]).collect();
    assert!(rows.len() == 14 && unmeasured.is_empty(), "{unmeasured:?}\n{said}");
}

/// Accepting and delivering, and relaying, on ours only: it needs `smtp-source` and `smtp-sink` of Debian's `postfix`.
#[test]
#[ignore = "needs postfix: ./test --full"]
fn mail_is_brought_delivered_and_relayed() {
    let rates = |script: &str| -> serde_json::Value {
        let folder = tempfile::tempdir().unwrap();
        let json = folder.path().join("rates.json");
        let script = format!("{}/tests/bench/{script}", env!("CARGO_MANIFEST_DIR"));
        let arguments = ["--alone", "--messages", "64", "--rounds", "1", "--binary", OCTROI, "--json", json.to_str().unwrap()];
        run("python3", &[&[script.as_str()], &arguments[..]].concat()).good();
        serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap()
    };
    let delivered = rates("deliver");
    for sessions in ["1", "16", "64"] {
        assert!(delivered["Octroi"][sessions][0].as_f64().is_some_and(|rate| rate > 0.0), "{delivered}");
    }
    let relayed = rates("relay");
    assert!(relayed["Octroi"][0].as_f64().is_some_and(|rate| rate > 0.0), "{relayed}");
}

/// Eight sessions mixing all kinds of commands: each answer is an OK, and what it says agrees with what was said before.
#[test]
fn sessions_mix_commands_without_an_error() {
    let load = Path::new(OCTROI).with_file_name("examples").join("load");
    assert!(load.exists(), "{} is not there: `cargo build --example load`, or `cargo test` without naming a target", load.display());
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/sessions");
    let arguments = ["--smoke", "--binary", OCTROI, "--load", load.to_str().unwrap(), "--json", json.to_str().unwrap()];
    let said = run("python3", &[&[script], &arguments[..]].concat()).good();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let turn = &report["Octroi"][0];
    assert_eq!(turn["errors"], 0, "{said}");
    assert_eq!(turn["sessions"], 8, "{said}");
    let kinds = turn["kinds"].as_object().unwrap();
    assert_eq!(kinds.len(), 20, "some kind of command was not done: {:?}\n{said}", kinds.keys());
    assert!(turn["memory"]["peak"]["kib"].as_u64().unwrap() > 1000, "{said}");
}
