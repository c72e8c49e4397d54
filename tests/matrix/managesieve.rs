//! The matrix over ManageSieve: who may keep filters, and that a filter sends only to whom its owner may.

use super::world::{Subject, World};
use crate::support::http::base64;
use crate::support::imap::Imap;
use crate::support::server::DOMAIN;
use crate::support::smtp::Smtp;
use crate::support::wire::Wire;
use crate::support::{message, unique};

/// Commands without a log-in; all others are about the scripts of the one who has logged in.
const BEFORE_LOG_IN: [&str; 4] = ["authenticate", "capability", "noop", "starttls"];
/// With the words that follow their name, for who may not.
const COMMANDS: [(&str, &str); 9] = [
    ("checkscript", "\"keep;\""),
    ("deletescript", "\"x\""),
    ("getscript", "\"x\""),
    ("havespace", "\"x\" 1"),
    ("listscripts", ""),
    ("putscript", "\"x\" \"keep;\""),
    ("renamescript", "\"x\" \"y\""),
    ("setactive", "\"x\""),
    ("unauthenticate", ""),
];

struct Sieve(Wire);

impl Sieve {
    fn connect(world: &World) -> Self {
        let mut sieve = Self(Wire::plain(world.server.address("managesieve")));
        sieve.answer();
        assert!(sieve.command("STARTTLS").starts_with("OK"));
        let mut sieve = Self(sieve.0.secure(world.server.certificate()));
        sieve.answer();
        sieve
    }

    fn log_in(&mut self, address: &str, secret: &str) -> String {
        self.command(&format!("AUTHENTICATE \"PLAIN\" \"{}\"", base64(format!("\0{address}\0{secret}").as_bytes())))
    }

    fn command(&mut self, command: &str) -> String {
        self.0.send(format!("{command}\r\n"));
        self.answer()
    }

    /// The line that ends an answer.
    fn answer(&mut self) -> String {
        loop {
            let line = self.0.line();
            if ["OK", "NO", "BYE"].iter().any(|word| line.starts_with(word)) {
                return line;
            }
        }
    }
}

#[test]
fn every_command_is_in_the_matrix() {
    let known = BEFORE_LOG_IN.into_iter().chain(COMMANDS.map(|(name, _)| name)).chain(["mod"]);
    assert_eq!(super::known::files("protocols/managesieve/src/commands"), known.map(str::to_owned).collect());
}

#[test]
fn who_is_no_longer_let_in_keeps_no_filters() {
    let world = super::world();
    for stranger in &world.strangers {
        let mut sieve = Sieve::connect(world);
        assert!(sieve.log_in(&stranger.address, &stranger.secret).starts_with("NO"), "{}", stranger.why);
        for (name, words) in COMMANDS {
            let said = sieve.command(&format!("{name} {words}"));
            assert!(said.starts_with("NO"), "{}: {name}: {said}", stranger.why);
        }
    }
}

/// As in the table of SMTP; what is refused is in the owner's own INBOX, and what is sent on is not.
#[test]
fn a_filter_sends_only_to_whom_its_owner_may() {
    let world = super::world();
    let to_inside = format!("send-nobody@{DOMAIN}");
    for (name, inside, outside) in super::smtp::SENDS {
        let sender: &Subject = world.senders.iter().find(|sender| sender.name == format!("send-{name}")).unwrap();
        let mut sieve = Sieve::connect(world);
        assert!(sieve.log_in(&sender.address, &sender.secret).starts_with("OK"), "{name}");
        // To oneself is no sending.
        let to_inside = if sender.address == to_inside { format!("send-anyone@{DOMAIN}") } else { to_inside.clone() };
        for (to, may) in [(to_inside.as_str(), inside), ("somebody@elsewhere.test", outside)] {
            assert!(sieve.command(&format!("PUTSCRIPT \"main\" \"redirect \\\"{to}\\\";\"")).starts_with("OK"));
            assert!(sieve.command("SETACTIVE \"main\"").starts_with("OK"));
            let subject = unique("filtered");
            let text = message("stranger@elsewhere.test", &sender.address, &subject);
            let reply = Smtp::connect(&world.server, "smtp").try_send("stranger@elsewhere.test", &sender.address, &text).unwrap();
            assert_eq!(reply.code, 250, "{name} to {to}: {}", reply.text);
            assert!(sieve.command("SETACTIVE \"\"").starts_with("OK"));
            let mut imap = Imap::try_login(&world.server, &sender.address, &sender.secret).unwrap();
            imap.ok("EXAMINE INBOX");
            assert_eq!(imap.search_subject(&subject).is_empty(), may, "{name} to {to}");
        }
    }
}
