//! Addresses that are no account's, over the wire: aliases, groups that one can write to, and what leaves by them.

use crate::admin::octroi;
use crate::support::imap::Imap;
use crate::support::server::DOMAIN;
use crate::support::smtp::Smtp;
use crate::support::{Server, message, shared, unique};

/// The reply to a message of somebody outside.
fn sent(server: &Server, to: &str, subject: &str) -> String {
    let mut smtp = Smtp::connect(server, "smtp");
    let reply = smtp.try_send("a@outside.test", to, &message("a@outside.test", to, subject)).unwrap();
    format!("{} {}", reply.code, reply.text)
}

/// How many messages with that subject somebody has.
fn count(server: &Server, user: usize, subject: &str) -> usize {
    let mut imap = Imap::login(server, server.user(user));
    imap.ok("SELECT INBOX");
    imap.search_subject(subject).len()
}

#[test]
fn an_alias_is_kept_by_a_command_and_works_at_once() {
    let server = shared();
    let (name, subject) = (format!("{}@{DOMAIN}", unique("alias")), unique("to-alias"));
    assert!(sent(server, &name, &subject).starts_with("550 5.1.1"));
    octroi(server, &["alias", "add", &name, &server.user(3).address, &server.user(4).address]).good();
    assert!(sent(server, &name.to_uppercase(), &subject).starts_with("250"));
    assert_eq!((count(server, 3, &subject), count(server, 4, &subject)), (1, 1));
    let listed = octroi(server, &["alias", "list"]).good();
    assert!(listed.lines().any(|line| line == format!("{name}\tu3@{DOMAIN} u4@{DOMAIN}")), "{listed}");
    octroi(server, &["alias", "add", &name, &name]).bad();
    octroi(server, &["alias", "add", &name, "lea@elsewhere.test"]).bad();
    octroi(server, &["alias", "add", &server.user(3).address, &server.user(4).address]).bad();
    octroi(server, &["alias", "add", "@elsewhere.test", &server.user(4).address]).bad();
    octroi(server, &["alias", "remove", &name]).good();
    octroi(server, &["alias", "remove", &name]).bad();
    assert!(sent(server, &name, &subject).starts_with("550 5.1.1"));
    let audit = octroi(server, &["audit", "--lines", "500"]).good();
    assert!(audit.lines().any(|line| line.contains("alias add") && line.contains(&name)), "{audit}");
}

#[test]
fn a_group_has_an_address_and_may_keep_it_to_itself() {
    let server = shared();
    let (group, subject) = (unique("group"), unique("to-group"));
    let address = format!("{group}@{DOMAIN}");
    octroi(server, &["group", "add", &group]).good();
    octroi(server, &["group", "join", &group, &server.user(3).address]).good();
    octroi(server, &["group", "address", &group, &address]).good();
    assert!(sent(server, &address, &subject).starts_with("250"));
    assert_eq!(count(server, 3, &subject), 1);
    octroi(server, &["group", "address", &group, &address, "--members-only"]).good();
    assert!(sent(server, &address, &subject).starts_with("550 5.7.2"));
    octroi(server, &["group", "address", &group, "--none"]).good();
    assert!(sent(server, &address, &subject).starts_with("550 5.1.1"));
}
