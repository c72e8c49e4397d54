//! OfflineIMAP: a mailbox and a Maildir kept alike, both ways, with changes on both sides.

use crate::support::imap::Imap;
use crate::support::process::run_in;
use crate::support::{Person, Server, message};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Messages that each side begins with.
const EACH: usize = 100;

struct Synced {
    home: tempfile::TempDir,
}

impl Synced {
    fn new(server: &Server, person: &Person) -> Self {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().display();
        let config = format!(
            "[general]\naccounts = octroi\nmetadata = {top}/metadata\nui = basic\n\n\
             [Account octroi]\nlocalrepository = local\nremoterepository = remote\n\n\
             [Repository local]\ntype = Maildir\nlocalfolders = {top}/mail\n\n\
             [Repository remote]\ntype = IMAP\nremotehost = localhost\nremoteport = {}\nssl = yes\nsslcacertfile = {}\n\
             remoteuser = {}\nremotepass = {}\n",
            server.port("imaps"),
            server.certificate().display(),
            person.address,
            person.app_password,
        );
        fs::write(home.path().join("offlineimaprc"), config).unwrap();
        Self { home }
    }

    fn sync(&self) -> String {
        let home = self.home.path();
        let said = run_in(home, &[("HOME", home.to_str().unwrap())], "", "offlineimap", &["-o", "-c", "offlineimaprc"]).good();
        assert!(!said.contains("ERROR"), "{said}");
        said
    }

    /// Subjects of a folder's messages with their files.
    fn files(&self, folder: &str) -> BTreeMap<String, PathBuf> {
        let mut found = BTreeMap::new();
        for sub in ["cur", "new"] {
            for file in fs::read_dir(self.home.path().join("mail").join(folder).join(sub)).unwrap().map(|entry| entry.unwrap().path()) {
                let text = fs::read_to_string(&file).unwrap();
                let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned();
                assert!(found.insert(subject.clone(), file).is_none(), "{subject} is there twice");
            }
        }
        found
    }
}

/// Subjects on the server with their flags.
fn far(imap: &mut Imap, mailbox: &str) -> BTreeMap<String, String> {
    imap.ok(&format!("EXAMINE {mailbox}"));
    let mut found = BTreeMap::new();
    for line in imap.ok("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").lines().iter().filter(|l| l.contains(" FETCH (")) {
        let subject = line.split("Subject: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_else(|| panic!("{line}")).to_owned();
        let flags = line.split("FLAGS (").nth(1).unwrap().split(')').next().unwrap().replace("\\Recent", "");
        assert!(found.insert(subject.clone(), flags.trim().to_owned()).is_none(), "{subject} is there twice");
    }
    found
}

#[test]
fn keeps_a_mailbox_and_a_maildir_alike() {
    let server = Server::demo();
    let person = server.user(1);
    let mut imap = Imap::login(&server, person);
    imap.ok("CREATE D&AOk-douanement");
    let text = |subject: &str| message("someone@outside.test", &person.address, subject);
    for number in 0..EACH {
        assert!(imap.try_append("INBOX", "", text(&format!("far-{number}")).as_bytes()).unwrap().is_ok());
    }
    let synced = Synced::new(&server, person);
    synced.sync();
    assert_eq!(synced.files("INBOX").len(), EACH);

    // New here; marked and thrown away on either side.
    for number in 0..EACH {
        let file = synced.home.path().join(format!("mail/INBOX/cur/1700000000_{number}.1.client:2,"));
        fs::write(file, text(&format!("near-{number}")).replace("\r\n", "\n")).unwrap();
    }
    let near = synced.files("INBOX");
    let marked = &near["far-1"];
    let name = marked.file_name().unwrap().to_string_lossy().split(":2,").next().unwrap().to_owned();
    fs::rename(marked, synced.home.path().join(format!("mail/INBOX/cur/{name}:2,FS"))).unwrap();
    fs::remove_file(&near["far-2"]).unwrap();
    imap.ok("SELECT INBOX");
    let (answered, gone) = (imap.search_subject("far-33")[0], imap.search_subject("far-44")[0]);
    imap.ok(&format!("UID STORE {answered} +FLAGS.SILENT (\\Answered \\Seen)"));
    imap.ok(&format!("UID STORE {gone} +FLAGS.SILENT (\\Deleted)"));
    imap.ok("EXPUNGE");
    synced.sync();

    let (here, there) = (synced.files("INBOX"), far(&mut imap, "INBOX"));
    assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
    assert_eq!(there.len(), 2 * EACH - 2);
    assert!(there["far-1"].contains("\\Seen") && there["far-1"].contains("\\Flagged"), "{}", there["far-1"]);
    assert!(here["far-33"].to_string_lossy().ends_with(":2,RS"), "{}", here["far-33"].display());
    assert!(!there.contains_key("far-2") && !there.contains_key("far-44"));

    // Nothing is left to do.
    let before = (synced.files("INBOX"), far(&mut imap, "INBOX"));
    let said = synced.sync();
    assert!(!said.contains("Copy message"), "{said}");
    assert_eq!((synced.files("INBOX"), far(&mut imap, "INBOX")), before);
}
