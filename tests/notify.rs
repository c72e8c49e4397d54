//! NOTIFY (RFC 5465): what is told unasked, and what is not because it may not be seen.

use crate::support::imap::Imap;
use crate::support::{shared, unique};

/// Lines that come until one is like the last of these, each of which must come; what else comes does not matter.
fn expect(imap: &mut Imap, wanted: &[&str]) -> Vec<String> {
    let mut heard: Vec<String> = Vec::new();
    while !wanted.iter().all(|wanted| heard.iter().any(|line| line.contains(wanted))) {
        let line = imap.response().unwrap_or_else(|e| panic!("{wanted:?}: {e}; heard {heard:#?}"));
        heard.push(String::from_utf8_lossy(&line).into_owned());
    }
    heard
}

const MESSAGE: &[u8] = b"From: a@x.test\r\nSubject: Avis\r\n\r\nx\r\n";

#[test]
fn changes_of_other_mailboxes_are_told_without_a_command() {
    let server = shared();
    let person = server.with_profile("team-lead");
    let top = unique("notify");
    let (mut actor, mut client) = (Imap::login(server, person), Imap::login(server, person));
    actor.ok(&format!("CREATE {top}/a"));
    let reply = client.ok(&format!(
        "NOTIFY SET STATUS (subtree {top} (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)) (personal NONE)"
    ));
    assert!(reply.text().contains(&format!("* STATUS {top}/a (MESSAGES 0 UIDNEXT 1 ")), "{}", reply.text());
    assert!(!reply.text().contains("INBOX"), "{}", reply.text());

    actor.try_append(&format!("{top}/a"), "", MESSAGE).unwrap();
    expect(&mut client, &[&format!("* STATUS {top}/a (MESSAGES 1 UIDNEXT 2 ")]);
    actor.ok(&format!("SELECT {top}/a"));
    actor.ok("STORE 1 +FLAGS (\\Seen \\Deleted)");
    expect(&mut client, &["UNSEEN 0)"]);
    actor.ok("EXPUNGE");
    expect(&mut client, &[&format!("* STATUS {top}/a (MESSAGES 0 ")]);
    actor.ok(&format!("CREATE {top}/b"));
    expect(&mut client, &[&format!("* LIST () \"/\" {top}/b")]);
    actor.ok(&format!("SUBSCRIBE {top}/b"));
    expect(&mut client, &[&format!("* LIST (\\Subscribed) \"/\" {top}/b")]);
    actor.ok(&format!("RENAME {top}/b {top}/c"));
    expect(&mut client, &[&format!("* LIST () \"/\" {top}/c (\"OLDNAME\" ({top}/b))")]);
    actor.ok(&format!("DELETE {top}/c"));
    expect(&mut client, &[&format!("* LIST (\\NonExistent) \"/\" {top}/c")]);

    // In IDLE too; and no more after NONE.
    client.wire.send("i IDLE\r\n");
    expect(&mut client, &["+ idling"]);
    actor.ok(&format!("CREATE {top}/d"));
    expect(&mut client, &[&format!("* LIST () \"/\" {top}/d")]);
    client.wire.send("DONE\r\n");
    expect(&mut client, &["i OK"]);
    client.ok("NOTIFY NONE");
    actor.ok(&format!("CREATE {top}/e"));
    assert!(!client.ok("NOOP").text().contains(&top));
}

#[test]
fn new_messages_of_the_selected_mailbox_come_with_what_was_asked_of_them() {
    let server = shared();
    let person = server.with_profile("team-lead");
    let name = unique("selected");
    let (mut actor, mut client) = (Imap::login(server, person), Imap::login(server, person));
    actor.ok(&format!("CREATE {name}"));
    client.ok(&format!("SELECT {name}"));
    client.ok("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge FlagChange))");
    actor.try_append(&name, "", MESSAGE).unwrap();
    let heard = expect(&mut client, &["* 1 EXISTS", "Subject: Avis"]);
    assert!(heard.iter().any(|line| line.starts_with("* 1 FETCH (UID 1 BODY[HEADER.FIELDS (Subject)]")), "{heard:?}");
    actor.ok(&format!("SELECT {name}"));
    assert!(!actor.ok("FETCH 1 FLAGS").text().contains("\\Seen"));
    // RFC 5465 section 5.1: the uid goes with changes of flags, unasked and with the answer to a command.
    actor.ok("STORE 1 +FLAGS (\\Deleted)");
    expect(&mut client, &["* 1 FETCH (UID 1 FLAGS (\\Deleted"]);
    client.wire.send("i IDLE\r\n");
    expect(&mut client, &["+ idling"]);
    actor.ok("STORE 1 +FLAGS (\\Flagged)");
    expect(&mut client, &["* 1 FETCH (UID 1 FLAGS (\\Flagged \\Deleted"]);
    client.wire.send("DONE\r\n");
    expect(&mut client, &["i OK"]);
    actor.ok("EXPUNGE");
    expect(&mut client, &["* 1 EXPUNGE"]);

    // Delayed: the client's numbers stay until it says something.
    client.ok("NOTIFY SET (selected-delayed (MessageNew MessageExpunge))");
    actor.try_append(&name, "", MESSAGE).unwrap();
    expect(&mut client, &["* 1 EXISTS"]);
    actor.ok("STORE 1 +FLAGS (\\Deleted)");
    actor.ok("EXPUNGE");
    actor.try_append(&name, "\\Flagged", MESSAGE).unwrap();
    let reply = client.ok("FETCH 1 FLAGS");
    assert!(!reply.text().contains("EXPUNGE\r\n"), "{}", reply.text());
    assert!(client.ok("NOOP").text().contains("* 1 EXPUNGE"));
}

/// A message that came while no command was under way was told without `\Recent`, and counted as recent when the next one came.
#[test]
fn what_is_told_unasked_is_recent() {
    let server = shared();
    let person = server.with_profile("team-lead");
    let name = unique("recent");
    let (mut actor, mut client) = (Imap::login(server, person), Imap::login(server, person));
    actor.ok(&format!("CREATE {name}"));
    client.ok(&format!("SELECT {name}"));
    client.ok("NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge))");
    for number in 1..4 {
        actor.try_append(&name, "", MESSAGE).unwrap();
        let heard = expect(&mut client, &[&format!("* {number} FETCH (UID {number} FLAGS (\\Recent))")]);
        assert!(heard.contains(&format!("* {number} RECENT")), "{heard:?}");
    }
}

/// What may not be seen makes no sound; what is shared appears, and what is withdrawn has ceased to exist.
#[test]
fn nothing_is_told_of_what_may_not_be_seen() {
    let server = shared();
    let (lead, agent) = (server.with_profile("team-lead"), server.with_profile("agent"));
    let name = unique("hidden");
    let path = format!("Shared/{}/{name}", lead.address);
    let (mut owner, mut sharee) = (Imap::login(server, lead), Imap::login(server, agent));
    owner.ok(&format!("CREATE {name}"));
    owner.ok(&format!("CREATE {name}/Below"));
    let events = "(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)";
    let reply = sharee.ok(&format!("NOTIFY SET STATUS (mailboxes (\"{path}\" \"{path}/Below\") {events})"));
    assert!(!reply.text().contains(&name), "{}", reply.text());
    owner.try_append(&name, "", MESSAGE).unwrap();
    // Seen in the list, but its messages may not be read.
    owner.ok(&format!("SETACL {name} {} l", agent.address));
    owner.try_append(&name, "", MESSAGE).unwrap();
    owner.ok(&format!("SETACL {name} {} lr", agent.address));
    let heard = expect(&mut sharee, &[&format!("* LIST () \"/\" {path}"), &format!("* STATUS {path} (MESSAGES 2 ")]);
    let told: Vec<&String> = heard.iter().filter(|line| line.contains(&name)).collect();
    assert!(told[0].starts_with("* LIST"), "nothing before it could be seen: {told:?}");
    owner.ok(&format!("DELETEACL {name} {}", agent.address));
    // What is below has no list of its own, and so goes with it.
    expect(&mut sharee, &[&format!("* LIST (\\NonExistent) \"/\" {path}"), &format!("* LIST (\\NonExistent) \"/\" {path}/Below")]);
    owner.try_append(&name, "", MESSAGE).unwrap();
    owner.ok(&format!("DELETE {name}/Below"));
    let reply = sharee.ok("NOOP");
    assert!(!reply.text().contains(&name), "{}", reply.text());
}

// RFC 5465 sections 5.6 and 5.7: names only, those that are gone among them, of the open mailbox too.
#[test]
fn changes_of_annotations_are_told() {
    let server = shared();
    let person = server.with_profile("team-lead");
    let top = unique("annotated");
    let (mut actor, mut client) = (Imap::login(server, person), Imap::login(server, person));
    actor.ok(&format!("CREATE {top}"));
    client.ok(&format!("SELECT {top}"));
    let refused = client.command("NOTIFY SET (selected (MailboxMetadataChange))");
    assert!(refused.status.starts_with("BAD"), "{}", refused.status);
    client.ok(&format!("NOTIFY SET (subtree {top} (MailboxName)) (personal (MailboxMetadataChange ServerMetadataChange))"));
    actor.ok(&format!("SETMETADATA {top} (/shared/comment \"a\" /private/x \"b\")"));
    expect(&mut client, &[&format!("* METADATA {top} /private/x /shared/comment")]);
    actor.ok(&format!("SETMETADATA {top} (/shared/comment NIL)"));
    expect(&mut client, &[&format!("* METADATA {top} /shared/comment")]);
    actor.ok(&format!("SETMETADATA \"\" (/private/{top} \"c\")"));
    expect(&mut client, &[&format!("* METADATA \"\" /private/{top}")]);
    actor.ok(&format!("SETMETADATA \"\" (/private/{top} NIL)"));
    expect(&mut client, &[&format!("* METADATA \"\" /private/{top}")]);
    // What the first group asks is told as well.
    actor.ok(&format!("CREATE {top}/b"));
    expect(&mut client, &[&format!("* LIST () \"/\" {top}/b")]);
}

/// Whoever may not read a mailbox hears nothing of what is set on it, and whoever may hears of what is shared only.
#[test]
fn annotations_of_others_are_told_as_far_as_they_may_be_seen() {
    let server = shared();
    let (owner, reader) = (server.with_profile("team-lead"), server.with_profile("agent"));
    let top = unique("annotated");
    let (mut actor, mut client) = (Imap::login(server, owner), Imap::login(server, reader));
    for name in [format!("{top}o"), format!("{top}c")] {
        actor.ok(&format!("CREATE {name}"));
    }
    actor.ok(&format!("SETACL {top}o {} lr", reader.address));
    let shared = format!("Shared/{}", owner.address);
    client.ok(&format!("NOTIFY SET (subtree {shared} (MailboxMetadataChange))"));
    actor.ok(&format!("SETMETADATA {top}c (/shared/comment \"a\")"));
    actor.ok(&format!("SETMETADATA {top}o (/private/x \"a\")"));
    actor.ok(&format!("SETMETADATA {top}o (/shared/comment \"a\")"));
    let heard = expect(&mut client, &[&format!("* METADATA {shared}/{top}o /shared/comment")]);
    assert!(!heard.iter().any(|line| line.contains("/private/") || line.contains(&format!("{top}c"))), "{heard:#?}");
}
