//! MESSAGELIMIT (RFC 9738): off unless it is set; then each command does what its limit lets it do, and says how far it went.

use crate::support::Server;
use crate::support::imap::Imap;
use crate::support::server::configured;

const MESSAGE: &[u8] = b"Subject: Avis\r\n\r\nx\r\n";

/// Ten messages of which those with uid 3 and 6 have gone: the uids are 1, 2, 4, 5, 7, 8, 9, 10.
fn filled(server: &Server) -> Imap {
    let mut imap = Imap::login(server, server.user(1));
    for _ in 0..10 {
        assert!(imap.try_append("INBOX", "", MESSAGE).unwrap().is_ok());
    }
    imap.ok("SELECT INBOX");
    imap.ok("UID STORE 3,6 +FLAGS.SILENT (\\Deleted)");
    imap.ok("EXPUNGE");
    imap
}

/// The uids of the FETCH responses in their order, and the status.
fn told(imap: &mut Imap, command: &str) -> (Vec<u32>, String) {
    let reply = imap.command(command);
    let uid = |line: &String| line.split_once("UID ").and_then(|(_, rest)| rest.split([' ', ')']).next()?.parse().ok());
    (reply.lines().iter().filter(|line| line.contains(" FETCH (")).filter_map(uid).collect(), reply.status)
}

#[test]
fn a_command_is_about_so_many_messages() {
    let server = configured("[limits.imap]\nmessages_per_command_max = 3\n");
    let mut imap = filled(&server);
    assert!(imap.ok("CAPABILITY").text().contains(" MESSAGELIMIT=3"));

    // RFC 9738 section 3.1, in its order: from the highest to the lowest.
    let (uids, status) = told(&mut imap, "FETCH 1:6 (UID FLAGS)");
    assert_eq!(uids, [8, 7, 5]);
    assert!(status.starts_with("OK [MESSAGELIMIT 3 5] "), "{status}");
    let (uids, status) = told(&mut imap, "UID FETCH 7:* (FLAGS)");
    assert_eq!((uids, status.starts_with("OK [MESSAGELIMIT 3 8]")), (vec![10, 9, 8], true), "{status}");
    assert_eq!(told(&mut imap, "UID FETCH 8:* (FLAGS)").0, [8, 9, 10]);
    assert_eq!(imap.command("UID FETCH 1:* (FLAGS) (PARTIAL -1:-4)").status.split(']').next(), Some("NO [MESSAGELIMIT 3"));
    assert_eq!(told(&mut imap, "UID FETCH 1:* (FLAGS) (PARTIAL -1:-3)").0, [8, 9, 10]);

    let reply = imap.command("UID SEARCH UID 1:8 UNDELETED");
    assert_eq!(reply.lines(), ["* SEARCH 5 7 8"]);
    assert!(reply.status.starts_with("OK [MESSAGELIMIT 3 5] "), "{}", reply.status);
    assert_eq!(imap.ok("UID SEARCH UIDAFTER 8 UNDELETED").lines(), ["* SEARCH 9 10"]);
    // RFC 9738 section 3.4: what is saved is cut as well.
    let reply = imap.command("UID SEARCH RETURN (SAVE) ALL");
    assert!(reply.status.starts_with("OK [MESSAGELIMIT 3 8] "), "{}", reply.status);
    assert_eq!(imap.ok("UID SEARCH RETURN (ALL) UID $").text().matches("ALL 8:10").count(), 1);
    // RFC 9738 section 3.3.
    for command in ["SORT (DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "UID COPY 1:* Trash"] {
        assert!(imap.command(command).status.starts_with("NO [MESSAGELIMIT 3"), "{command}");
    }
    imap.ok("SORT (DATE) UTF-8 UIDBEFORE 5");
    assert_eq!(imap.ok("STATUS Trash (MESSAGES)").number("MESSAGES"), Some(0));

    let (uids, status) = told(&mut imap, "UID STORE 1:5 +FLAGS (\\Seen)");
    assert_eq!((uids, status.starts_with("OK [MESSAGELIMIT 3 2]")), (vec![5, 4, 2], true), "{status}");
    // Where another code stands in the answer, this one comes before it.
    let reply = imap.command("UID STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (\\Flagged)");
    assert!(reply.status.starts_with("OK [MODIFIED ") && reply.text().contains("* NO [MESSAGELIMIT 3 8] "), "{}", reply.text());

    let reply = imap.command("UID MOVE 1:* Trash");
    assert!(reply.text().contains("[COPYUID ") && reply.text().contains(" 8:10 1:3]"), "{}", reply.text());
    assert_eq!(reply.lines().iter().filter(|line| line.ends_with(" EXPUNGE")).count(), 3);
    assert!(reply.status.starts_with("OK [MESSAGELIMIT 3 8] "), "{}", reply.status);

    imap.ok("UID STORE 4:* +FLAGS.SILENT (\\Deleted)");
    imap.ok("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)");
    let reply = imap.command("UID EXPUNGE 1:*");
    assert!(reply.status.starts_with("OK [MESSAGELIMIT 3 4] "), "{}", reply.status);
    for _ in 0..2 {
        assert!(imap.try_append("INBOX", "\\Deleted", MESSAGE).unwrap().is_ok());
    }
    // EXPUNGE and STATUS know no limit.
    assert_eq!(imap.ok("STATUS INBOX (DELETED)").number("DELETED"), Some(4));
    assert_eq!(imap.ok("EXPUNGE").lines().iter().filter(|line| line.ends_with(" EXPUNGE")).count(), 4);

    // RFC 3502: all or none.
    let one = " (\\Seen) {1+}\r\nx";
    assert!(imap.command(&format!("APPEND INBOX{}", one.repeat(4))).status.starts_with("NO [MESSAGELIMIT 3] "));
    assert!(imap.command(&format!("APPEND INBOX{}", one.repeat(3))).is_ok());
    assert_eq!(imap.ok("STATUS INBOX (MESSAGES)").number("MESSAGES"), Some(3));
}

#[test]
fn nobody_is_limited_unasked() {
    let server = crate::support::shared();
    let mut imap = Imap::login(server, server.user(1));
    assert!(!imap.ok("CAPABILITY").text().contains("LIMIT=3") && !imap.ok("CAPABILITY").text().contains("MESSAGELIMIT"));
}
