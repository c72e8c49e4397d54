//! mbsync (isync): pulls a mailbox into a Maildir, pushes flags and an own message back, and then finds nothing more to do.

use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::smtp::Smtp;
use crate::support::{Person, Server, message, unique};
use std::fs;
use std::path::{Path, PathBuf};

struct Maildir {
    folder: tempfile::TempDir,
}

impl Maildir {
    fn new(server: &Server, person: &Person) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        let config = format!(
            "IMAPAccount octroi\nHost localhost\nPort {}\nUser {}\nPass \"{}\"\nSSLType IMAPS\nCertificateFile {}\n\n\
             IMAPStore remote\nAccount octroi\n\n\
             MaildirStore local\nPath {}/\nInbox {}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :remote:\nNear :local:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n",
            server.port("imaps"),
            person.address,
            person.app_password,
            server.certificate().display(),
            top.display(),
            top.display()
        );
        fs::write(top.join("mbsyncrc"), config).unwrap();
        Self { folder }
    }

    /// One run.
    fn sync(&self) {
        let config = self.folder.path().join("mbsyncrc");
        run("mbsync", &["-c", config.to_str().unwrap(), "all"]).good();
    }

    /// The names of all messages in both mailboxes: they hold uid and flags.
    fn names(&self) -> Vec<PathBuf> {
        let mut names: Vec<PathBuf> = ["INBOX", "Projets/2026"].into_iter().flat_map(|mailbox| self.find(mailbox, "")).collect();
        names.sort();
        names
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The files of a mailbox whose text contains `text`.
    fn find(&self, mailbox: &str, text: &str) -> Vec<PathBuf> {
        let listed = ["cur", "new"].map(|sub| fs::read_dir(self.path().join(mailbox).join(sub)));
        let files = listed.into_iter().flatten().flatten().map(|entry| entry.unwrap().path());
        files.filter(|file| fs::read_to_string(file).is_ok_and(|t| t.contains(text))).collect()
    }
}

fn deliver(server: &Server, to: &Person, subject: &str) {
    let mut smtp = Smtp::connect(server, "smtp");
    let text = message("someone@outside.test", &to.address, subject);
    assert_eq!(smtp.try_send("someone@outside.test", &to.address, &text).unwrap().code, 250);
}

#[test]
fn pulls_pushes_and_then_rests() {
    let server = Server::demo();
    let person = server.user(1);
    let (seen, gone) = (unique("to-be-read"), unique("to-be-deleted"));
    deliver(&server, person, &seen);
    deliver(&server, person, &gone);
    let mut imap = Imap::login(&server, person);
    imap.ok("CREATE Projets/2026");

    let maildir = Maildir::new(&server, person);
    maildir.sync();
    assert_eq!(maildir.find("INBOX", &format!("Subject: {seen}")).len(), 1);
    assert!(maildir.path().join("Projets/2026/cur").is_dir(), "a mailbox in a mailbox is pulled too");

    // As a mail program on a Maildir would: read one, throw one away, keep a copy of an own message.
    let file = maildir.find("INBOX", &format!("Subject: {seen}")).remove(0);
    rename_with_flags(&file, "RS");
    let file = maildir.find("INBOX", &format!("Subject: {gone}")).remove(0);
    rename_with_flags(&file, "T");
    let own = unique("own");
    let text = message(&person.address, "someone@outside.test", &own).replace("\r\n", "\n");
    fs::write(maildir.path().join("Projets/2026/cur/1700000000.1.client:2,S"), text).unwrap();
    maildir.sync();

    imap.ok("SELECT INBOX");
    let uids = imap.search_subject(&seen);
    let flags = imap.ok(&format!("UID FETCH {} FLAGS", uids[0])).text();
    assert!(flags.contains("\\Seen") && flags.contains("\\Answered"), "{flags}");
    assert!(imap.search_subject(&gone).is_empty(), "what was deleted in the Maildir is gone");
    let selected = imap.ok("SELECT Projets/2026");
    assert_eq!(selected.exists(), Some(1));
    let uids = imap.search_subject(&own);
    assert!(String::from_utf8(imap.body(uids[0])).unwrap().contains(&format!("Body of {own}.\r\n")));

    // Nothing is left to do, on either side, as often as one asks.
    for _ in 0..2 {
        let before = (maildir.names(), on_server(&mut imap));
        maildir.sync();
        assert_eq!((maildir.names(), on_server(&mut imap)), before);
    }
}

/// Uids, flags and counts of both mailboxes.
fn on_server(imap: &mut Imap) -> Vec<String> {
    let mut all = Vec::new();
    for mailbox in ["INBOX", "Projets/2026"] {
        let selected = imap.ok(&format!("EXAMINE {mailbox}"));
        all.push(format!("{:?} {:?}", selected.exists(), selected.number("UIDNEXT")));
        all.extend(
            imap.ok("UID FETCH 1:* (UID FLAGS)").lines().into_iter().filter(|l| l.contains(" FETCH ")).map(|l| l.replace(" \\Recent", "")),
        );
    }
    all
}

fn rename_with_flags(file: &Path, flags: &str) {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let base = name.split(":2,").next().unwrap();
    fs::rename(file, file.parent().unwrap().with_file_name("cur").join(format!("{base}:2,{flags}"))).unwrap();
}
