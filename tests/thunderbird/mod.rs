//! Thunderbird, as Debian has it, against a running server: set up by the address alone, then what somebody does with mail all day, then
//! folders of others. What it did is looked up with a connection of our own.

mod calendars;
mod program;
mod proxy;

use crate::support::imap::Imap;
use crate::support::{Person, Server, eventually, message, unique};
use program::Thunderbird;
use proxy::Proxy;
use serde_json::json;
use std::path::Path;

/// `Dédouanement` as IMAP writes it.
const FOLDER: &str = "D&AOk-douanement";
/// The same as Thunderbird has it, which enables UTF8=ACCEPT.
const THEIR_FOLDER: &str = "Dédouanement";

/// Set up as somebody who knows nothing but address and app password.
fn set_up(server: &Server, person: &Person) -> Thunderbird {
    let domain = person.address.rsplit('@').next().unwrap();
    let proxy = Proxy::to(server.address("https"));
    let mut thunderbird = Thunderbird::start();
    let autoconfig = format!("autoconfig.{domain}");
    let mut places = vec![json!([autoconfig, 443]), json!([domain, 443])];
    places.extend(["imaps", "submissions"].map(|service| json!(["localhost", server.port(service)])));
    thunderbird.step("trust", &json!([der(server.certificate()), places, proxy.port()]));
    let found = thunderbird.step("setUp", &json!([person.address, person.app_password]));
    let expected = json!({
        "source": "xml-from-isp-https",
        "imap": server.port("imaps"),
        "smtp": server.port("submissions"),
        "user": person.address,
    });
    assert_eq!(found, expected);
    assert!(proxy.asked().contains(&format!("{autoconfig}:443")), "{:?}", proxy.asked());
    thunderbird
}

/// A certificate as Thunderbird takes it: base64 without what stands round it.
fn der(certificate: &Path) -> String {
    std::fs::read_to_string(certificate).unwrap().lines().filter(|line| !line.starts_with('-')).collect()
}

/// Flags of the one message with that subject, once it is in the mailbox.
fn flags(imap: &mut Imap, mailbox: &str, subject: &str) -> Option<String> {
    imap.ok(&format!("EXAMINE \"{mailbox}\""));
    let uids = imap.search_subject(subject);
    assert!(uids.len() < 2, "{subject} is in {mailbox} more than once");
    Some(imap.ok(&format!("UID FETCH {} FLAGS", uids.first()?)).text())
}

fn append(imap: &mut Imap, mailbox: &str, subject: &str) {
    let text = message("someone@outside.test", "team@douane.example", subject);
    assert!(imap.try_append(mailbox, "", text.as_bytes()).unwrap().is_ok());
}

#[test]
fn a_day_with_thunderbird() {
    let server = Server::demo();
    let (person, other) = (server.with_profile("agent"), server.user(2));
    let (mut imap, mut others) = (Imap::login(&server, person), Imap::login(&server, other));
    let (kept, thrown, sent) = (unique("kept"), unique("thrown"), format!("{} déjà", unique("sent")));
    append(&mut imap, "INBOX", &kept);
    append(&mut imap, "INBOX", &thrown);
    let mut thunderbird = set_up(&server, person);

    // List, read, flag.
    thunderbird.step("folders", &json!(["INBOX"]));
    let shown = thunderbird.step("await", &json!(["INBOX", kept]));
    assert_eq!((&shown["read"], &shown["flagged"]), (&json!(false), &json!(false)));
    let text = thunderbird.step("read", &json!(["INBOX", kept]));
    assert!(text.as_str().unwrap().contains(&format!("Body of {kept}.")), "{text}");
    thunderbird.step("mark", &json!(["INBOX", kept]));
    let set = ["\\Seen", "\\Flagged", "$label1"];
    eventually("the flags", || flags(&mut imap, "INBOX", &kept).filter(|f| set.iter().all(|flag| f.contains(flag))));

    // A folder with an accent, and a message filed there; another thrown away.
    assert_eq!(thunderbird.step("makeFolder", &json!([THEIR_FOLDER, THEIR_FOLDER])), THEIR_FOLDER);
    thunderbird.step("move", &json!(["INBOX", kept, THEIR_FOLDER]));
    let filed = eventually("the message in its folder", || flags(&mut imap, FOLDER, &kept));
    assert!(set.iter().all(|flag| filed.contains(flag)), "{filed}");
    assert!(flags(&mut imap, "INBOX", &kept).is_none());
    thunderbird.step("await", &json!(["INBOX", thrown]));
    thunderbird.step("remove", &json!(["INBOX", thrown]));
    eventually("the message in the trash", || flags(&mut imap, "Trash", &thrown));
    assert!(flags(&mut imap, "INBOX", &thrown).is_none());

    // What another program does is seen.
    append(&mut imap, "INBOX", &unique("later"));
    imap.ok(&format!("SELECT {FOLDER}"));
    imap.ok("UID STORE 1 -FLAGS (\\Flagged)");
    eventually("the flag to go", || (thunderbird.step("await", &json!([THEIR_FOLDER, kept]))["flagged"] == json!(false)).then_some(()));

    // Send; the copy is in Sent.
    thunderbird.step("send", &json!([other.address, sent, "Bonjour"]));
    let plain_part = sent.split(' ').next().unwrap();
    let body = eventually("the message that was sent", || {
        others.ok("SELECT INBOX");
        others.search_subject(plain_part).first().map(|uid| String::from_utf8(others.body(*uid)).unwrap())
    });
    assert!(body.contains("Bonjour") && body.contains("with ESMTPSA"), "{body}");
    assert!(eventually("the copy in Sent", || flags(&mut imap, "Sent", plain_part)).contains("\\Seen"));

    // Without any connection.
    let offline = thunderbird.step("offline", &json!([THEIR_FOLDER, kept]));
    assert_eq!(offline["missing"], json!(0));
    assert!(offline["text"].as_str().unwrap().contains(&format!("Body of {kept}.")), "{offline}");
    thunderbird.step("await", &json!(["Sent", sent]));
}

/// A folder of somebody else's: subscribed to, and then as far open as it was shared.
#[test]
fn thunderbird_in_folders_of_others() {
    let server = Server::demo();
    let (person, lead) = (server.with_profile("agent"), server.with_profile("team-lead"));
    let mut imap = Imap::login(&server, lead);
    let (open, closed, subject) = (unique("Open"), unique("Closed"), unique("shared"));
    for (mailbox, rights) in [(&open, "lrswi"), (&closed, "lr")] {
        imap.ok(&format!("CREATE {mailbox}"));
        imap.ok(&format!("SETACL {mailbox} {} {rights}", person.address));
        append(&mut imap, mailbox, &subject);
    }
    let mut thunderbird = set_up(&server, person);
    let mut sharee = Imap::login(&server, person);
    let shared = |mailbox: &str| format!("Shared/{}/{mailbox}", lead.address);
    thunderbird.step("folders", &json!(["INBOX"]));
    for mailbox in [&open, &closed] {
        // What it is asked while it looks at all folders it may forget.
        eventually("the subscription", || {
            thunderbird.step("subscribe", &json!([shared(mailbox)]));
            sharee.ok("LSUB \"\" *").text().contains(&shared(mailbox)).then_some(())
        });
        thunderbird.step("folders", &json!([shared(mailbox)]));
        thunderbird.step("await", &json!([shared(mailbox), subject]));
        let text = thunderbird.step("read", &json!([shared(mailbox), subject]));
        assert!(text.as_str().unwrap().contains(&format!("Body of {subject}.")), "{text}");
    }
    // Thunderbird asks for the rights and offers what they allow.
    let offered = |thunderbird: &mut Thunderbird, mailbox: &str| {
        let rights = thunderbird.step("rights", &json!([shared(mailbox)]));
        (rights["file"].as_bool().unwrap(), rights["remove"].as_bool().unwrap())
    };
    eventually("the rights", || (offered(&mut thunderbird, &open) == (true, false)).then_some(()));
    eventually("the rights", || (offered(&mut thunderbird, &closed) == (false, false)).then_some(()));

    // What is marked counts where it may be, and nothing happens where it may not.
    for mailbox in [&closed, &open] {
        thunderbird.step("mark", &json!([shared(mailbox), subject]));
    }
    eventually("the flags", || flags(&mut imap, &open, &subject).filter(|f| f.contains("\\Seen") && f.contains("\\Flagged")));
    let untouched = flags(&mut imap, &closed, &subject).unwrap();
    assert!(!untouched.contains("\\Seen") && !untouched.contains("\\Flagged"), "{untouched}");
    thunderbird.step("await", &json!([shared(&closed), subject]));
}
