//! Locks over the wire: kept over a restart, listed and broken by the administrator.

use crate::admin::octroi;
use crate::support::http::Http;
use crate::support::process::run;
use crate::support::server::{OCTROI, configuration};
use crate::support::{Server, shared, unique};

const EXCLUSIVE: &[u8] =
    br#"<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>Test</owner></lockinfo>"#;

#[test]
fn the_administrator_lists_and_breaks() {
    let server = shared();
    let person = server.user(4);
    let http = Http::new(server, person);
    let name = format!("{}.txt", unique("locked"));
    let at = format!("{}{name}", person.files);
    assert_eq!(http.request("PUT", &at, &[], b"one").status, 201);
    let locked = http.request("LOCK", &at, &[("Timeout", "Second-500")], EXCLUSIVE);
    let token = locked.header("lock-token").unwrap().trim_matches(['<', '>']).to_owned();
    let listed = octroi(server, &["locks", "list"]).good();
    let line = listed.lines().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("{listed}"));
    assert!(line.starts_with(&token) && line.contains(&format!("{} files/{name}", person.address)) && line.contains("exclusive"), "{line}");
    assert_eq!(http.request("PUT", &at, &[], b"two").status, 423);
    octroi(server, &["locks", "break", &token]).good();
    assert!(octroi(server, &["locks", "break", &token]).bad().contains("there is no such lock"));
    assert!(octroi(server, &["locks", "break", "DAV:no-lock"]).bad().contains("is no lock token"));
    assert_eq!(http.request("PUT", &at, &[], b"two").status, 204);
    assert!(octroi(server, &["audit", "show"]).good().contains("lock break"));
}

#[test]
fn a_restart_keeps_them() {
    let folder = tempfile::Builder::new().prefix("octroi-locks-").tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::demo_on(&data);
    let at = format!("{}kept.txt", server.user(1).files);
    let locked = Http::new(&server, server.user(1)).request("LOCK", &at, &[], EXCLUSIVE);
    assert_eq!(locked.status, 201);
    let condition = format!("({})", locked.header("lock-token").unwrap());
    assert!(server.stop());
    let mut server = Server::demo_on(&data);
    let http = Http::new(&server, server.user(1));
    assert_eq!(http.request("PUT", &at, &[], b"x").status, 423);
    assert_eq!(http.request("PUT", &at, &[("If", &condition)], b"x").status, 204);
    assert!(server.stop());
    let config = data.with_file_name("octroi.toml");
    std::fs::write(&config, configuration(&data, "")).unwrap();
    run(OCTROI, &["check", "--config", config.to_str().unwrap()]).good();
}
