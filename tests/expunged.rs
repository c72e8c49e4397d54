//! Commands about messages that somebody else has expunged, of which the client has not been told yet.

use crate::support::imap::Imap;
use crate::support::{shared, unique};

const MESSAGE: &[u8] = b"Subject: Avis\r\n\r\nx\r\n";

/// One session with these messages open, and another one that expunges them.
struct Both {
    name: String,
    client: Imap,
    other: Imap,
}

impl Both {
    fn with(messages: usize) -> Self {
        let server = shared();
        let person = server.user(2);
        let name = unique("expunged");
        let (mut client, mut other) = (Imap::login(server, person), Imap::login(server, person));
        client.ok(&format!("CREATE {name}"));
        client.ok(&format!("CREATE {name}-aside"));
        for _ in 0..messages {
            assert!(client.try_append(&name, "", MESSAGE).unwrap().is_ok());
        }
        client.ok(&format!("SELECT {name}"));
        other.ok(&format!("SELECT {name}"));
        Self { name, client, other }
    }

    fn expunge(&mut self, uid: u32) {
        self.other.ok(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"));
        self.other.ok("EXPUNGE");
    }
}

/// COPY and MOVE said that they had copied and moved what was no longer there.
#[test]
fn nothing_is_copied_of_what_is_gone_and_that_is_said() {
    let mut both = Both::with(4);
    let aside = format!("{}-aside", both.name);
    both.expunge(1);
    let reply = both.client.command(&format!("COPY 1 {aside}"));
    assert!(reply.status.starts_with("NO [EXPUNGEISSUED]"), "{}", reply.text());
    both.client.ok("NOOP");
    both.expunge(2);
    let reply = both.client.command(&format!("MOVE 1 {aside}"));
    assert!(reply.status.starts_with("NO [EXPUNGEISSUED]"), "{}", reply.text());
    both.client.ok("NOOP");
    // By uid it is no fault to name one that is not there; and those that are there go.
    both.expunge(3);
    assert!(!both.client.ok(&format!("UID COPY 3 {aside}")).text().contains("COPYUID"));
    assert!(both.client.ok(&format!("UID MOVE 3:4 {aside}")).text().contains("COPYUID"));
    assert_eq!(both.client.ok(&format!("STATUS {aside} (MESSAGES)")).number("MESSAGES"), Some(1));
}

/// REPLACE said that there was no mailbox.
#[test]
fn what_is_gone_is_not_replaced() {
    let mut both = Both::with(2);
    let name = both.name.clone();
    both.expunge(1);
    let reply = both.client.command(&format!("REPLACE 1 {name} {{12+}}\r\nSubject: new"));
    assert!(reply.status.starts_with("NO [NONEXISTENT]") && reply.status.contains("message"), "{}", reply.text());
    both.client.ok("NOOP");
    // It goes while its replacement is on the way.
    both.client.wire.send(format!("r REPLACE 1 {name} {{12}}\r\n"));
    assert!(both.client.response().unwrap().starts_with(b"+"));
    both.expunge(2);
    both.client.wire.send("Subject: new\r\n");
    loop {
        let line = String::from_utf8(both.client.response().unwrap()).unwrap();
        if line.starts_with("r ") {
            assert!(line.starts_with("r NO [NONEXISTENT]") && line.contains("message"), "{line}");
            break;
        }
    }
    assert_eq!(both.client.ok(&format!("STATUS {name} (MESSAGES)")).number("MESSAGES"), Some(0));
}
