//! Rules on the Cargo.toml files: who may name whom, and that nobody has lints or versions of their own.

use super::Finding;
use toml::{Table, Value};

/// For each crate of ours, the crates of ours that it may name. `storage/` never names `protocols/`; only `gate` names `engine`;
/// the protocols never name one another; codecs name `model` at most. The program itself composes, so it may name all.
const ARROWS: &[(&str, &[&str])] = &[
    ("octroi-model", &[]),
    ("octroi-engine", &["octroi-model"]),
    ("octroi-policy", &["octroi-model"]),
    ("octroi-gate", &["octroi-model", "octroi-engine", "octroi-policy"]),
    ("octroi-mime", &["octroi-model"]),
    ("octroi-ical", &["octroi-model"]),
    ("octroi-sieve", &["octroi-model", "octroi-mime"]),
    ("octroi-net", &["octroi-model"]),
    ("octroi-dns", &["octroi-model"]),
    ("octroi-webclient", &[]),
    ("octroi-reports", &["octroi-model", "octroi-mime"]),
    ("octroi-webpush", &[]),
    ("octroi-mailauth", &["octroi-model", "octroi-dns", "octroi-mime", "octroi-reports"]),
    ("octroi-http", &["octroi-model", "octroi-gate", "octroi-net"]),
    ("octroi-sasl", &["octroi-model", "octroi-gate", "octroi-net"]),
    ("octroi-imap", &["octroi-model", "octroi-gate", "octroi-net", "octroi-mime", "octroi-sasl"]),
    (
        "octroi-smtp",
        &[
            "octroi-model",
            "octroi-gate",
            "octroi-net",
            "octroi-mime",
            "octroi-ical",
            "octroi-sasl",
            "octroi-dns",
            "octroi-mailauth",
            "octroi-reports",
            "octroi-sieve",
            "octroi-webclient",
        ],
    ),
    ("octroi-managesieve", &["octroi-model", "octroi-gate", "octroi-net", "octroi-sasl", "octroi-sieve"]),
    ("octroi-dav", &["octroi-model", "octroi-gate", "octroi-net", "octroi-mime", "octroi-ical", "octroi-http", "octroi-webpush"]),
    ("octroi-portal", &["octroi-model", "octroi-gate", "octroi-net", "octroi-http", "octroi-ical", "octroi-sieve"]),
    // Outside the house: it puts parts together as the program does, to fuzz them.
    (
        "octroi-fuzz",
        &[
            "octroi-model",
            "octroi-engine",
            "octroi-gate",
            "octroi-net",
            "octroi-mime",
            "octroi-ical",
            "octroi-imap",
            "octroi-reports",
            "octroi-smtp",
            "octroi-managesieve",
            "octroi-sieve",
            "octroi-dav",
            "octroi-portal",
        ],
    ),
];

/// What the tests of a protocol may name beside that: they put a gate before a store, as the program does. Code that is shipped cannot.
const IN_TESTS: &str = "octroi-engine";

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Every dependency of the manifest, as (section, name, value). Dependencies under `[target.…]` count too.
fn dependencies(manifest: &Table) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    let mut tables = vec![manifest.clone()];
    if let Some(Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(Value::as_table).cloned());
    }
    for table in tables {
        for section in SECTIONS {
            if let Some(Value::Table(listed)) = table.get(section) {
                found.extend(listed.iter().map(|(name, value)| (section.to_owned(), name.clone(), value.clone())));
            }
        }
    }
    found
}

/// Does each crate name only what the arrows allow?
pub(super) fn arrows(file: &str, text: &str) -> Vec<Finding> {
    let finding = |what: String| Finding { file: file.to_owned(), line: 1, what };
    let manifest: Table = text.parse().unwrap();
    let name = manifest["package"]["name"].as_str().unwrap();
    if name == "octroi" {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![finding(format!("{name} has no line in the table of arrows"))];
    };
    dependencies(&manifest)
        .into_iter()
        .filter(|(section, named, _)| {
            let ours = named.starts_with("octroi");
            let in_tests = section == "dev-dependencies" && named == IN_TESTS && allowed.contains(&"octroi-gate");
            ours && !allowed.contains(&named.as_str()) && !in_tests
        })
        .map(|(section, named, _)| finding(format!("{name} must not name {named} ({section})")))
        .collect()
}

/// Lints and versions are settled once, for the whole workspace.
pub(super) fn inherits(file: &str, text: &str) -> Vec<Finding> {
    let finding = |what: String| Finding { file: file.to_owned(), line: 1, what };
    let manifest: Table = text.parse().unwrap();
    let from_workspace = |value: Option<&Value>| value.and_then(|v| v.get("workspace")).and_then(Value::as_bool) == Some(true);
    let mut findings = Vec::new();
    if !from_workspace(manifest.get("lints")) {
        findings.push(finding("needs [lints] workspace = true".to_owned()));
    }
    for (section, name, value) in dependencies(&manifest) {
        if !from_workspace(Some(&value)) {
            findings.push(finding(format!("{name} ({section}) must come from the workspace's table")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn package(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    #[test]
    fn a_wrong_arrow_is_found() {
        for (from, to) in [
            ("octroi-imap", "octroi-engine"),
            ("octroi-imap", "octroi-smtp"),
            ("octroi-dav", "octroi-portal"),
            ("octroi-engine", "octroi-net"),
            ("octroi-policy", "octroi-engine"),
            ("octroi-mime", "octroi-gate"),
        ] {
            let text = package(from, &format!("[dependencies]\n{to}.workspace = true\n"));
            assert_eq!(arrows("x", &text).len(), 1, "{from} -> {to}");
            let hidden = package(from, &format!("[target.'cfg(unix)'.dependencies]\n{to}.workspace = true\n"));
            assert_eq!(arrows("x", &hidden).len(), 1, "{from} -> {to} under a target");
        }
    }

    #[test]
    fn a_right_arrow_passes_and_an_unknown_crate_does_not() {
        assert!(arrows("x", &package("octroi-imap", "[dev-dependencies]\noctroi-engine.workspace = true\n")).is_empty());
        assert_eq!(arrows("x", &package("octroi-mime", "[dev-dependencies]\noctroi-engine.workspace = true\n")).len(), 1);
        assert_eq!(arrows("x", &package("octroi-imap", "[dev-dependencies]\noctroi-smtp.workspace = true\n")).len(), 1);
        assert!(arrows("x", &package("octroi-gate", "[dependencies]\noctroi-engine.workspace = true\n")).is_empty());
        assert_eq!(arrows("x", &package("octroi-new", "")).len(), 1);
    }

    #[test]
    fn own_lints_and_versions_are_found() {
        assert!(inherits("x", &package("a", LINTS)).is_empty());
        assert_eq!(inherits("x", &package("a", "")).len(), 1);
        assert_eq!(inherits("x", &package("a", &format!("{LINTS}[dependencies]\nserde = \"1\"\n"))).len(), 1);
        assert_eq!(inherits("x", &package("a", &format!("{LINTS}[dev-dependencies]\nserde = {{ version = \"1\" }}\n"))).len(), 1);
        assert!(inherits("x", &package("a", &format!("{LINTS}[dependencies]\nserde.workspace = true\n"))).is_empty());
    }
}
