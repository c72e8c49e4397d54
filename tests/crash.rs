//! SIGKILL under load, again and again on the same data folder: everything that was acknowledged is there, whole and once, uids grow,
//! and the counts agree.

use crate::support::http::Http;
use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::smtp::Smtp;
use crate::support::wire::Wire;
use crate::support::{Person, Server, message, unique};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Rounds that `./test` makes, and `./test --full`.
const ROUNDS: u64 = 3;
const ROUNDS_FULL: u64 = 25;
/// Writers of each kind at the same time.
const WRITERS: usize = 2;

/// What the server has acknowledged, by account and then by subject or file name: the octets that were given.
#[derive(Default)]
struct Acknowledged {
    messages: HashMap<String, BTreeMap<String, String>>,
    files: HashMap<String, BTreeMap<String, String>>,
    /// The lock tokens of names that were locked.
    locks: HashMap<String, BTreeMap<String, String>>,
    /// The value of the property that was set last.
    properties: HashMap<String, BTreeMap<String, usize>>,
}

/// One acknowledged act.
enum Act {
    Message { to: String, subject: String, text: String },
    File { of: String, name: String, text: String },
    Lock { of: String, name: String, token: String },
    Property { of: String, name: String, value: usize },
}

impl Acknowledged {
    fn add(&mut self, act: Act) {
        match act {
            Act::Message { to, subject, text } => drop(self.messages.entry(to).or_default().insert(subject, text)),
            Act::File { of, name, text } => drop(self.files.entry(of).or_default().insert(name, text)),
            Act::Lock { of, name, token } => drop(self.locks.entry(of).or_default().insert(name, token)),
            Act::Property { of, name, value } => drop(self.properties.entry(of).or_default().insert(name, value)),
        }
    }
}

/// The next message of a writer; sizes differ, so that some end within a block of the disk and some far beyond.
fn next_message(to: &str, kind: &str, number: usize) -> (String, String) {
    let subject = format!("{}-{kind}", unique("crash"));
    let filler = format!("{subject} line of filling {}\r\n", "x".repeat(number % 60)).repeat(number * 7 % 400);
    (subject.clone(), format!("{}{filler}end of {subject}\r\n", message("load@outside.test", to, &subject)))
}

fn submit(server: &Server, service: &str, to: &Person, acts: &mut Vec<Act>, stop: &AtomicBool) -> io::Result<()> {
    let mut smtp = Smtp::try_connect(server.address(service), service == "lmtp")?;
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (subject, text) = next_message(&to.address, service, number);
        if smtp.try_send("load@outside.test", &to.address, &text)?.code == 250 {
            acts.push(Act::Message { to: to.address.clone(), subject, text });
        }
    }
    Ok(())
}

fn append(server: &Server, to: &Person, acts: &mut Vec<Act>, stop: &AtomicBool) -> io::Result<()> {
    let Ok(mut imap) = Imap::try_login(server, &to.address, &to.app_password) else { return Ok(()) };
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (subject, text) = next_message(&to.address, "append", number);
        if imap.try_append("INBOX", "\\Seen", text.as_bytes())?.is_ok() {
            acts.push(Act::Message { to: to.address.clone(), subject, text });
        }
    }
    Ok(())
}

fn put(server: &Server, of: &Person, acts: &mut Vec<Act>, stop: &AtomicBool) -> io::Result<()> {
    let http = Http::new(server, of);
    let own = unique("file");
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // Every third writes over the one before it: what was acknowledged last counts.
        let name = format!("{own}-{}.txt", if number % 3 == 2 { number - 1 } else { number });
        let text = format!("{name} version {number}\n").repeat(1 + number * 13 % 500);
        let response = http.try_request("PUT", &format!("{}{name}", of.files), &[], text.as_bytes())?;
        if matches!(response.status, 201 | 204) {
            acts.push(Act::File { of: of.address.clone(), name, text });
        } else {
            return Ok(());
        }
    }
    Ok(())
}

/// Names that nothing has, each locked for long; so many in a round, as each is asked for again after it.
fn lock(server: &Server, of: &Person, acts: &mut Vec<Act>, stop: &AtomicBool) -> io::Result<()> {
    const IN_A_ROUND: usize = 40;
    const WISH: &[u8] =
        br#"<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>crash</owner></lockinfo>"#;
    let http = Http::new(server, of);
    let own = unique("lock");
    for number in 0..IN_A_ROUND {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{own}-{number}.txt");
        let response = http.try_request("LOCK", &format!("{}{name}", of.files), &[("Timeout", "Infinite")], WISH)?;
        if let (201, Some(token)) = (response.status, response.header("lock-token")) {
            acts.push(Act::Lock { of: of.address.clone(), name, token: token.to_owned() });
        }
    }
    Ok(())
}

/// Set a property of one document, and one of its folder, higher each time.
fn patch(server: &Server, of: &Person, acts: &mut Vec<Act>, stop: &AtomicBool) -> io::Result<()> {
    let http = Http::new(server, of);
    let (folder, name) = (unique("folder"), "document.txt");
    let (folder, document) = (format!("{folder}/"), format!("{folder}/{name}"));
    http.try_request("MKCOL", &format!("{}{folder}", of.files), &[], b"")?;
    http.try_request("PUT", &format!("{}{document}", of.files), &[], b"content")?;
    for value in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        for name in [&document, &folder] {
            let body = format!(
                r#"<propertyupdate xmlns="DAV:"><set><prop><value xmlns="urn:crash">value {value} {}</value></prop></set></propertyupdate>"#,
                "x".repeat(value * 7 % 500)
            );
            let answer = http.try_request("PROPPATCH", &format!("{}{name}", of.files), &[], body.as_bytes())?;
            if answer.status == 207 && answer.text().contains("200 OK") {
                acts.push(Act::Property { of: of.address.clone(), name: name.clone(), value });
            }
        }
    }
    Ok(())
}

/// Write from all sides, kill the server in the middle, and add what it had acknowledged.
fn load_and_kill(server: Server, pause: Duration, acknowledged: &mut Acknowledged) {
    type Writer = fn(&Server, &Person, &mut Vec<Act>, &AtomicBool) -> io::Result<()>;
    let writers: [(Writer, usize); 6] = [
        (|server, to, acts, stop| submit(server, "smtp", to, acts, stop), 1),
        (|server, to, acts, stop| submit(server, "lmtp", to, acts, stop), 2),
        (append, 3),
        (put, 4),
        (lock, 5),
        (patch, 6),
    ];
    let stop = AtomicBool::new(false);
    let acts: Vec<Act> = thread::scope(|scope| {
        let (server_ref, stop_ref) = (&server, &stop);
        let running: Vec<_> = writers
            .iter()
            .flat_map(|writer| std::iter::repeat_n(*writer, WRITERS))
            .map(|(writer, user)| {
                scope.spawn(move || {
                    let mut acts = Vec::new();
                    // The connection breaks when the server is killed: that is the end that is meant.
                    let _ = writer(server_ref, server_ref.user(user), &mut acts, stop_ref);
                    acts
                })
            })
            .collect();
        thread::sleep(pause);
        server.kill();
        stop.store(true, Ordering::Relaxed);
        running.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    drop(server);
    for act in acts {
        acknowledged.add(act);
    }
}

/// Everything acknowledged for that account is in its INBOX, once and whole. Gives the uid of each subject.
fn check_messages(server: &Server, person: &Person, expected: &BTreeMap<String, String>) -> BTreeMap<String, u32> {
    let mut imap = Imap::login(server, person);
    let selected = imap.ok("SELECT INBOX");
    let (exists, uid_next) = (selected.exists().unwrap(), selected.number("UIDNEXT").unwrap());
    let status = imap.ok("STATUS INBOX (MESSAGES UIDNEXT UNSEEN)");
    assert_eq!(status.number("MESSAGES"), Some(exists), "{}", person.address);
    assert_eq!(status.number("UIDNEXT"), Some(uid_next), "{}", person.address);

    let mut uids = BTreeMap::new();
    let mut last = 0;
    let fetched = imap.ok("UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
    let mut listed = 0;
    for line in fetched.lines().iter().filter(|line| line.contains(" FETCH (")) {
        listed += 1;
        let uid: u32 = line.split("UID ").nth(1).unwrap().split([' ', ')']).next().unwrap().parse().unwrap();
        assert!(uid > last && uid < uid_next, "{}: uid {uid} after {last}, UIDNEXT {uid_next}", person.address);
        last = uid;
        if let Some(subject) = line.split("Subject: ").nth(1).and_then(|rest| rest.split("\r\n").next()) {
            assert!(
                uids.insert(subject.to_owned(), uid).is_none() || !subject.starts_with("crash"),
                "{}: {subject} is there twice",
                person.address
            );
        }
    }
    assert_eq!(listed, exists, "{}: EXISTS and the list disagree", person.address);

    for (subject, text) in expected {
        let uid = uids.get(subject).unwrap_or_else(|| panic!("{}: {subject} was acknowledged and is lost", person.address));
        let body = String::from_utf8_lossy(&imap.body(*uid)).into_owned();
        // SMTP may have put trace lines in front; what was given must follow whole.
        assert!(body.ends_with(text.as_str()), "{}: {subject} is not what was given:\n{body}", person.address);
    }
    // What was not acknowledged may be there, but nothing may be half there.
    for (subject, uid) in uids.iter().filter(|(subject, _)| subject.starts_with("crash") && !expected.contains_key(*subject)) {
        let body = String::from_utf8_lossy(&imap.body(*uid)).into_owned();
        assert!(body.ends_with(&format!("end of {subject}\r\n")), "{}: {subject} is torn", person.address);
    }
    uids
}

fn check_files(server: &Server, person: &Person, expected: &BTreeMap<String, String>) {
    let http = Http::new(server, person);
    for (name, text) in expected {
        let response = http.request("GET", &format!("{}{name}", person.files), &[], b"");
        assert_eq!(response.status, 200, "{}: {name} was acknowledged and is lost", person.address);
        let found = response.text();
        let version = |text: &str| text.lines().next().and_then(|l| l.rsplit(' ').next()).and_then(|n| n.parse::<u64>().ok());
        // An overwrite whose answer was lost in the crash may have been done: then it is there whole.
        let later = version(&found) > version(text) && found.lines().all(|line| Some(line) == found.lines().next());
        assert!(found == *text || later, "{}: {name} is not what was given", person.address);
    }
}

/// Every lock that was acknowledged keeps those away who have no token, and stands for who has it.
fn check_locks(server: &Server, person: &Person, expected: &BTreeMap<String, String>) {
    let http = Http::new(server, person);
    for (name, token) in expected {
        let at = format!("{}{name}", person.files);
        assert_eq!(http.request("PUT", &at, &[], b"x").status, 423, "{}: the lock of {name} was acknowledged and is lost", person.address);
        assert_eq!(http.request("LOCK", &at, &[("If", &format!("({token})"))], b"").status, 200, "{}: {name}", person.address);
    }
}

fn check_properties(server: &Server, person: &Person, expected: &BTreeMap<String, usize>) {
    let http = Http::new(server, person);
    let body = r#"<propfind xmlns="DAV:"><prop><value xmlns="urn:crash"/></prop></propfind>"#;
    for (name, value) in expected {
        let told = http.request("PROPFIND", &format!("{}{name}", person.files), &[("Depth", "0")], body.as_bytes()).text();
        let found = told.split_once(">value ").and_then(|(_, rest)| rest.split([' ', '<']).next()?.parse::<usize>().ok());
        let found = found.unwrap_or_else(|| panic!("{}: the property of {name} was acknowledged and is lost: {told}", person.address));
        // One whose answer was lost may have been set, whole.
        assert!(found >= *value, "{}: {name} has {found} and was acknowledged to have {value}", person.address);
        assert!(told.contains(&format!(">value {found} {}</value>", "x".repeat(found * 7 % 500))), "{told}");
    }
}

fn rounds(count: u64) {
    let folder = tempfile::Builder::new().prefix("octroi-crash-").tempdir().unwrap();
    let data = folder.path().join("data");
    let mut acknowledged = Acknowledged::default();
    let mut known: HashMap<String, BTreeMap<String, u32>> = HashMap::new();
    for round in 0..count {
        let server = Server::demo_on(&data);
        verify(&server, &acknowledged, &mut known);
        // Odd lengths, so that the kill meets another moment each time.
        load_and_kill(server, Duration::from_millis(300 + round * 337 % 900), &mut acknowledged);
    }
    let mut server = Server::demo_on(&data);
    verify(&server, &acknowledged, &mut known);
    let messages: usize = acknowledged.messages.values().map(BTreeMap::len).sum();
    let files: usize = acknowledged.files.values().map(BTreeMap::len).sum();
    let locks: usize = acknowledged.locks.values().map(BTreeMap::len).sum();
    // A server that acknowledges nothing would pass everything above.
    assert!(locks > 2, "only {locks} locks were acknowledged");
    let properties: usize = acknowledged.properties.values().map(BTreeMap::len).sum();
    assert!(properties >= 4, "only {properties} properties were acknowledged");
    assert!(acknowledged.messages.len() == 3 && messages > 20 && files > 2, "only {messages} messages and {files} files were acknowledged");
    assert!(server.stop(), "SIGTERM must end it well");
    check_store(&data);
}

/// Check all accounts, and that no message has moved to another uid since the last time.
fn verify(server: &Server, acknowledged: &Acknowledged, known: &mut HashMap<String, BTreeMap<String, u32>>) {
    for (address, expected) in &acknowledged.messages {
        let person = server.people().iter().find(|p| p.address == *address).unwrap();
        let uids = check_messages(server, person, expected);
        for (subject, uid) in known.get(address).into_iter().flatten() {
            assert_eq!(uids.get(subject), Some(uid), "{address}: {subject} had uid {uid}");
        }
        known.insert(address.clone(), uids);
    }
    for (address, expected) in &acknowledged.files {
        check_files(server, server.people().iter().find(|p| p.address == *address).unwrap(), expected);
    }
    for (address, expected) in &acknowledged.locks {
        check_locks(server, server.people().iter().find(|p| p.address == *address).unwrap(), expected);
    }
    for (address, expected) in &acknowledged.properties {
        check_properties(server, server.people().iter().find(|p| p.address == *address).unwrap(), expected);
    }
}

fn check_store(data: &Path) {
    let config = data.with_file_name("octroi.toml");
    std::fs::write(&config, crate::support::server::configuration(data, "")).unwrap();
    run(crate::support::server::OCTROI, &["check", "--config", config.to_str().unwrap()]).good();
}

#[test]
fn kill_under_load() {
    rounds(ROUNDS);
}

#[test]
#[ignore = "takes minutes: ./test --full"]
fn kill_under_load_many_times() {
    rounds(ROUNDS_FULL);
}

/// The check above can fail: when the end of the journal is cut off behind the server's back, it is noticed, one way or the other.
#[test]
fn a_lost_end_of_the_journal_is_noticed() {
    let folder = tempfile::Builder::new().prefix("octroi-crash-").tempdir().unwrap();
    let data = folder.path().join("data");
    let mut acknowledged = Acknowledged::default();
    load_and_kill(Server::demo_on(&data), Duration::from_secs(1), &mut acknowledged);
    let newest = newest_segment(&data);
    // A segment is made longer ahead of what is written into it: half of what is there must go, not half of the nulls behind it.
    let written = std::fs::read(&newest).unwrap().iter().rposition(|octet| *octet != 0).unwrap() as u64;
    let file = std::fs::File::options().write(true).open(&newest).unwrap();
    file.set_len(written / 2).unwrap();
    let noticed = std::panic::catch_unwind(|| verify(&Server::demo_on(&data), &acknowledged, &mut HashMap::new()));
    assert!(noticed.is_err(), "half of {} is gone and nobody sees it", newest.display());
}

/// The file of the data folder that was written last and is large enough to be one of the journal's.
fn newest_segment(data: &Path) -> PathBuf {
    let mut folders = vec![data.to_path_buf()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.to_string_lossy().contains("journal") || entry.extension().is_some_and(|e| e == "seg") {
                found.push(entry);
            }
        }
    }
    let written = |file: &PathBuf| (file.metadata().unwrap().modified().unwrap(), file.metadata().unwrap().len());
    found.into_iter().max_by_key(written).expect("a segment of the journal")
}

/// A client that never reads must not keep the others from being served, nor the server from ending.
#[test]
fn a_stuck_client_stops_nobody() {
    let mut server = Server::demo();
    let stuck: Vec<Wire> = (0..20).map(|_| Wire::plain(server.address("smtp"))).collect();
    let mut smtp = Smtp::connect(&server, "smtp");
    let to = &server.user(1).address;
    assert_eq!(smtp.try_send("a@outside.test", to, &message("a@outside.test", to, "through")).unwrap().code, 250);
    assert!(server.stop(), "SIGTERM must end it although clients hang");
    drop(stuck);
}
