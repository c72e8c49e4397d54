//! A command that is in the program and not in a table: what fails then is the build of whoever added it.

use std::collections::BTreeSet;
use std::path::Path;

/// Commands of IMAP that are about no mailbox: before log-in, at the end, and what only takes back.
const IMAP_WITHOUT_RIGHTS: [&str; 7] = ["authenticate", "cancelupdate", "compress", "login", "logout", "starttls", "unauthenticate"];
/// Files beside the methods that are none.
const DAV_HELPERS: [&str; 6] = ["attach", "destination", "export", "make", "mod", "outbox"];
/// Files beside the reports that are none.
const REPORT_HELPERS: [&str; 4] = ["batches", "data", "mod", "scope"];

pub(super) fn files(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect()
}

#[test]
fn every_command_of_imap_is_in_the_matrix() {
    let mut known: BTreeSet<String> = super::imap_rows::ROWS.iter().map(|row| row.file.to_owned()).collect();
    known.extend(IMAP_WITHOUT_RIGHTS.into_iter().chain(["mod"]).map(str::to_owned));
    assert_eq!(files("protocols/imap/src/commands"), known);
}

#[test]
fn every_method_of_webdav_is_in_the_matrix() {
    let mut known: BTreeSet<String> = super::dav::methods().map(str::to_lowercase).collect();
    // Both are answered by one file.
    known.remove("head");
    known.remove("report");
    let found: BTreeSet<String> =
        files("protocols/dav/src/methods").into_iter().filter(|name| !DAV_HELPERS.contains(&name.as_str())).collect();
    assert_eq!(found, known);
    let reports = files("protocols/dav/src/methods/report").into_iter();
    let reports: BTreeSet<String> = reports.filter(|name| !REPORT_HELPERS.contains(&name.as_str())).collect();
    assert_eq!(reports, super::dav::REPORTS.map(str::to_owned).into_iter().collect());
}
