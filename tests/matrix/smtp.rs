//! The matrix over SMTP: whom a profile sends to, as whom, and that no right matters for what is delivered.

use super::world::{OFFICE, Subject, World};
use crate::support::http::base64;
use crate::support::imap::Imap;
use crate::support::server::DOMAIN;
use crate::support::smtp::Smtp;
use crate::support::wire::Wire;
use crate::support::{message, unique};

/// Who may send to whom: `send_to`, one of ours, somebody outside.
pub(super) const SENDS: [(&str, bool, bool); 4] =
    [("inside", true, false), ("outside", false, true), ("nobody", false, false), ("anyone", true, true)];

fn log_in(world: &World, subject: &Subject) -> Result<Smtp, u16> {
    let mut smtp = Smtp { wire: Wire::tls_from(OFFICE, world.server.address("submissions"), world.server.certificate()).unwrap() };
    smtp.reply().unwrap();
    smtp.expect("EHLO client.test", 250);
    let said = smtp.command(&format!("AUTH PLAIN {}", base64(format!("\0{}\0{}", subject.address, subject.secret).as_bytes())));
    if said.code == 235 { Ok(smtp) } else { Err(said.code) }
}

#[test]
fn a_profile_sends_as_itself_and_to_whom_it_may() {
    let world = super::world();
    for (name, inside, outside) in SENDS {
        let sender = world.senders.iter().find(|sender| sender.name == format!("send-{name}")).unwrap();
        let mut smtp = log_in(world, sender).unwrap();
        for other in [format!("owner0@{DOMAIN}"), format!("nobody@{DOMAIN}"), "stranger@elsewhere.test".to_owned(), String::new()] {
            let said = smtp.command(&format!("MAIL FROM:<{other}>"));
            assert!((500..600).contains(&said.code), "{name} sends as {other}: {} {}", said.code, said.text);
        }
        smtp.expect(&format!("MAIL FROM:<{}>", sender.address), 250);
        for (to, may) in [(format!("owner0@{DOMAIN}"), inside), ("somebody@elsewhere.test".to_owned(), outside)] {
            let said = smtp.command(&format!("RCPT TO:<{to}>"));
            assert_eq!(said.code == 250, may, "{name} to {to}: {} {}", said.code, said.text);
            assert!(may || (500..600).contains(&said.code), "{name} to {to}: {} {}", said.code, said.text);
        }
        // Refused, an address of ours is not told from one that nobody has.
        if !inside {
            let said = |to: &str, smtp: &mut Smtp| smtp.command(&format!("RCPT TO:<{to}@{DOMAIN}>")).text;
            assert_eq!(said("owner0", &mut smtp), said("nobody", &mut smtp), "{name}");
        }
        smtp.expect("RSET", 250);
    }
}

#[test]
fn who_is_no_longer_let_in_sends_nothing() {
    let world = super::world();
    for stranger in &world.strangers {
        let subject = Subject { secret: stranger.secret.clone(), address: stranger.address.clone(), ..world.subjects[0].clone() };
        assert_eq!(log_in(world, &subject).err(), Some(535), "{}", stranger.why);
    }
    // A credential that drafts is made without this service.
    let draft = world.subjects.iter().find(|subject| subject.name == "kind-draft").unwrap();
    assert_eq!(log_in(world, draft).err(), Some(535));
}

/// Delivery is no act of the recipient: whatever their profile lets them do.
#[test]
fn no_right_matters_for_what_is_delivered() {
    let world = super::world();
    for service in ["smtp", "lmtp"] {
        for subject in &world.recipients {
            let mut smtp = Smtp::connect(&world.server, service);
            let text = message("stranger@elsewhere.test", &subject.address, &unique("delivered"));
            let reply = smtp.try_send("stranger@elsewhere.test", &subject.address, &text).unwrap();
            assert_eq!(reply.code, 250, "{service} to {}: {}", subject.name, reply.text);
        }
    }
    for subject in &world.recipients {
        let mut imap = Imap::try_login(&world.server, &subject.address, &subject.secret).unwrap();
        assert_eq!(imap.ok("EXAMINE INBOX").exists(), Some(2), "{}", subject.name);
    }
}
