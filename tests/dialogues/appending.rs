//! Messages on their way in, with every order of literals that are waited for and that are not, and with each of them going wrong: the
//! server and the client must never differ on what is a command, and all messages come or none.

use crate::support::imap::Imap;
use crate::support::wire::Wire;
use crate::support::{shared, unique};

const MESSAGE: &str = "Subject: x\r\n\r\nnoop\r\n";
const MESSAGES: usize = 3;
/// How one message of the command goes wrong: what stands before its literal, and behind it. The first is right.
const KINDS: [(&str, &str); 7] = [
    (" ", ""),
    (" (\\Nonsense) ", ""),
    (" CATENATE (URL \"/nothing/;UID=1\" TEXT ", ")"),
    (" CATENATE (TEXT ", " URL \"/nothing/;UID=1\")"),
    (" UTF8 (~", ")"),
    (" CATENATE (TEXT ", "]"),
    ("  ", ""),
];

struct Client {
    wire: Wire,
    next: u32,
}

impl Client {
    /// Send one APPEND as a client would: it stops where it is answered. Says how it was answered.
    fn append(&mut self, mailbox: &str, messages: &[(&str, &str, bool)]) -> String {
        self.next += 1;
        let tag = format!("t{}", self.next);
        let mut text = format!("{tag} APPEND {mailbox}");
        for (before, behind, waits) in messages {
            let plus = if *waits { "" } else { "+" };
            text = format!("{text}{before}{{{}{plus}}}\r\n", MESSAGE.len());
            if *waits {
                self.wire.send(&text);
                text.clear();
                let answer = self.wire.line();
                if !answer.starts_with('+') {
                    return answer.strip_prefix(&tag).unwrap_or_else(|| panic!("{answer}")).trim().to_owned();
                }
            }
            text = text + MESSAGE + behind;
        }
        self.wire.send(text + "\r\n");
        self.tagged()
    }

    fn command(&mut self, command: &str) -> String {
        self.next += 1;
        self.wire.send(format!("t{} {command}\r\n", self.next));
        self.tagged()
    }

    /// The next line must be the answer to the last command.
    fn tagged(&mut self) -> String {
        let (tag, mut line) = (format!("t{} ", self.next), self.wire.line());
        while line.starts_with('*') {
            line = self.wire.line();
        }
        line.strip_prefix(&tag).unwrap_or_else(|| panic!("{tag}: {line}")).to_owned()
    }
}

#[test]
fn every_order_of_literals_with_every_fault() {
    let server = shared();
    let person = server.user(6);
    let mut owner = Imap::login(server, person);
    let mailbox = unique("orders");
    owner.ok(&format!("CREATE {mailbox}"));
    let mut client = Client { wire: Wire::tls(server.address("imaps"), server.certificate()), next: 0 };
    client.wire.line();
    client.command(&format!("LOGIN {} {}", person.address, person.app_password));
    let mut there = 0;
    for order in 0..1 << MESSAGES {
        for (kind, at) in (0..KINDS.len()).flat_map(|kind| (0..MESSAGES).map(move |at| (kind, at))) {
            let messages: Vec<(&str, &str, bool)> = (0..MESSAGES)
                .map(|number| {
                    let (before, behind) = if number == at { KINDS[kind] } else { KINDS[0] };
                    (before, behind, order >> number & 1 == 1)
                })
                .collect();
            let answer = client.append(&mailbox, &messages);
            assert_eq!(answer.starts_with("OK"), kind == 0, "{messages:?}: {answer}");
            assert!(client.command("NOOP").starts_with("OK"), "{messages:?}: out of step");
            there += if kind == 0 { MESSAGES as u32 } else { 0 };
            let status = owner.ok(&format!("STATUS {mailbox} (MESSAGES)"));
            assert_eq!(status.number("MESSAGES"), Some(there), "{messages:?}");
        }
    }
}

/// As many as a command may bring, one more, and more than is read past.
#[test]
fn no_command_brings_too_many_messages() {
    let server = shared();
    let mut imap = Imap::login(server, server.user(6));
    let mailbox = unique("many");
    imap.ok(&format!("CREATE {mailbox}"));
    let append = |count: usize| format!("APPEND {mailbox}{}", " {3+}\r\nabc".repeat(count));
    assert!(imap.ok(&append(256)).status.contains(" 1:256]"));
    let refused = imap.command(&append(300));
    assert!(refused.status.contains("NO [LIMIT]"), "{}", refused.status);
    assert_eq!(imap.ok(&format!("STATUS {mailbox} (MESSAGES)")).number("MESSAGES"), Some(256));
    let ended = imap.try_command(&append(5000)).map(|reply| reply.text());
    assert!(ended.as_ref().is_err() || ended.as_ref().is_ok_and(|text| text.contains("BYE")), "{ended:?}");
    let mut imap = Imap::login(server, server.user(6));
    assert_eq!(imap.ok(&format!("STATUS {mailbox} (MESSAGES)")).number("MESSAGES"), Some(256));
}

/// A message that is streamed gives the same items, and the same octets to a new one.
#[test]
fn a_large_message_is_looked_into_and_taken_from() {
    let server = shared();
    let mut imap = Imap::login(server, server.user(6));
    let mailbox = unique("large");
    imap.ok(&format!("CREATE {mailbox}"));
    let encoded = "AAECAwQFBgcICQoLDA0ODw==\r\n".repeat(100_000);
    let header = "Message-ID: <large@douane.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let message = format!("{header}--b\r\n\r\nZoll\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}--b--\r\n");
    assert!(imap.try_append(&mailbox, "", message.as_bytes()).unwrap().is_ok());
    imap.ok(&format!("SELECT {mailbox}"));
    let streamed = imap.ok("FETCH 1 (PREVIEW THREADID BODY.PEEK[]<0.10>)").text();
    assert!(streamed.contains("PREVIEW \"Zoll\" THREADID (T") && streamed.contains("BODY[]<0> {10}\r\nMessage-ID"), "{streamed}");
    let decoded = imap.ok("FETCH 1 (BINARY.SIZE[2] BINARY.PEEK[2]<1599998.9> PREVIEW)").text();
    assert!(decoded.contains("BINARY.SIZE[2] 1600000 BINARY[2]<1599998> {2}\r\n\u{e}\u{f} PREVIEW \"Zoll\""), "{decoded}");
    let urls = "URL \";UID=1/;SECTION=HEADER\" URL \";UID=1/;SECTION=TEXT\"";
    imap.ok(&format!("APPEND {mailbox} CATENATE ({urls}) CATENATE (URL \";UID=1/;SECTION=2\") CATENATE ({urls})"));
    let sizes = imap.ok("FETCH 2:4 (RFC822.SIZE EMAILID)").text();
    assert!(sizes.contains(&format!("* 2 FETCH (RFC822.SIZE {} ", message.len())), "{sizes}");
    assert!(sizes.contains(&format!("* 3 FETCH (RFC822.SIZE {} ", encoded.len() - 2)), "{sizes}");
    let id = imap.ok("FETCH 1 EMAILID").text().split_once("EMAILID ").unwrap().1.split_once(')').unwrap().0.to_owned();
    assert_eq!(sizes.matches(&id).count(), 2, "{sizes}");
    // No more URLs than that, and nothing of the message then.
    let many = " URL \";UID=1/;PARTIAL=0.1\"".repeat(257);
    let refused = imap.command(&format!("APPEND {mailbox} CATENATE ({})", many.trim_start()));
    assert!(refused.status.contains("NO [LIMIT]"), "{}", refused.status);
    // A message of more than all may have.
    let refused = imap.command(&format!("APPEND {mailbox} CATENATE ({})", " URL \";UID=1\"".repeat(30).trim_start()));
    assert!(refused.status.contains("NO [TOOBIG]"), "{}", refused.status);
    assert_eq!(imap.ok(&format!("STATUS {mailbox} (MESSAGES)")).number("MESSAGES"), Some(4));
}
