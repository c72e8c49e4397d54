//! NeoMutt in a terminal that nobody looks at: list, read, flag, file, delete, send; and a second look with its header cache, after somebody
//! else was in the mailbox.

use crate::support::imap::Imap;
use crate::support::process::run_in;
use crate::support::{Person, Server, eventually, message, unique};
use std::fs;
use std::path::Path;

/// NeoMutt as somebody's own, with its cache.
struct Mutt {
    home: tempfile::TempDir,
}

impl Mutt {
    fn new(server: &Server, person: &Person) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (imaps, submissions) = (server.port("imaps"), server.port("submissions"));
        let Person { address, app_password, .. } = person;
        let (certificate, cache) = (server.certificate().display(), home.path().join("cache"));
        let settings = format!(
            "set folder=imaps://localhost:{imaps}/ spoolfile=+INBOX record=+Sent postponed=+Drafts trash=+Trash\n\
             set imap_user={address} imap_pass={app_password} smtp_url=smtps://{address}@localhost:{submissions}/ smtp_pass={app_password}\n\
             set send_charset=utf-8 certificate_file={certificate} ssl_force_tls=yes from={address} tmpdir={}\n\
             set header_cache={} imap_condstore=yes imap_qresync=yes mail_check=1 sort=subject\n\
             set confirmappend=no confirmcreate=no delete=yes quit=yes wait_key=no\n",
            home.path().display(),
            cache.display(),
        );
        fs::write(home.path().join("muttrc"), settings).unwrap();
        fs::create_dir(cache).unwrap();
        Self { home }
    }

    /// Press these keys, the last of which ends it; what was on the screen.
    fn press(&self, keys: &str) -> String {
        let home = self.home.path();
        let command = format!("neomutt -n -F {} -e 'push \"{keys}\"'", home.join("muttrc").display());
        let variables = [("HOME", home.to_str().unwrap()), ("LC_ALL", "C.UTF-8"), ("TERM", "xterm"), ("COLUMNS", "120"), ("LINES", "40")];
        run_in(home, &variables, "", "script", &["-qec", &command, "/dev/null"]).good()
    }

    /// Send a text, as a script would.
    fn send(&self, to: &str, subject: &str, text: &str) {
        let home = self.home.path();
        let rc = home.join("muttrc");
        let arguments = ["-n", "-F", rc.to_str().unwrap(), "-s", subject, "--", to];
        run_in(home, &[("HOME", home.to_str().unwrap()), ("LC_ALL", "C.UTF-8")], text, "neomutt", &arguments).good();
    }

    fn cache(&self) -> std::path::PathBuf {
        self.home.path().join("cache")
    }
}

fn append(imap: &mut Imap, flags: &str, subject: &str) {
    let text = message("someone@outside.test", "somebody@bench.test", subject);
    assert!(imap.try_append("INBOX", flags, text.as_bytes()).unwrap().is_ok());
}

fn subjects(imap: &mut Imap, mailbox: &str) -> String {
    imap.ok(&format!("EXAMINE {mailbox}"));
    imap.ok("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").text()
}

/// The flags of the one message with that subject.
fn flags(imap: &mut Imap, mailbox: &str, subject: &str) -> String {
    imap.ok(&format!("EXAMINE {mailbox}"));
    let uids = imap.search_subject(subject);
    assert_eq!(uids.len(), 1, "{subject} in {mailbox}: {uids:?}");
    imap.ok(&format!("UID FETCH {} FLAGS", uids[0])).text()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn reads_files_deletes_and_looks_again() {
    let server = Server::demo();
    let person = server.user(1);
    let mut imap = Imap::login(&server, person);
    imap.ok("CREATE Filed");
    let [kept, filed, thrown, gone, later] = ["kept", "filed", "thrown", "gone", "later"].map(unique);
    for subject in [&kept, &filed, &thrown, &gone] {
        append(&mut imap, "", subject);
    }

    let mutt = Mutt::new(&server, person);
    let screen = mutt.press(&format!(
        "<limit>~s {kept}<enter><display-message><exit><pipe-message>cat >read<enter><flag-message><limit>~s {filed}<enter><save-message>+Filed<enter>\
         <limit>~s {thrown}<enter><delete-message><limit>all<enter><sync-mailbox><quit>"
    ));
    let read = fs::read_to_string(mutt.home.path().join("read")).unwrap_or_else(|e| panic!("{e}: {screen}"));
    assert!(read.contains(&format!("Body of {kept}.")), "{read}");
    let set = flags(&mut imap, "INBOX", &kept);
    assert!(set.contains("\\Seen") && set.contains("\\Flagged"), "{set}");
    flags(&mut imap, "Filed", &filed);
    flags(&mut imap, "Trash", &thrown);
    let left = subjects(&mut imap, "INBOX");
    assert!(!left.contains(&filed) && !left.contains(&thrown) && left.contains(&gone), "{left}");
    assert!(!is_empty(&mutt.cache()), "it keeps headers");

    // Somebody else removes one, answers one, and brings one; the cache knows none of that.
    imap.ok("SELECT INBOX");
    let uid = imap.search_subject(&gone)[0];
    imap.ok(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"));
    imap.ok("EXPUNGE");
    let uid = imap.search_subject(&kept)[0];
    imap.ok(&format!("UID STORE {uid} +FLAGS.SILENT (\\Answered)"));
    append(&mut imap, "", &later);
    let screen = mutt.press("<limit>~Q<enter><save-message>+Filed<enter><limit>all<enter><first-entry><sync-mailbox><quit>");
    assert!(screen.contains(&later) && !screen.contains(&gone), "{screen}");
    let set = flags(&mut imap, "Filed", &kept);
    assert!(set.contains("\\Answered") && set.contains("\\Flagged"), "{set}");
    let left = subjects(&mut imap, "INBOX");
    assert!(left.contains(&later) && !left.contains(&kept), "{left}");
}

#[test]
fn sends_through_submission() {
    let server = crate::support::shared();
    let (from, to) = (server.user(1), server.user(2));
    let subject = unique("mutt");
    Mutt::new(server, from).send(&to.address, &subject, "Sent by NeoMutt, naïvely.\n");
    let mut imap = Imap::login(server, to);
    let uid = eventually(&subject, || {
        imap.ok("SELECT INBOX");
        imap.search_subject(&subject).first().copied()
    });
    let text = String::from_utf8(imap.body(uid)).unwrap();
    assert!(text.contains("Sent by NeoMutt") && text.contains("with ESMTPSA") && text.contains(&from.address), "{text}");
}
