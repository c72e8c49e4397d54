//! LibreOffice opens a document where it lies, locks it, which others see, saves and unlocks.

use crate::admin::octroi;
use crate::support::http::Http;
use crate::support::process::run_in;
use crate::support::server::watch;
use crate::support::{Person, Server, eventually, shared, unique};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// LibreOffice without windows and the one who works with it, in a mount namespace where this server's certificate is one of the system's.
const SCRIPT: &str = r#"
cat /etc/ssl/certs/ca-certificates.crt "$CERTIFICATE" > authorities.pem && mount --bind authorities.pem /etc/ssl/certs/ca-certificates.crt || exit 1
soffice "-env:UserInstallation=file://$HOME/profile" --headless --norestore --nologo "--accept=pipe,name=$PIPE;urp" > office.log 2>&1 &
exec /usr/bin/python3 "$EDITOR" "$PIPE" "$URL" "$ADDRESS" "$SECRET" > said 2>&1
"#;

/// Start it on that document; what it says is in the file `said`.
fn start(server: &Server, person: &Person, path: &str, here: &Path) -> Child {
    let editor = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/libreoffice.py");
    let mut command = Command::new("timeout");
    command.args([
        "--kill-after=10",
        "300",
        "unshare",
        "--map-root-user",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        SCRIPT,
    ]);
    let (address, secret) = (&person.address, &person.app_password);
    command.envs([("ADDRESS", address), ("SECRET", secret), ("URL", &server.url(path)), ("PIPE", &unique("octroi"))]);
    command.env("HOME", here).env("CERTIFICATE", server.certificate()).env("EDITOR", editor);
    command.current_dir(here).stdin(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_document_is_edited_in_place() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (person, here) = (server.user(3), folder.path());
    let (name, home) = (format!("{}.odt", unique("report")), here.to_str().unwrap());
    let (path, http) = (format!("{}{name}", person.files), Http::new(server, person));
    fs::write(here.join("report.txt"), "What was there").unwrap();
    let profile = format!("-env:UserInstallation=file://{home}/profile");
    let convert = |to: &str, file: &str| {
        run_in(here, &[("HOME", home)], "", "soffice", &[profile.as_str(), "--headless", "--convert-to", to, file]).good();
    };
    convert("odt", "report.txt");
    let before = fs::read(here.join("report.odt")).unwrap();
    assert_eq!(http.request("PUT", &path, &[], &before).status, 201);

    let mut editor = start(server, person, &path, here);
    // It ends with this process, whatever happens to the test.
    let mut watchdog = watch(&editor, None);
    let mut told = editor.stdin.take().unwrap();
    let said = || fs::read_to_string(here.join("said")).unwrap_or_default();
    let mut step = |awaited: &str| {
        let done = eventually(awaited, || {
            let ended = editor.try_wait().unwrap().is_some();
            (ended || said().lines().any(|line| line == awaited)).then(said)
        });
        assert!(done.lines().any(|line| line == awaited), "{done}\n{}", fs::read_to_string(here.join("office.log")).unwrap_or_default());
    };

    step("open");
    assert_eq!(http.request("PUT", &path, &[], b"other").status, 423, "another program is told");
    let lock = br#"<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>"#;
    assert_eq!(http.request("LOCK", &path, &[], lock).status, 423);
    let locks = octroi(server, &["locks", "list"]).good();
    assert!(locks.lines().any(|line| line.contains(&name) && line.contains(&person.address) && line.contains("exclusive")), "{locks}");
    told.write_all(b"\n").unwrap();
    step("stored");
    let after = http.request("GET", &path, &[], b"").body;
    assert!(after != before && after.starts_with(b"PK"), "it has saved");
    assert_eq!(http.request("DELETE", &path, &[], b"").status, 423, "it is open still");
    told.write_all(b"\n").unwrap();
    step("closed");
    assert!(!octroi(server, &["locks", "list"]).good().contains(&name));

    // What it has saved says what was written into it.
    fs::write(here.join("after.odt"), after).unwrap();
    convert("txt:Text", "after.odt");
    let text = fs::read_to_string(here.join("after.txt")).unwrap();
    assert!(text.contains("What was there and what LibreOffice wrote"), "{text}");
    assert_eq!(http.request("PUT", &path, &[], b"other").status, 204);
    let _ = watchdog.kill();
    let _ = watchdog.wait();
}
