//! SMTP smuggling (CVE-2023-51764, -51765, -51766, CVE-2026-33604): ends of data that some other server would take for one.
//! Only CRLF `.` CRLF ends a message; a bare CR or LF is refused.

use crate::support::imap::Imap;
use crate::support::smtp::Smtp;
use crate::support::{Server, message, shared, unique};

/// Everything that has been taken for an end of data somewhere.
const NOT_AN_END: &[&str] =
    &["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r\n.\r\r\n", "\r.\r\n", "\r\n\0.\r\n", "\r\n.\0\r\n", "\n\n.\r\n", "\r\r\n.\n"];

/// Send a message with `end` in its middle and, after it, what a smuggler would have run as commands.
fn attempt(server: &Server, service: &str, end: &str) {
    let to = &server.user(5).address;
    let (outer, inner) = (unique("outer"), unique("smuggled"));
    let (mut smtp, from) = match service {
        "submissions" => (Smtp::submission(server, server.user(5)), to.as_str()),
        _ => (Smtp::connect(server, service), "a@outside.test"),
    };
    smtp.expect(&format!("MAIL FROM:<{from}>"), 250);
    smtp.expect(&format!("RCPT TO:<{to}>"), 250);
    smtp.expect("DATA", 354);
    let smuggled = message("boss@outside.test", to, &inner);
    let octets = format!(
        "Subject: {outer}\r\nFrom: <{from}>\r\n\r\nbody{end}MAIL FROM:<boss@outside.test>\r\nRCPT TO:<{to}>\r\nDATA\r\n{smuggled}\r\n.\r\nNOOP\r\n"
    );
    smtp.wire.send(octets);
    let first = smtp.reply().unwrap();
    // With a NUL before or after the dot there is no bare CR or LF: it may be taken as one message, or refused.
    let allowed: &[u16] = if end.contains('\0') { &[250, 550, 554] } else { &[550] };
    assert!(allowed.contains(&first.code), "{service}, {end:?}: {} {}", first.code, first.text);
    let second = smtp.reply().unwrap();
    assert_eq!(second.code, 250, "{service}, {end:?}: only the NOOP may be answered: {} {}", second.code, second.text);
    // The next reply belongs to the next command: nothing was answered in between.
    assert_eq!(smtp.command("HELP").code / 100, 2, "{service}, {end:?}");

    let mut imap = Imap::login(server, server.user(5));
    imap.ok("SELECT INBOX");
    let found = imap.ok(&format!("UID SEARCH FROM boss@outside.test SUBJECT \"{inner}\"")).text();
    assert!(!found.lines().any(|l| l.starts_with("* SEARCH ") && l.len() > "* SEARCH ".len()), "{service}, {end:?} smuggled: {found}");
    let taken = !imap.search_subject(&outer).is_empty();
    assert_eq!(taken, first.code == 250, "{service}, {end:?}: the reply and the mailbox must agree");
}

/// The same octets in one chunk, whose end is counted: nothing in it is a command, and what is no line end is refused.
#[test]
fn a_chunk_holds_no_commands() {
    let server = shared();
    let to = &server.user(5).address;
    for end in NOT_AN_END {
        let mut smtp = Smtp::connect(server, "smtp");
        smtp.expect("MAIL FROM:<a@outside.test>", 250);
        smtp.expect(&format!("RCPT TO:<{to}>"), 250);
        let octets = format!("Subject: {}\r\n\r\nbody{end}RSET\r\nQUIT\r\n", unique("chunk"));
        smtp.wire.send(format!("BDAT {} LAST\r\n{octets}", octets.len()));
        assert_eq!(smtp.reply().unwrap().code, 550, "{end:?}");
        smtp.expect("NOOP", 250);
    }
}

#[test]
fn nothing_but_the_end_of_data_ends_data() {
    for end in NOT_AN_END {
        attempt(shared(), "smtp", end);
        attempt(shared(), "lmtp", end);
        attempt(shared(), "submissions", end);
    }
}

#[test]
fn stuffed_dots_arrive_as_they_were_meant() {
    let server = shared();
    let to = &server.user(5).address;
    let subject = unique("dots");
    let mut smtp = Smtp::connect(server, "smtp");
    let text = format!("Subject: {subject}\r\n\r\n..\r\n...two\r\n..\r\nend\r\n");
    assert_eq!(smtp.try_send("a@outside.test", to, &text).unwrap().code, 250);
    // An empty message ends at once, too.
    smtp.expect("MAIL FROM:<a@outside.test>", 250);
    smtp.expect(&format!("RCPT TO:<{to}>"), 250);
    smtp.expect("DATA", 354);
    let empty = smtp.command(".");
    assert!(empty.code == 250 || empty.code == 550, "{} {}", empty.code, empty.text);

    let mut imap = Imap::login(server, server.user(5));
    imap.ok("SELECT INBOX");
    let uids = imap.search_subject(&subject);
    assert_eq!(uids.len(), 1);
    let body = String::from_utf8(imap.body(uids[0])).unwrap();
    assert!(body.ends_with("\r\n\r\n.\r\n..two\r\n.\r\nend\r\n"), "{body:?}");
}

#[test]
fn octet_by_octet_is_the_same_as_in_one_piece() {
    let server = shared();
    let to = &server.user(5).address;
    let subject = unique("slow");
    let mut smtp = Smtp::connect(server, "smtp");
    smtp.expect("MAIL FROM:<a@outside.test>", 250);
    smtp.expect(&format!("RCPT TO:<{to}>"), 250);
    smtp.expect("DATA", 354);
    for octet in format!("Subject: {subject}\r\n\r\n..\r\n.\r\n").bytes() {
        smtp.wire.send([octet]);
    }
    assert_eq!(smtp.reply().unwrap().code, 250);
    let mut imap = Imap::login(server, server.user(5));
    imap.ok("SELECT INBOX");
    let uids = imap.search_subject(&subject);
    let body = String::from_utf8(imap.body(uids[0])).unwrap();
    assert!(body.ends_with("\r\n\r\n.\r\n"), "{body:?}");
}
