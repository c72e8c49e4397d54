//! Rules without a server: `octroi policy check` and `octroi policy test`; and with one, `octroi explain`.

use crate::admin::octroi;
use crate::support::process::run;
use crate::support::server::OCTROI;
use crate::support::shared;
use std::fs;
use std::path::{Path, PathBuf};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

#[test]
fn the_sample_rules_are_valid_and_keep_what_they_promise() {
    let said = run(OCTROI, &["policy", "check", deploy("profiles.toml").to_str().unwrap()]).good();
    assert!(said.contains("valid") && said.contains("profiles"), "{said}");
    let said = run(OCTROI, &["policy", "test", deploy("expectations.toml").to_str().unwrap()]).good();
    let (passed, all) = said.trim().split_once(" of ").unwrap();
    assert_eq!(Some(passed), all.split(' ').next(), "{said}");
    assert!(passed.parse::<u32>().unwrap() > 40, "{said}");
}

#[test]
fn a_rule_that_breaks_a_promise_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("other.toml");
    let rules = fs::read_to_string(deploy("profiles.toml")).unwrap();
    let open = rules.replace("[profile.auditor]\n", "[profile.auditor]\nadminister = true\n");
    assert_ne!(rules, open);
    fs::write(&profiles, open).unwrap();
    let expectations = deploy("expectations.toml");
    let text = fs::read_to_string(&expectations).unwrap();
    let about = text.lines().position(|l| l.contains("And administers nothing")).unwrap();
    // The table begins a line above, and lines are counted from 1.
    let arguments = ["policy", "test", expectations.to_str().unwrap(), "--profiles", profiles.to_str().unwrap()];
    let said = run(OCTROI, &arguments).bad();
    assert!(said.contains(&format!("expectations.toml:{about}: ")) && said.contains("And administers nothing"), "{said}");
    assert_eq!(said.matches("expectations.toml:").count(), 1, "{said}");
    assert!(said.trim().ends_with("expectations hold"), "{said}");
}

#[test]
fn mistakes_in_rules_and_expectations_are_named_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profiles.toml");
    fs::write(&file, "[profile.x]\nportal = true\nsevices = 1\n").unwrap();
    let said = run(OCTROI, &["policy", "check", file.to_str().unwrap()]).bad();
    assert!(said.contains("line 3") && said.contains("sevices"), "{said}");
    fs::write(&file, "[zone.guarded]\nclient_ca = \"no-such.pem\"\n").unwrap();
    let said = run(OCTROI, &["policy", "check", file.to_str().unwrap()]).bad();
    assert!(said.contains("no-such.pem") && said.contains("guarded"), "{said}");
    let expectations = folder.path().join("expectations.toml");
    fs::write(&expectations, "[[expect]]\nabout = \"x\"\nprofil = \"x\"\n").unwrap();
    let said = run(OCTROI, &["policy", "test", expectations.to_str().unwrap()]).bad();
    assert!(said.contains("expectations.toml") && said.contains("line 3"), "{said}");
    run(OCTROI, &["policy", "test", "/no/such/file"]).bad();
}

/// Each right with the rule that gives or takes it, for people.
#[test]
fn explain_says_which_rule_gives_and_which_takes() {
    let server = shared();
    let agent = server.with_profile("agent");
    let path = "Shared/documents@douane.example/Actes";
    let said = octroi(server, &["explain", &agent.address, "files", path, "--zone", "office"]).good();
    let words = |right: &str| said.lines().find(|l| l.trim_start().starts_with(&format!("{right} "))).unwrap_or_else(|| panic!("{said}"));
    assert!(said.contains("agent on someone else's files/Actes from office"), "{said}");
    // It names the line of the rule: the one that lets an agent read what others share, and the one that keeps acts as they are.
    let rules = fs::read_to_string(server.data().join("profiles.toml")).unwrap();
    let rule = |right: &str| {
        let line: usize = words(right).split("line ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        rules.lines().skip(line - 1).take(5).collect::<Vec<_>>().join("\n")
    };
    assert!(words("r").contains("yes") && words("r").contains("gives") && rule("r").contains("rights = \"lrs"), "{said}");
    assert!(words("i").contains("no") && words("i").contains("takes") && rule("i").contains("effect = \"deny\""), "{said}");
    let refused = octroi(server, &["explain", &agent.address, "imap", "INBOX"]).good();
    assert!(refused.contains("remote"), "{refused}");
    // By address instead of by zone, and with a credential that is somebody's own.
    octroi(server, &["explain", &agent.address, "imap", "INBOX", "--from", "10.20.0.7", "--strength", "fresh-second-factor"]).good();
    let id = agent.app_password.split('-').next().unwrap();
    octroi(server, &["explain", &agent.address, "imap", "INBOX", "--credential", id]).good();
    octroi(server, &["explain", &server.user(1).address, "imap", "INBOX", "--credential", id]).bad();
    octroi(server, &["explain", &agent.address, "imap", "INBOX", "--zone", "nowhere"]).bad();
    octroi(server, &["explain", &agent.address, "imap", "INBOX", "--strength", "very"]).bad();
}
