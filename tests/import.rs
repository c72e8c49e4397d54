//! `octroi import`: a Maildir and an mbox come over with all they know, into a running server and into a store that nobody serves; what was
//! interrupted is brought to its end without a message twice.

use crate::support::imap::Imap;
use crate::support::process::{Ran, run};
use crate::support::server::{OCTROI, configured};
use crate::support::{Person, Server, eventually, shared, unique};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

const ADDRESS: &str = "u1@bench.test";

fn import(at: (&str, &str), arguments: &[&str]) -> Ran {
    run(OCTROI, &[&["import", ADDRESS], arguments, &[at.0, at.1]].concat())
}

fn data(server: &Server) -> (&'static str, &str) {
    ("--data", server.data().to_str().unwrap())
}

fn put(folder: &Path, at: &str, text: &[u8]) {
    let path = folder.join(at);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    let date = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::options().append(true).open(&path).unwrap().set_modified(date).unwrap();
}

/// An mbox of small messages with subjects `{word}-0` and so on. The first two are the same, octet by octet.
fn mbox(word: &str, count: usize) -> String {
    let message = |n: usize| format!("From a@b Mon Jun  1 08:00:00 2026\nStatus: RO\nSubject: {word}-{n}\n\ntext of {n}\n\n");
    (0..count).map(|n| message(n.max(1))).collect()
}

/// How often each subject is in a mailbox.
fn subjects(server: &Server, person: &Person, mailbox: &str) -> BTreeMap<String, usize> {
    let mut imap = Imap::login(server, person);
    if imap.ok(&format!("SELECT {mailbox}")).exists() == Some(0) {
        return BTreeMap::new();
    }
    let mut found = BTreeMap::new();
    for line in imap.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").lines() {
        if let Some((_, subject)) = line.split_once("Subject: ") {
            *found.entry(subject.split("\r\n").next().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
    }
    found
}

/// Each message of [`mbox`] is there just as often as in the file, whatever happened on the way.
#[track_caller]
fn assert_whole(server: &Server, person: &Person, mailbox: &str, word: &str, count: usize) {
    let found = subjects(server, person, mailbox);
    let wanted: BTreeMap<String, usize> = (1..count).map(|n| (format!("{word}-{n}"), if n == 1 { 2 } else { 1 })).collect();
    let wrong: Vec<_> = wanted.iter().filter(|(subject, times)| found.get(*subject) != Some(times)).take(5).collect();
    assert!(wrong.is_empty() && found.len() == wanted.len(), "{} subjects; {wrong:?} are not there as often", found.len());
}

#[test]
fn a_maildir_keeps_folders_flags_and_dates() {
    let (server, folder, top) = (shared(), tempfile::tempdir().unwrap(), unique("maildir"));
    let at = folder.path();
    put(at, "cur/1700000001.one:2,RSPa", b"Subject: one\n\nFirst.\n");
    put(at, "new/1700000002.two", b"Subject: two\r\n\r\nSecond.\r\n");
    put(at, "dovecot-keywords", b"0 $Label1\n");
    put(at, ".Dossiers.Acc&AOk-s/cur/1700000003.three:2,F", b"Subject: three\n\nThird.\n");
    put(at, "cur/1700000004.empty:2,", b"");
    // Larger than what is held in memory on the way.
    let large = [&b"Subject: large\r\n\r\n"[..], &b"line of filling\r\n".repeat(100_000)].concat();
    put(at, ".Large/new/1700000005.large", &large);
    let said = import(data(server), &["--maildir", at.to_str().unwrap(), "--into", &top]).bad();
    assert!(said.contains("4 of 5 messages were imported, 1 were stepped over"), "{said}");
    assert!(said.contains("1700000004.empty") && said.contains("it is empty"), "{said}");

    let mut imap = Imap::login(server, server.user(1));
    assert_eq!(imap.ok(&format!("SELECT {top}")).exists(), Some(2));
    let fetched = imap.ok("FETCH 1:2 (FLAGS INTERNALDATE)").text();
    let first = fetched.lines().find(|l| l.starts_with("* 1 ")).unwrap();
    for flag in ["\\Answered", "\\Seen", "$Forwarded", "$Label1", "14-Nov-2023 22:13:20 +0000"] {
        assert!(first.contains(flag), "{flag} is not in {first}");
    }
    assert!(!fetched.lines().find(|l| l.starts_with("* 2 ")).unwrap().contains("\\Seen"), "{fetched}");
    assert_eq!(imap.body(1), b"Subject: one\r\n\r\nFirst.\r\n");
    imap.ok(&format!("SELECT {top}/Dossiers/Acc&AOk-s"));
    assert_eq!(imap.body(1), b"Subject: three\r\n\r\nThird.\r\n");
    imap.ok(&format!("SELECT {top}/Large"));
    assert_eq!(imap.body(1), large);
    assert!(imap.ok("LSUB \"\" *").text().contains(&format!("{top}/Dossiers/Acc&AOk-s")), "what came is subscribed to");
    let audit = run(OCTROI, &["audit", "--data", server.data().to_str().unwrap(), "--lines", "1000"]).good();
    assert!(audit.lines().any(|l| l.contains("import") && l.contains(&top) && l.contains("2 messages")), "{audit}");
}

/// `Sent Items` and `Spam` of other programs are Sent and Junk here; an mbox goes into a store that nobody serves, and is served afterwards.
#[test]
fn a_store_that_nobody_serves_takes_an_import() {
    let mut server = configured("");
    let folder = tempfile::tempdir().unwrap();
    let (file, maildir) = (folder.path().join("mbox"), folder.path().join("maildir"));
    fs::write(&file, mbox("alone", 3)).unwrap();
    put(&maildir, ".Sent Items/cur/1700000001.one:2,S", b"Subject: sent\n\n\n");
    put(&maildir, ".Spam/cur/1700000001.one:2,", b"Subject: spam\n\n\n");
    fs::create_dir_all(maildir.join("cur")).unwrap();
    let config = server.config().to_owned();
    assert!(server.stop());
    let at = ("--config", &*config);
    let said = import(at, &["--mbox", file.to_str().unwrap()]).good();
    assert!(said.contains("3 of 3 messages were imported"), "{said}");
    let said = import(at, &["--mbox", file.to_str().unwrap(), "--resume"]).good();
    assert!(said.contains("0 of 3 messages were imported, 3 were there already"), "{said}");
    import(at, &["--maildir", maildir.to_str().unwrap()]).good();
    let server = server.killed_and_started_again();
    assert_whole(&server, server.user(1), "INBOX", "alone", 3);
    assert_eq!(subjects(&server, server.user(1), "Sent").len(), 1);
    assert_eq!(subjects(&server, server.user(1), "Junk").len(), 1);
    let mut imap = Imap::login(&server, server.user(1));
    imap.ok("SELECT INBOX");
    let fetched = imap.ok("FETCH 1 (FLAGS INTERNALDATE)").text();
    assert!(fetched.contains("\\Seen") && fetched.contains("1-Jun-2026 08:00:00 +0000"), "{fetched}");
    assert!(!String::from_utf8_lossy(&imap.body(1)).contains("Status"));
}

#[test]
fn what_cannot_be_is_said() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let file = folder.path().join("mbox");
    fs::write(&file, "no mbox\n").unwrap();
    let name = file.to_str().unwrap();
    assert!(import(data(server), &["--mbox", name]).bad().contains("is no mbox"));
    assert!(import(data(server), &["--maildir", folder.path().to_str().unwrap()]).bad().contains("is no Maildir"));
    import(data(server), &["--mbox", "/no/such/file"]).bad();
    import(data(server), &["--mbox", name, "--maildir", name]).bad();
    fs::write(&file, mbox("x", 1)).unwrap();
    import(data(server), &["--mbox", name, "--into", "a//b"]).bad();
    let said = run(OCTROI, &["import", "nobody@bench.test", "--mbox", name, data(server).0, data(server).1]).bad();
    assert!(said.contains("there is no account nobody@bench.test"), "{said}");
}

/// The sender goes away between two batches and in the middle of one, as `kill -9` does it: whole batches stay, half a batch leaves
/// nothing, and a second run adds just the rest.
#[test]
fn half_a_batch_leaves_nothing_and_the_rest_is_resumed() {
    let (server, folder, word) = (shared(), tempfile::tempdir().unwrap(), unique("half"));
    let file = folder.path().join("mbox");
    fs::write(&file, mbox(&word, 6)).unwrap();
    let message = |n: usize| format!("Subject: {word}-{n}\r\n\r\ntext of {n}\r\n");
    let batch = |numbers: &[usize]| {
        let heads: Vec<String> =
            numbers.iter().map(|n| format!(r#"{{"bytes":{},"flags":1,"keywords":[],"date":1}}"#, message(*n).len())).collect();
        let octets: String = numbers.iter().map(|n| message(*n)).collect();
        (format!("{{\"into\":[\"{word}\"],\"messages\":[{}]}}\n", heads.join(",")), octets)
    };
    let mut socket = UnixStream::connect(server.data().join("admin.sock")).unwrap();
    socket.write_all(format!("{{\"do\":\"import\",\"address\":\"{ADDRESS}\",\"resume\":false}}\n").as_bytes()).unwrap();
    let (head, octets) = batch(&[1, 2]);
    socket.write_all(format!("{head}{octets}").as_bytes()).unwrap();
    let (head, octets) = batch(&[3, 4]);
    socket.write_all(format!("{head}{}", &octets[..octets.len() - 1]).as_bytes()).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 3 && lines[1].contains("\"added\":2") && lines[2].contains("failed"), "{said}");
    assert_eq!(subjects(server, server.user(1), &word).len(), 2);

    let said = import(data(server), &["--mbox", file.to_str().unwrap(), "--into", &word, "--resume"]).good();
    // The file has the first message twice: one of them was there.
    assert!(said.contains("4 of 6 messages were imported, 2 were there already"), "{said}");
    assert_whole(server, server.user(1), &word, &word, 6);
}

/// The server is killed under an import as soon as something of it can be seen. Wherever that hits: what comes of a second run is whole.
#[test]
fn an_import_survives_the_servers_death() {
    const MESSAGES: usize = 6000;
    let server = configured("");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mbox");
    fs::write(&file, mbox("killed", MESSAGES)).unwrap();
    let mbox = ["--mbox", file.to_str().unwrap(), "--into", "Old"];
    let mut running = Command::new(OCTROI)
        .args([&["import", ADDRESS], &mbox[..], &["--data", server.data().to_str().unwrap()]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut imap = Imap::login(&server, server.user(1));
    eventually("something to be imported", || imap.command("STATUS Old (MESSAGES)").number("MESSAGES").filter(|n| *n > 0));
    server.kill();
    running.wait().unwrap();
    let server = server.killed_and_started_again();
    let before: usize = subjects(&server, server.user(1), "Old").values().sum();
    let said = import(("--config", server.config()), &[&mbox[..], &["--resume"]].concat()).good();
    assert!(said.contains(&format!("{} of {MESSAGES} messages were imported", MESSAGES - before)), "{before} were there: {said}");
    assert_whole(&server, server.user(1), "Old", "killed", MESSAGES);
}

/// Ctrl-C lets what is under way arrive, says so, and fails; the rest comes with a second run.
#[test]
fn an_interrupted_import_is_resumed() {
    const MESSAGES: usize = 6000;
    let (server, folder, word) = (shared(), tempfile::tempdir().unwrap(), unique("interrupted"));
    let file = folder.path().join("mbox");
    fs::write(&file, mbox(&word, MESSAGES)).unwrap();
    let mbox = ["--mbox", file.to_str().unwrap(), "--into", &word];
    let running = Command::new(OCTROI)
        .args([&["import", ADDRESS], &mbox[..], &["--data", server.data().to_str().unwrap()]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut imap = Imap::login(server, server.user(1));
    eventually("something to be imported", || imap.command(&format!("STATUS {word} (MESSAGES)")).number("MESSAGES").filter(|n| *n > 0));
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let there: usize = subjects(server, server.user(1), &word).values().sum();
    assert!(said.contains(&format!("{there} of {MESSAGES} messages were imported")), "{there} are there: {said}");
    // Where the import was quicker than the signal, nothing was left to interrupt.
    assert!(there == MESSAGES || !ended.status.success() && said.contains("--resume"), "{said}");
    import(data(server), &[&mbox[..], &["--resume"]].concat()).good();
    assert_whole(server, server.user(1), &word, &word, MESSAGES);
}
