//! `octroi store`: what it says and does, while the server runs and while it does not.

use crate::support::imap::Imap;
use crate::support::process::{Ran, run};
use crate::support::server::{OCTROI, configured};
use crate::support::{Person, Server, unique};
use std::fs;
use std::path::{Path, PathBuf};

fn store(server: &Server, arguments: &[&str]) -> Ran {
    run(OCTROI, &[&["store"], arguments, &["--config", server.config()]].concat())
}

/// Is this text in any file of the journal?
fn in_the_journal(data: &Path, text: &str) -> bool {
    fs::read_dir(data.join("journal")).unwrap().any(|entry| {
        let octets = fs::read(entry.unwrap().path()).unwrap();
        octets.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// Deliver a message whose words can be found in a file: short ones are stored as they come.
fn deliver(imap: &mut Imap, subject: &str) {
    let message = format!("From: a@b.example\r\nSubject: {subject}\r\n\r\nA short message.\r\n");
    assert!(imap.try_append("INBOX", "", message.as_bytes()).unwrap().is_ok());
}

/// A server with two messages in an INBOX; what stands in each and nowhere else.
struct Delivered {
    server: Server,
    data: PathBuf,
    person: Person,
    imap: Imap,
    doomed: String,
    kept: String,
}

fn delivered(options: &str) -> Delivered {
    let server = configured(options);
    let data = Path::new(server.config()).with_file_name("data");
    let person = server.user(1).clone();
    let (doomed, kept) = (unique("doomed"), unique("kept"));
    let mut imap = Imap::try_login(&server, &person.address, &person.app_password).unwrap();
    deliver(&mut imap, &doomed);
    deliver(&mut imap, &kept);
    Delivered { server, data, person, imap, doomed, kept }
}

/// The first segment, and what is in it.
fn segment(data: &Path) -> (PathBuf, Vec<u8>) {
    let path = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    let octets = fs::read(&path).unwrap();
    (path, octets)
}

#[test]
fn what_was_deleted_is_gone_after_a_compaction() {
    let Delivered { mut server, data, mut imap, doomed, kept, .. } = delivered("[store]\nerase_after = \"90d\"\n");
    imap.ok("SELECT INBOX");
    imap.ok("STORE 1 +FLAGS (\\Deleted)");
    imap.ok("EXPUNGE");
    assert!(in_the_journal(&data, &doomed), "only a compaction takes it away");
    let before = store(&server, &["stat", "--segments"]).good();
    assert!(before.contains("last compaction   never") && before.contains("  open"), "{before}");
    let said = store(&server, &["compact", "--all"]).good();
    assert!(said.contains("1 segments written anew"), "{said}");
    assert!(!in_the_journal(&data, &doomed) && in_the_journal(&data, &kept));
    let after = store(&server, &["stat", "--segments"]).good();
    assert!(!after.contains("never") && after.contains("1 of them compacted") && after.contains("of it deleted   0 bytes"), "{after}");
    assert!(imap.ok("FETCH 1 BODY[]").text().contains(&kept));
    assert!(store(&server, &["verify"]).good().contains("the store is sound"));
    // Not while somebody has it open.
    assert!(store(&server, &["rebuild", "index"]).bad().contains("another process has the data folder open"));
    assert!(server.stop());
    assert!(store(&server, &["rebuild", "index"]).good().contains("made anew"));
    assert!(store(&server, &["verify"]).good().contains("the store is sound"));
    assert!(store(&server, &["stat"]).good().contains("1 of them compacted"));
    assert!(store(&server, &["compact"]).good().contains("0 segments written anew"));
}

#[test]
fn a_damaged_store_is_repaired_and_says_what_is_lost() {
    let Delivered { mut server, data, person, imap, doomed, kept } = delivered("[store]\nerase_after = \"90d\"\n");
    drop(imap);
    assert!(store(&server, &["repair"]).bad().contains("another process has the data folder open"));
    assert!(server.stop());
    assert!(store(&server, &["repair"]).good().contains("nothing is damaged"));
    let (segment, mut octets) = segment(&data);
    let at = octets.windows(doomed.len()).position(|window| window == doomed.as_bytes()).unwrap();
    octets[at] ^= 1;
    fs::write(&segment, &octets).unwrap();
    // Without its index it does not open any more.
    fs::remove_file(data.join("index.sqlite")).unwrap();
    assert!(store(&server, &["verify"]).bad().contains("is damaged at byte"));
    let said = store(&server, &["repair"]).bad();
    assert!(said.contains("nothing was changed") && said.contains("a content does not check"), "{said}");
    assert!(said.contains(&format!("lost: {} mail/INBOX, uid 1, of 20", person.address)), "{said}");
    assert_eq!(fs::read(&segment).unwrap(), octets);
    assert!(store(&server, &["repair", "--yes"]).good().contains("done"));
    assert_eq!(fs::read_dir(data.join("damaged")).unwrap().count(), 1);
    assert!(store(&server, &["verify"]).good().contains("the store is sound"));
    let server = server.killed_and_started_again();
    let mut imap = Imap::try_login(&server, &person.address, &person.app_password).unwrap();
    assert_eq!(imap.ok("SELECT INBOX").exists(), Some(1));
    assert!(imap.ok("FETCH 1 BODY[]").text().contains(&kept));
}

/// What headers say is read in groups of many messages; a damaged one in a group made every search of its mailbox fail.
#[test]
fn a_damaged_message_hides_no_other_from_searches() {
    let Delivered { mut server, data, person, imap, doomed, kept } = delivered("");
    drop(imap);
    assert!(server.stop());
    let (segment, mut octets) = segment(&data);
    // Wherever the subject stands: in the facts and in the header.
    while let Some(at) = octets.windows(doomed.len()).position(|window| window == doomed.as_bytes()) {
        octets[at] ^= 1;
    }
    fs::write(&segment, &octets).unwrap();
    let server = server.killed_and_started_again();
    let mut imap = Imap::try_login(&server, &person.address, &person.app_password).unwrap();
    assert_eq!(imap.ok("SELECT INBOX").exists(), Some(2));
    assert!(imap.ok("SEARCH FROM a@b").text().contains("* SEARCH 2\r\n"));
    assert!(imap.ok(&format!("SEARCH SUBJECT {kept}")).text().contains("* SEARCH 2\r\n"));
    assert!(imap.ok("SORT (ARRIVAL SUBJECT) UTF-8 ALL").text().contains("* SORT 1 2\r\n"));
    assert!(imap.ok("THREAD REFERENCES UTF-8 ALL").text().contains("* THREAD (1)(2)\r\n"));
}

#[test]
fn a_store_option_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("octroi.toml");
    for wrong in ["erase_after = \"soon\"", "live_min_percent = 101", "no_such_key = 1"] {
        let text = crate::support::server::configuration(&folder.path().join("data"), &format!("[store]\n{wrong}\n"));
        fs::write(&config, text).unwrap();
        let said = run(OCTROI, &["check", "--config", config.to_str().unwrap()]).bad();
        assert!(said.contains(wrong.split(' ').next().unwrap()), "{said}");
    }
}
