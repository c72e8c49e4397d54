//! mbsync (isync): pulls a mailbox into a Maildir, pushes flags and an own message back, and then finds nothing more to do. Killed in the
//! middle, it or the server, and begun again until it is done, it neither loses a message nor doubles one.

use crate::support::imap::Imap;
use crate::support::process::{Ran, run};
use crate::support::server::configured;
use crate::support::smtp::Smtp;
use crate::support::{PATIENCE, Person, Server, message, unique};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
        self.try_sync().good();
    }

    fn try_sync(&self) -> Ran {
        run("mbsync", &["-c", &self.config(), "all"])
    }

    /// Begin a run that somebody else ends.
    fn begin(&self) -> Child {
        let mut command = Command::new("mbsync");
        command.args(["-q", "-q", "-c", &self.config(), "all"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("isync is installed; ./test installs it")
    }

    fn config(&self) -> String {
        self.folder.path().join("mbsyncrc").to_string_lossy().into_owned()
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

/// Cyrus SASL, by which mbsync logs in, knows SCRAM-SHA-256 and believes no server that does not prove itself.
#[test]
fn logs_in_by_a_proof() {
    let server = Server::demo();
    let maildir = Maildir::new(&server, server.user(1));
    let file = maildir.path().join("mbsyncrc");
    let config = fs::read_to_string(&file).unwrap().replace("SSLType IMAPS", "SSLType IMAPS\nAuthMechs SCRAM-SHA-256");
    fs::write(&file, config).unwrap();
    maildir.sync();
    assert!(maildir.path().join("INBOX/cur").is_dir());
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

/// The mailbox of the long runs: whatever else is delivered meanwhile is not in it.
const LARGE: &str = "Large";

/// How many messages of each side are marked, and how many are deleted: every so many'th.
const MARKED: usize = 5;
const DELETED: usize = 10;

/// One message of the long runs; sizes differ.
fn long_run_message(subject: &str, number: usize) -> String {
    format!("{}{}", message("someone@outside.test", "u1@bench.test", subject), "filling of some length\r\n".repeat(number * 7 % 300))
}

/// `far` messages on the server and `near` ones in the Maildir, which must all be on both sides in the end.
fn fill(server: &Server, maildir: &Maildir, far: usize, near: usize) {
    let mut imap = Imap::login(server, server.user(1));
    imap.ok(&format!("CREATE {LARGE}"));
    for number in 0..far {
        let subject = format!("far-{number:05}");
        let reply = imap.try_append(LARGE, "", long_run_message(&subject, number).as_bytes()).unwrap();
        assert!(reply.is_ok(), "{}", reply.text());
    }
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.path().join(LARGE).join(sub)).unwrap();
    }
    for number in 0..near {
        let text = long_run_message(&format!("near-{number:05}"), number).replace("\r\n", "\n");
        fs::write(maildir.path().join(LARGE).join(format!("cur/1700000000.{number}.client:2,")), text).unwrap();
    }
}

/// How far it has come: what is in the Maildir and what is on the server.
fn progress(imap: &mut Imap, maildir: &Maildir) -> usize {
    let near = ["new", "cur"].map(|sub| fs::read_dir(maildir.path().join(LARGE).join(sub)).map_or(0, Iterator::count));
    let far = imap.ok(&format!("STATUS {LARGE} (MESSAGES)")).number("MESSAGES").unwrap();
    near.iter().sum::<usize>() + far as usize
}

/// Begin a run, and wait until that many messages more are on their other side. `None` if it ended before that.
fn run_until(server: &Server, maildir: &Maildir, more: usize) -> Option<Child> {
    let mut imap = Imap::login(server, server.user(1));
    let wanted = progress(&mut imap, maildir) + more;
    let mut child = maildir.begin();
    let start = Instant::now();
    while progress(&mut imap, maildir) < wanted {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        assert!(start.elapsed() < PATIENCE * 3, "mbsync neither ends nor gets on");
        std::thread::sleep(Duration::from_millis(5));
    }
    Some(child)
}

fn kill(mut child: Child) {
    // It may have ended by itself at this very moment.
    let _ = child.kill();
    let _ = child.wait();
}

/// Wait until the server has done what had come from a client that is gone: mbsync sends many APPENDs without waiting for the answers, and
/// what arrives after the next run has looked is new to that run, so it is sent again. No server could know better.
fn rest(server: &Server) {
    let mut imap = Imap::login(server, server.user(1));
    let mut status = || imap.ok(&format!("STATUS {LARGE} (MESSAGES UIDNEXT)")).lines();
    let mut before = status();
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(500) {
        std::thread::sleep(Duration::from_millis(20));
        let now = status();
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
}

/// The subjects of a side with the flag S (or \Seen), each as often as it is there.
type Side = BTreeMap<String, Vec<bool>>;

fn near_side(maildir: &Maildir) -> Side {
    let mut side = Side::new();
    for file in maildir.find(LARGE, "Subject: ") {
        let text = fs::read_to_string(&file).unwrap();
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned();
        let flags = file.to_string_lossy().rsplit_once(":2,").map_or(String::new(), |(_, flags)| flags.to_owned());
        side.entry(subject).or_default().push(flags.contains('S'));
    }
    side
}

fn far_side(server: &Server) -> Side {
    let mut imap = Imap::login(server, server.user(1));
    let exists = imap.ok(&format!("EXAMINE {LARGE}")).exists().unwrap();
    let mut side = Side::new();
    let fetched = imap.ok("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
    for line in fetched.lines().iter().filter(|line| line.contains(" FETCH (")) {
        let subject = line.split("Subject: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_else(|| panic!("{line}"));
        side.entry(subject.to_owned()).or_default().push(line.contains("\\Seen"));
    }
    assert_eq!(side.values().map(Vec::len).sum::<usize>(), exists as usize);
    side
}

/// What both sides must hold: all messages once, those marked and without those deleted if that has been done.
fn expected(far: usize, near: usize, changed: bool) -> Side {
    let of = |word: &'static str, count| (0..count).map(move |number| (format!("{word}-{number:05}"), number));
    let there = of("far", far).chain(of("near", near)).filter(|(_, number)| !changed || number % DELETED != 0);
    there.map(|(subject, number)| (subject, vec![changed && number % MARKED == 1])).collect()
}

/// Mark and delete: what came from the server in the Maildir, and what came from the Maildir on the server.
fn change(server: &Server, maildir: &Maildir, near: usize) {
    for file in maildir.find(LARGE, "Subject: far-") {
        let text = fs::read_to_string(&file).unwrap();
        let number: usize = text.split("Subject: far-").nth(1).unwrap()[..5].parse().unwrap();
        if number.is_multiple_of(DELETED) {
            rename_with_flags(&file, "T");
        } else if number % MARKED == 1 {
            rename_with_flags(&file, "S");
        }
    }
    let mut imap = Imap::login(server, server.user(1));
    imap.ok(&format!("SELECT {LARGE}"));
    let mut uids = BTreeMap::new();
    let fetched = imap.ok("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
    for line in fetched.lines().iter().filter(|line| line.contains("Subject: near-")) {
        let number: usize = line.split("Subject: near-").nth(1).unwrap()[..5].parse().unwrap();
        uids.insert(number, line.split("UID ").nth(1).unwrap().split([' ', ')']).next().unwrap().to_owned());
    }
    assert_eq!(uids.len(), near);
    let set =
        |wanted: fn(usize) -> bool| uids.iter().filter(|(n, _)| wanted(**n)).map(|(_, uid)| uid.clone()).collect::<Vec<_>>().join(",");
    imap.ok(&format!("UID STORE {} +FLAGS.SILENT (\\Seen)", set(|n| n % MARKED == 1)));
    imap.ok(&format!("UID STORE {} +FLAGS.SILENT (\\Deleted)", set(|n| n % DELETED == 0)));
    imap.ok("EXPUNGE");
}

/// Again until it is done, then both sides hold what they must and a further run does nothing.
fn finish(server: &Server, maildir: &Maildir, expected: &Side) {
    // What the run before this one left half done may end a run with an error; the one after that must not.
    if !maildir.try_sync().ok {
        maildir.sync();
    }
    for (name, side) in [("the Maildir", near_side(maildir)), ("the server", far_side(server))] {
        let wrong: Vec<_> = expected.iter().filter(|(subject, there)| side.get(*subject) != Some(there)).take(5).collect();
        assert!(wrong.is_empty(), "{name} should hold {wrong:?}; {:?}", wrong.iter().map(|(s, _)| side.get(*s)).collect::<Vec<_>>());
        let more: Vec<_> = side.keys().filter(|subject| !expected.contains_key(*subject)).take(5).collect();
        assert!(more.is_empty(), "{name} should not hold {more:?}");
    }
}

/// SIGKILL for mbsync, again and again while it pulls, pushes, marks and expunges.
fn mbsync_is_killed(far: usize, near: usize) {
    let server = Server::demo();
    let maildir = Maildir::new(&server, server.user(1));
    fill(&server, &maildir, far, near);
    let mut killed = 0;
    for _ in 0..4 {
        if let Some(child) = run_until(&server, &maildir, (far + near) / 6) {
            kill(child);
            rest(&server);
            killed += 1;
        }
    }
    assert!(killed >= 2, "it was killed in the middle only {killed} times");
    finish(&server, &maildir, &expected(far, near, false));
    change(&server, &maildir, near);
    for pause in [20, 60, 120] {
        let child = maildir.begin();
        std::thread::sleep(Duration::from_millis(pause));
        kill(child);
        rest(&server);
    }
    finish(&server, &maildir, &expected(far, near, true));
}

/// SIGKILL for the server while mbsync pulls and pushes; mbsync sees the connection break and is begun again.
fn the_server_is_killed(far: usize, near: usize) {
    let mut server = configured("");
    let maildir = Maildir::new(&server, server.user(1));
    fill(&server, &maildir, far, near);
    let mut killed = 0;
    for _ in 0..4 {
        let Some(mut child) = run_until(&server, &maildir, (far + near) / 6) else { continue };
        server.kill();
        killed += usize::from(!child.wait().unwrap().success());
        server = server.killed_and_started_again();
    }
    assert!(killed >= 2, "it was killed in the middle only {killed} times");
    finish(&server, &maildir, &expected(far, near, false));
    change(&server, &maildir, near);
    let mut child = maildir.begin();
    std::thread::sleep(Duration::from_millis(60));
    server.kill();
    let _ = child.wait();
    server = server.killed_and_started_again();
    finish(&server, &maildir, &expected(far, near, true));
}

#[test]
fn killed_in_the_middle_it_loses_and_doubles_nothing() {
    mbsync_is_killed(300, 200);
}

#[test]
#[ignore = "slow: ./test --full"]
fn killed_in_the_middle_of_thousands_it_loses_and_doubles_nothing() {
    mbsync_is_killed(3_000, 2_000);
}

#[test]
fn when_the_server_is_killed_nothing_is_lost_or_doubled() {
    the_server_is_killed(300, 200);
}

#[test]
#[ignore = "slow: ./test --full"]
fn when_the_server_is_killed_over_thousands_nothing_is_lost_or_doubled() {
    the_server_is_killed(3_000, 2_000);
}
