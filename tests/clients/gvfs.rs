//! gvfs, which GNOME's programs reach documents with: mounted with a password, listed, copied both ways, saved, renamed, moved, removed.

use crate::admin::{mint, octroi};
use crate::support::http::Http;
use crate::support::process::run_in;
use crate::support::server::DOMAIN;
use crate::support::{shared, unique};
use std::fs;

/// What is done, in a session bus of its own. Asked whether the certificate is to be trusted, which no public authority has signed, it is told
/// yes; then it asks for the password.
const SCRIPT: &str = r#"
set -e
printf '1\n%s\n' "$SECRET" | gio mount "$URL" > mounted.log 2>&1 || { cat mounted.log; exit 1; }
printf 'a letter\n' > letter.txt
gio mkdir "$URL/été"
gio copy letter.txt "$URL/letter.txt"
gio copy "$URL/letter.txt" "$URL/été/copy & 1.txt"
gio list -l "$URL" | sed 's/\t/ /g'
gio list "$URL/été"
gio move "$URL/été/copy & 1.txt" "$URL/moved.txt"
gio rename "$URL/été" winter > /dev/null
gio copy "$URL/moved.txt" back.txt
gio info "$URL/moved.txt"
gio info --filesystem --attributes='filesystem::*' "$URL"
tag() { gio info --attributes=etag::value "$URL/letter.txt" | sed -n 's/.*etag::value: //p'; }
old=$(tag)
echo changed | gio save --etag="$old" "$URL/letter.txt"
if echo lost | gio save --etag="$old" "$URL/letter.txt" 2> /dev/null; then echo 'done: lost update'; fi
gio cat "$URL/letter.txt"
gio remove "$URL/moved.txt"
if gio cat "$URL/moved.txt" 2> /dev/null; then echo 'done: removed'; fi
if gio copy letter.txt "$URL/Shared/$OWNER/$FOLDER/new.txt" 2> /dev/null; then echo 'done: read only'; fi
gio tree "$URL"
gio mount --unmount "$URL"
"#;

#[test]
fn documents_by_gvfs() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let address = format!("{}@{DOMAIN}", unique("gvfs"));
    octroi(server, &["account", "add", &address, "--profile", "agent"]).good();
    octroi(server, &["quota", "set", &address, "100M"]).good();
    let (secret, _) = mint(server, &address, "files");
    let (owner, common) = (server.user(5), unique("common"));
    assert_eq!(Http::new(server, owner).request("MKCOL", &format!("{}{common}/", owner.files), &[], b"").status, 201);
    octroi(server, &["share", &owner.address, &format!("files/{common}"), "--with", &format!("{address}=lr")]).good();

    let (here, user) = (folder.path(), address.replace('@', "%40"));
    let url = format!("davs://{user}@localhost:{}/dav/files/{user}", server.port("https"));
    fs::create_dir(here.join("run")).unwrap();
    let (home, run) = (here.to_str().unwrap(), here.join("run"));
    let variables = [
        ("HOME", home),
        ("XDG_RUNTIME_DIR", run.to_str().unwrap()),
        // No mount of its own beside what the test asks for.
        ("GVFS_DISABLE_FUSE", "1"),
        ("URL", &url),
        ("SECRET", &secret),
        ("OWNER", &owner.address),
        ("FOLDER", &common),
        ("LC_ALL", "C.UTF-8"),
    ];
    let said = run_in(here, &variables, "", "dbus-run-session", &["--", "sh", "-c", SCRIPT]).good();
    for line in ["letter.txt 9 (regular)", "été 0 (directory)", "copy & 1.txt", "size:  9", "changed", "filesystem::size: 104857600"] {
        assert!(said.lines().any(|l| l.trim() == line), "{line}: {said}");
    }
    assert!(said.contains("standard::content-type: text/plain") && said.contains("-- winter"), "{said}");
    assert!(!said.contains("done: "), "{said}");
    assert_eq!(fs::read_to_string(here.join("back.txt")).unwrap(), "a letter\n");
    let http = Http::with(server, &address, &secret);
    assert_eq!(http.request("GET", &format!("/dav/files/{address}/letter.txt"), &[], b"").text(), "changed\n");
}
