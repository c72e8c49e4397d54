//! Backups of the real program: made while it works, cut off by a kill, restored elsewhere; and one person's folder given back while it runs.

use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{OCTROI, configured};
use crate::support::smtp::Smtp;
use crate::support::{Person, Server, message, unique};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What was acknowledged, by subject.
type Messages = BTreeMap<String, String>;

fn deliver(server: &Server, to: &Person, acknowledged: &Mutex<Messages>, stop: &AtomicBool) {
    let Ok(mut smtp) = Smtp::try_connect(server.address("lmtp"), true) else { return };
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let subject = unique("backup");
        let filling = format!("{subject} {}\r\n", "x".repeat(number % 70)).repeat(number * 37 % 900);
        let text = format!("{}{filling}", message("load@outside.test", &to.address, &subject));
        // The connection breaks when the server is killed.
        let Ok(reply) = smtp.try_send("load@outside.test", &to.address, &text) else { return };
        if reply.code == 250 {
            acknowledged.lock().unwrap().insert(subject, text);
        }
    }
}

/// Deliver to both people from several sides while `during` runs.
fn under_load<T>(server: &Server, acknowledged: &[Mutex<Messages>; 2], during: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in [0, 0, 1] {
            let (stop, acknowledged) = (&stop, &acknowledged[number]);
            scope.spawn(move || deliver(server, server.user(number + 1), acknowledged, stop));
        }
        let done = during();
        stop.store(true, Ordering::Relaxed);
        done
    })
}

/// Everything that was acknowledged is in the INBOX, whole.
fn compare(server: &Server, person: &Person, expected: &Messages) {
    let mut imap = Imap::login(server, person);
    let exists = imap.ok("SELECT INBOX").exists().unwrap() as usize;
    assert!(exists >= expected.len(), "{}: {exists} messages, not {}", person.address, expected.len());
    let fetched = imap.ok("UID FETCH 1:* (UID BODY.PEEK[])");
    let all: Vec<String> = fetched.untagged.iter().map(|octets| String::from_utf8_lossy(octets).into_owned()).collect();
    for (subject, text) in expected {
        let found = all.iter().filter(|message| message.contains(text.as_str())).count();
        assert_eq!(found, 1, "{}: {subject}", person.address);
    }
}

#[test]
fn a_backup_made_under_load_brings_everything_back() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let at = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let mut server = configured("");
    let acknowledged = [Mutex::default(), Mutex::default()];
    let create = |server: &Server| run(OCTROI, &["backup", "create", &at(&backup), "--with-key", "--config", server.config()]).good();
    let verify = || run(OCTROI, &["backup", "verify", &at(&backup)]).good();
    under_load(&server, &acknowledged, || {
        thread::sleep(Duration::from_millis(500));
        for _ in 0..3 {
            let said = create(&server);
            assert!(said.contains("not in this backup"), "{said}");
        }
    });
    assert!(verify().contains("the backup is sound"));
    // Killed while it makes another: whatever had become of that one, the others are whole and the next is made.
    for pause in [0, 20, 60] {
        under_load(&server, &acknowledged, || {
            thread::sleep(Duration::from_millis(200));
            let mut making = Command::new(OCTROI);
            making.args(["backup", "create", &at(&backup), "--with-key", "--config", server.config()]);
            let mut making = making.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(pause));
            server.kill();
            making.wait().unwrap();
        });
        server = server.killed_and_started_again();
        verify();
    }
    create(&server);
    assert!(verify().contains("the backup is sound"));
    // Without a server, the command opens the store itself.
    assert!(server.stop());
    create(&server);
    let snapshots = run(OCTROI, &["backup", "list", &at(&backup)]).good();
    assert!(snapshots.lines().count() >= 5 && snapshots.contains("with key"), "{snapshots}");

    let data = folder.path().join("restored");
    let said = run(OCTROI, &["backup", "restore", &at(&backup), "--to", &at(&data)]).good();
    assert!(said.contains("not in this backup"), "{said}");
    run(OCTROI, &["backup", "restore", &at(&backup), "--to", &at(&data)]).bad();
    let restored = Server::on(&data, server.people().to_vec());
    for (person, expected) in restored.people().iter().zip(&acknowledged) {
        let expected = expected.lock().unwrap();
        assert!(!expected.is_empty());
        compare(&restored, person, &expected);
    }
    run(OCTROI, &["check", "--config", restored.config()]).good();
    // The restored store goes on in the same backup.
    under_load(&restored, &acknowledged, || drop(create(&restored)));
    verify();
    assert!(run(OCTROI, &["backup", "prune", &at(&backup), "--keep", "1"]).good().contains("snapshots"));
    assert!(verify().contains("the backup is sound"));
    assert_eq!(run(OCTROI, &["backup", "list", &at(&backup)]).good().lines().count(), 1);
}

/// Whoever restores a server need not publish new records: mail is signed with the keys that it had.
#[test]
fn signing_keys_go_along_with_the_key_that_opens_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let server = configured("");
    let config = ["--config", server.config()];
    run(OCTROI, &[&["dkim", "generate", "--now"][..], &config].concat()).good();
    let keys = run(OCTROI, &[&["dkim", "show"][..], &config].concat()).good();
    for (name, with_key) in [("with", true), ("without", false)] {
        let more = if with_key { &["--with-key"][..] } else { &[] };
        run(OCTROI, &[&["backup", "create", &at(name)][..], more, &config].concat()).good();
        assert!(run(OCTROI, &["backup", "verify", &at(name)]).good().contains("the backup is sound"));
        let listed = run(OCTROI, &["backup", "list", &at(name)]).good();
        assert_eq!(listed.contains("with key"), with_key, "{listed}");
        let data = at(&format!("{name}-data"));
        let said = run(OCTROI, &["backup", "restore", &at(name), "--to", &data]).good();
        assert_eq!(said.contains("dkim.keys are sealed under it"), !with_key, "{said}");
        assert_eq!(fs::metadata(Path::new(&data).join("dkim.keys")).unwrap().permissions().mode() & 0o777, 0o600);
        if with_key {
            let restored = Server::on(Path::new(&data), server.people().to_vec());
            assert_eq!(run(OCTROI, &["dkim", "show", "--config", restored.config()]).good(), keys);
        }
    }
}

#[test]
fn one_folder_is_given_back_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup").to_str().unwrap().to_owned();
    let server = configured("");
    let person = server.user(1);
    let mut imap = Imap::login(&server, person);
    let texts: Vec<String> = (0..30).map(|number| message("a@outside.test", &person.address, &format!("kept {number}"))).collect();
    for text in &texts {
        assert!(imap.try_append("INBOX", "\\Flagged $Work", text.as_bytes()).unwrap().is_ok());
    }
    let said = run(OCTROI, &["backup", "create", &backup, "--config", server.config()]).good();
    assert!(said.contains("secret.key is not in this backup"), "{said}");
    // The journal tells moments by the second.
    thread::sleep(Duration::from_millis(1100));
    assert!(imap.try_append("INBOX", "", message("a@outside.test", &person.address, "late").as_bytes()).unwrap().is_ok());
    let late = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    thread::sleep(Duration::from_millis(1100));
    imap.ok("SELECT INBOX");
    imap.ok("STORE 1:* +FLAGS (\\Deleted)");
    imap.ok("EXPUNGE");
    let restore = |more: &[&str]| {
        let whose = ["backup", "restore", &backup, "--account", &person.address, "--config", server.config()];
        run(OCTROI, &[&whose, more].concat())
    };
    let said = restore(&["--folder", "mail/INBOX"]).good();
    assert!(said.contains("30 items"), "{said}");
    let listed = imap.ok("LIST \"\" \"Restored*\"").text();
    let name = listed.lines().find_map(|line| line.split('"').nth(3).filter(|name| name.ends_with("/INBOX"))).expect(&listed).to_owned();
    assert_eq!(imap.ok(&format!("SELECT \"{name}\"")).exists(), Some(30));
    let fetched = imap.ok("FETCH 1:* (FLAGS BODY.PEEK[])").text();
    assert!(texts.iter().all(|text| fetched.contains(text.as_str())), "{fetched}");
    assert_eq!(fetched.matches("\\Flagged").count(), 30);
    assert_eq!(fetched.matches("$Work").count(), 30);
    // Once more changes nothing; in its place, it brings back what is missing there.
    assert!(restore(&["--folder", "mail/INBOX"]).good().contains(": 0 items"));
    assert!(restore(&["--folder", "mail/INBOX", "--in-place"]).good().contains(": 30 items"));
    assert_eq!(imap.ok("SELECT INBOX").exists(), Some(30));
    // A moment between two snapshots: the message that came after the first and had gone before the second.
    run(OCTROI, &["backup", "create", &backup, "--config", server.config()]).good();
    let said = restore(&["--folder", "mail/INBOX", "--at", &late, "--into", "Late"]).good();
    assert!(said.contains(": 31 items"), "{said}");
    assert_eq!(imap.ok("SELECT Late/INBOX").exists(), Some(31));
    // Moments that the backup does not have, and what was not there.
    let said = restore(&["--at", "2001-01-01T00:00:00Z"]).bad();
    assert!(said.contains("the journal begins at"), "{said}");
    let said = restore(&["--at", "2999-01-01T00:00:00Z"]).bad();
    assert!(said.contains("the newest snapshot is of"), "{said}");
    restore(&["--at", "yesterday"]).bad();
    restore(&["--folder", "mail/No Such"]).bad();
    restore(&["--folder", "mail/INBOX", "--snapshot", "19990101T000000Z"]).bad();
    run(OCTROI, &["backup", "restore", &backup, "--account", "nobody@bench.test", "--config", server.config()]).bad();
    run(OCTROI, &["backup", "restore", &backup]).bad();
    let inside = server.data().join("backup");
    run(OCTROI, &["backup", "create", inside.to_str().unwrap(), "--config", server.config()]).bad();
    // Damage is found.
    let files = folder.path().join("backup/files");
    let file =
        fs::read_dir(files).unwrap().map(|entry| entry.unwrap().path()).max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let mut octets = fs::read(&file).unwrap();
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    fs::write(&file, octets).unwrap();
    let said = run(OCTROI, &["backup", "verify", &backup]).bad();
    assert!(said.contains("does not have its hash") && said.contains("the backup is damaged"), "{said}");
    let to = folder.path().join("restored");
    let said = run(OCTROI, &["backup", "restore", &backup, "--to", to.to_str().unwrap()]).bad();
    assert!(said.contains("does not have its hash") && !to.join("journal").exists(), "{said}");
}
