//! Evolution's data server, by which GNOME's programs keep calendars and contacts: an account is added and its calendars and address books are
//! found, the certificate is trusted by who is asked, an event and a contact are read, made, changed and removed.

use crate::admin::{mint, octroi};
use crate::support::process::run_in;
use crate::support::server::DOMAIN;
use crate::support::{shared, unique};
use std::fs;
use std::path::Path;

#[test]
fn calendars_and_contacts_by_evolution() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let address = format!("{}@{DOMAIN}", unique("evolution"));
    octroi(server, &["account", "add", &address, "--profile", "agent"]).good();
    let (secret, _) = mint(server, &address, "caldav,carddav");
    let (home, run) = (folder.path(), folder.path().join("run"));
    fs::create_dir(&run).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/evolution.py");
    let variables = [
        ("HOME", home.to_str().unwrap()),
        ("XDG_RUNTIME_DIR", run.to_str().unwrap()),
        ("GSETTINGS_BACKEND", "memory"),
        ("GVFS_DISABLE_FUSE", "1"),
        ("LC_ALL", "C.UTF-8"),
    ];
    let (url, certificate) = (server.url("/"), server.certificate().to_str().unwrap());
    // Debian's own Python has the bindings.
    let arguments = ["--", "/usr/bin/python3", script.to_str().unwrap(), &url, &address, &secret, certificate];
    let said = run_in(home, &variables, "", "dbus-run-session", &arguments).good();
    assert!(said.lines().any(|line| line == "all is well"), "{said}");
}
