//! LMTP over a socket in the file system: who may connect is up to the file, and each recipient has a reply of its own.

use crate::support::server::{DOMAIN, configured};
use crate::support::unique;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

#[test]
fn each_recipient_is_answered_for_itself() {
    let server = configured("lmtp_socket = \"lmtp.sock\"\nlmtp_socket_mode = \"0600\"\nlmtp_socket_group = \"0\"\n");
    let quota = ["quota", "set", &format!("u2@{DOMAIN}"), "1100", "--config", server.config()];
    crate::support::process::run(crate::support::server::OCTROI, &quota).good();
    let path = server.data().with_file_name("lmtp.sock");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let mut say = |text: &str| stream.write_all(text.as_bytes()).unwrap();
    let subject = unique("local");
    say("LHLO front.test\r\n");
    assert!(lines.next().unwrap().starts_with("220 localhost LMTP"));
    while lines.next().unwrap().starts_with("250-") {}
    say("MAIL FROM:<a@outside.test>\r\n");
    let rcpt = |name: &str| format!("RCPT TO:<{name}@{DOMAIN}>\r\n");
    say(&(rcpt("u1") + &rcpt("nobody") + &rcpt("u2") + &rcpt("u1")));
    let codes: Vec<String> = (0..5).map(|_| lines.next().unwrap()[..9].to_owned()).collect();
    assert_eq!(codes, ["250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "250 2.1.5"]);
    say(&format!("DATA\r\nSubject: {subject}\r\n\r\n{}\r\n.\r\nQUIT\r\n", "x".repeat(2000)));
    assert!(lines.next().unwrap().starts_with("354 "));
    // The second has room for the announcement, none for the message.
    let codes: Vec<String> = (0..4).map(|_| lines.next().unwrap()[..9].to_owned()).collect();
    assert_eq!(codes, ["250 2.0.0", "452 4.2.2", "250 2.0.0", "221 2.0.0"]);
    let mut imap = crate::support::imap::Imap::login(&server, &server.people()[0]);
    imap.ok("SELECT INBOX");
    assert_eq!(imap.search_subject(&subject).len(), 1);
}
