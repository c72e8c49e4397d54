//! litmus, the WebDAV server test suite, as far as this server offers what it tests.

use crate::support::process::run_in;
use crate::support::{shared, unique};
use std::path::Path;

/// The suites that must pass whole.
const SUITES: &[&str] = &["basic", "copymove", "props", "locks", "http"];

#[test]
fn passes() {
    let server = shared();
    let person = server.user(6);
    let folder = tempfile::tempdir().unwrap();
    let http = crate::support::http::Http::new(server, person);
    let path = format!("{}{}/", person.files, unique("litmus"));
    assert_eq!(http.request("MKCOL", &path, &[], b"").status, 201);
    let variables = [("TESTS", SUITES.join(" "))];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let url = server.url(&path);
    let said = run_in(Path::new(folder.path()), &variables, "", "litmus", &["-k", &url, &person.address, &person.app_password]).good();
    for suite in SUITES {
        let summary =
            said.lines().find(|l| l.contains(&format!("summary for `{suite}'"))).unwrap_or_else(|| panic!("{suite} did not run:\n{said}"));
        assert!(summary.contains(" 0 failed"), "{said}");
    }
    // Its own doing: it cannot wait for 100 Continue under TLS.
    let skipped = said.lines().filter(|line| line.contains("SKIPPED") && !line.contains("for SSL server")).count();
    assert_eq!(skipped, 0, "{said}");
}
