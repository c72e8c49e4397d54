//! What people share over the protocols, and what becomes of it when it is withdrawn.

use crate::support::imap::Imap;
use crate::support::server::{configured_with_profiles, plain_profile};
use crate::support::{shared, unique};
use std::time::{Duration, Instant};

/// An open connection must not go on reading what is not shared any more, though its client says nothing.
#[test]
fn a_live_idle_loses_a_revoked_share_within_a_second() {
    let server = shared();
    let (lead, agent) = (server.with_profile("team-lead"), server.with_profile("agent"));
    let name = unique("idle");
    let mut owner = Imap::login(server, lead);
    owner.ok(&format!("CREATE {name}"));
    owner.ok(&format!("SETACL {name} {} lr", agent.address));

    let mut sharee = Imap::login(server, agent);
    sharee.ok(&format!("SELECT \"Shared/{}/{name}\"", lead.address));
    sharee.wire.send("i IDLE\r\n");
    assert_eq!(sharee.wire.line(), "+ idling");
    // It is really open: what arrives is told.
    owner.try_append(&name, "", b"Subject: x\r\n\r\nx\r\n").unwrap();
    assert_eq!(sharee.wire.line(), "* 1 EXISTS");
    sharee.wire.line();

    let begun = Instant::now();
    owner.ok(&format!("DELETEACL {name} {}", agent.address));
    // No more word of what is in it.
    assert_eq!(sharee.wire.line(), "* BYE The mailbox is no longer available");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(sharee.wire.rest().unwrap().is_empty());
    let mut again = Imap::login(server, agent);
    assert!(again.command(&format!("SELECT \"Shared/{}/{name}\"", lead.address)).status.starts_with("NO [NONEXISTENT]"));
}

/// Nobody has to log in again to see what was shared with them, or to lose it.
#[test]
fn a_share_is_there_at_once_on_a_connection_that_is_open() {
    let server = shared();
    let (lead, agent) = (server.with_profile("team-lead"), server.with_profile("agent"));
    let name = unique("shared");
    let (mut owner, mut sharee) = (Imap::login(server, lead), Imap::login(server, agent));
    let path = format!("Shared/{}/{name}", lead.address);
    let mut listed = || sharee.ok(&format!("LIST \"\" \"{path}\"")).untagged.len();
    owner.ok(&format!("CREATE {name}"));
    assert_eq!(listed(), 0);
    owner.ok(&format!("SETACL {name} {} lr", agent.address));
    assert_eq!(listed(), 1);
    owner.ok(&format!("SETACL {name} {} -l", agent.address));
    assert_eq!(listed(), 0);
    // By way of the group of everybody who works as an agent.
    owner.ok(&format!("SETACL {name} profile:agent +l"));
    assert_eq!(listed(), 1);
    owner.ok(&format!("DELETEACL {name} profile:agent"));
    assert_eq!(listed(), 0);
    assert!(sharee.ok("NAMESPACE").text().contains("((\"Shared/\" \"/\"))"));
}

const READ_BY_OTHERS: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "mail/**"
rights = "lrswi"
[[profile.plain.action]]
action = "share"
with = ["accounts"]
"#;

/// Python's imaplib raises on READ-ONLY when it asked for more: a profile may say it the milder way, and nothing more can be done.
#[test]
fn a_profile_opens_what_is_to_read_only_the_milder_way() {
    let server = configured_with_profiles(&plain_profile("read_only = \"mild\"", "*", READ_BY_OTHERS), "");
    let (owner, reader) = (server.user(1), server.user(2));
    let mut lead = Imap::login(&server, owner);
    lead.try_append("Archive", "", b"Subject: x\r\n\r\nx\r\n").unwrap();
    lead.ok(&format!("SETACL Archive {} lr", reader.address));
    let mut sharee = Imap::login(&server, reader);
    let path = format!("\"Shared/{}/Archive\"", owner.address);
    let reply = sharee.ok(&format!("SELECT {path}"));
    assert!(reply.status.starts_with("OK [READ-WRITE]") && reply.text().contains("[PERMANENTFLAGS ()]"), "{}", reply.text());
    assert!(sharee.ok("FETCH 1 BODY[]").text().contains("Subject: x"));
    for refused in ["STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "MOVE 1 INBOX"] {
        assert!(sharee.command(refused).status.starts_with("NO [NOPERM]"), "{refused}");
    }
    lead.ok("EXAMINE Archive");
    assert!(!lead.ok("FETCH 1 FLAGS").text().contains("\\Seen"));
    assert!(sharee.ok(&format!("EXAMINE {path}")).status.starts_with("OK [READ-ONLY]"));
}
