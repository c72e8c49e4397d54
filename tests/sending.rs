//! What a profile lets its people send, over the wire: in whose name, to how many within an hour, and how large a file.

use crate::support::http::base64;
use crate::support::imap::Imap;
use crate::support::server::{configured_with_profiles, plain_profile};
use crate::support::smtp::Smtp;
use crate::support::{Server, message, unique};

const LIMITS: &str = "send_to = \"anyone\"\nrecipients_per_hour = 5\nattachment_bytes_max = \"10K\"";

const SEND_AS_OTHERS: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "mail/INBOX"
rights = "2"
[[profile.plain.action]]
action = "share"
with = ["accounts"]
"#;

const SEND_AS: &str = r#"
[[profile.plain.action]]
action = "send-as"
as = ["*@bench.test"]
"#;

/// With these rules too.
fn configured(more: &str) -> Server {
    configured_with_profiles(&plain_profile(LIMITS, "*", &format!("{SEND_AS_OTHERS}{more}")), "")
}

/// The reply to a message with those senders; what was begun is forgotten.
fn sent(smtp: &mut Smtp, envelope: &str, header: &str, to: &str, subject: &str) -> u16 {
    let code = smtp.try_send(envelope, to, &message(header, to, subject)).unwrap().code;
    smtp.expect("RSET", 250);
    code
}

/// Both are needed: the profile's rule, and the owner's word on the INBOX. Then the name may stand in the envelope and in the header.
#[test]
fn one_sends_as_another_with_the_rule_and_the_right_only() {
    let server = configured(SEND_AS);
    let (owner, deputy) = (server.user(1), server.user(2));
    let (chief, own) = (&owner.address, &deputy.address);
    let mut smtp = Smtp::submission(&server, deputy);
    assert_eq!(smtp.command(&format!("MAIL FROM:<{chief}>")).code, 550, "the rule alone");
    assert_eq!(sent(&mut smtp, own, chief, own, &unique("forged")), 550, "the rule alone, in the header");

    let mut imap = Imap::login(&server, owner);
    imap.ok(&format!("SETACL INBOX {own} 2"));
    assert!(imap.ok("GETACL INBOX").text().contains(&format!("{own} 2")));
    let (first, second) = (unique("as"), unique("as"));
    assert_eq!(sent(&mut smtp, chief, chief, chief, &first), 250);
    assert_eq!(sent(&mut smtp, own, chief, chief, &second), 250);
    imap.ok("SELECT INBOX");
    assert_eq!((imap.search_subject(&first).len(), imap.search_subject(&second).len()), (1, 1));
    // It opens nothing to read, and nobody else's name.
    assert!(Imap::login(&server, deputy).command(&format!("SELECT \"Shared/{chief}/INBOX\"")).status.starts_with("NO [NONEXISTENT]"));
    assert_eq!(smtp.command("MAIL FROM:<nobody@elsewhere.test>").code, 550);

    // Withdrawn, on a connection that is open.
    imap.ok(&format!("SETACL INBOX {own} -2"));
    assert_eq!(smtp.command(&format!("MAIL FROM:<{chief}>")).code, 550, "nothing but the rule any more");
}

#[test]
fn the_right_without_a_rule_lets_nobody_send_as_another() {
    let server = configured("");
    let (owner, deputy) = (server.user(1), server.user(2));
    Imap::login(&server, owner).ok(&format!("SETACL INBOX {} 2", deputy.address));
    let mut smtp = Smtp::submission(&server, deputy);
    assert_eq!(smtp.command(&format!("MAIL FROM:<{}>", owner.address)).code, 550);
    assert_eq!(sent(&mut smtp, &deputy.address, &owner.address, &deputy.address, &unique("forged")), 550);
}

/// The hour's limit is told as a thing of now, so that the program keeps the message.
#[test]
fn recipients_within_an_hour_are_limited() {
    let server = configured("");
    let (person, other) = (server.user(1), server.user(2));
    let rcpt = format!("RCPT TO:<{}>", other.address);
    let mut smtp = Smtp::submission(&server, person);
    for _ in 0..5 {
        smtp.expect(&format!("MAIL FROM:<{}>", person.address), 250);
        smtp.expect(&rcpt, 250);
        smtp.expect("RSET", 250);
    }
    smtp.expect(&format!("MAIL FROM:<{}>", person.address), 250);
    let refused = smtp.expect(&rcpt, 450);
    assert!(refused.text.starts_with("4.7.1 ") && refused.text.contains("within an hour"), "{}", refused.text);
    // Another connection is no way round, and nobody else is held to it.
    let mut again = Smtp::submission(&server, person);
    again.expect(&format!("MAIL FROM:<{}>", person.address), 250);
    again.expect(&rcpt, 450);
    let mut another = Smtp::submission(&server, other);
    another.expect(&format!("MAIL FROM:<{}>", other.address), 250);
    another.expect(&rcpt, 250);
}

#[test]
fn too_large_an_attachment_is_not_taken() {
    let server = configured("");
    let (person, other) = (server.user(1), server.user(2));
    let mut smtp = Smtp::submission(&server, person);
    let with_file = |subject: &str, bytes: usize| {
        let lines: String =
            base64(&vec![7; bytes]).as_bytes().chunks(76).map(|line| format!("{}\r\n", str::from_utf8(line).unwrap())).collect();
        format!(
            "From: <{}>\r\nTo: <{}>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\n\r\n{}\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{lines}--b--\r\n",
            person.address,
            other.address,
            "A long text is no attachment.\r\n".repeat(1000)
        )
    };
    let (large, small) = (unique("large"), unique("small"));
    let refused = smtp.try_send(&person.address, &other.address, &with_file(&large, 10 * 1024 + 1)).unwrap();
    assert_eq!((refused.code, refused.text.split(' ').next()), (552, Some("5.3.4")), "{}", refused.text);
    // The limit is on the file as it will be saved, not as it travels.
    assert_eq!(smtp.try_send(&person.address, &other.address, &with_file(&small, 10 * 1024)).unwrap().code, 250);
    let mut imap = Imap::login(&server, other);
    imap.ok("SELECT INBOX");
    assert_eq!((imap.search_subject(&large).len(), imap.search_subject(&small).len()), (0, 1));
    // Mail from elsewhere is not held to the profile of whom it is for.
    let from_outside = unique("outside");
    let mut inbound = Smtp::connect(&server, "smtp");
    assert_eq!(inbound.try_send("a@outside.test", &other.address, &with_file(&from_outside, 20 * 1024)).unwrap().code, 250);
}
