//! Calendars and contacts in Thunderbird: found by the domain, then events, meetings, somebody else's calendar, and contacts.
//!
//! Its own services do what its windows would have them do. What it cannot do without a screen is left out: it never asks anybody anything,
//! so neither whether to write over what another program changed, nor for a password. Its search for calendars does not keep the password
//! then, while its search for address books does; so these come first.

use super::program::Thunderbird;
use super::set_up;
use crate::scheduling::Diary;
use crate::support::http::Http;
use crate::support::imap::Imap;
use crate::support::{Person, Server, eventually, unique};
use serde_json::json;

/// How the steps call the person's own calendar.
const MINE: &str = "/calendar/";

fn diary<'a>(server: &Server, person: &'a Person) -> Diary<'a> {
    Diary { http: Http::new(server, person), person }
}

/// How often that text stands in a collection's objects.
fn count(diary: &Diary<'_>, collection: &str, text: &str) -> usize {
    diary.with(collection, text).len()
}

#[test]
fn calendars_and_contacts_in_thunderbird() {
    let server = Server::demo();
    let [person, colleague] = [&server.people()[0], &server.people()[1]];
    let (hers, his, owner) = (diary(&server, person), diary(&server, colleague), diary(&server, server.with_profile("team-lead")));
    let domain = person.address.rsplit('@').next().unwrap();
    let mut thunderbird = set_up(&server, person);

    // What there is, and what may be changed of it.
    let books = thunderbird.step("findBooks", &json!([person.address, person.app_password, format!("https://{domain}")]));
    assert_eq!((&books[0]["name"], &books[0]["readOnly"], &books[1]["readOnly"]), (&json!("contacts"), &json!(false), &json!(true)));
    let found = thunderbird.step("findCalendars", &json!([person.address, person.app_password, domain]));
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["readOnly"], &found[1]["readOnly"]),
        (2, &json!(false), &json!(true)),
        "{found}"
    );

    an_event(&mut thunderbird, &hers);

    a_meeting(&mut thunderbird, &server, &hers, &his);

    // Somebody else's calendar, to read: even who does not heed that changes nothing.
    let place = found[1]["place"].as_str().unwrap();
    let shared = &place[place.find("/dav/").unwrap()..];
    let (theirs, kept) = (shared.rsplit('/').nth(1).unwrap().split('~').next().unwrap(), unique("kept"));
    let at = format!("/dav/calendars/{}/{theirs}/{kept}.ics", owner.person.address);
    let object = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{kept}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20301209T090000Z\r\n\
         SUMMARY:{kept}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    assert_eq!(owner.http.request("PUT", &at, &[], object.as_bytes()).status, 201);
    thunderbird.step("awaitEvent", &json!([shared, kept, true, ""]));
    thunderbird.step("believeWritable", &json!([shared]));
    let refused = thunderbird.step("rename", &json!([shared, kept, "changed"]));
    assert!(refused.as_str().unwrap().contains("403"), "{refused}");
    assert_eq!(owner.http.request("GET", &at, &[], b"").text(), object);
    thunderbird.step("awaitEvent", &json!([shared, kept, true, ""]));

    contacts(&mut thunderbird, &hers);
}

/// A meeting: the server invites, once, and Thunderbird sends no mail of its own.
fn a_meeting(thunderbird: &mut Thunderbird, server: &Server, hers: &Diary<'_>, his: &Diary<'_>) {
    let (person, colleague) = (hers.person, his.person);
    let mut mail = Imap::login(server, colleague);
    let meeting = unique("Meeting");
    let added = thunderbird.step("addEvent", &json!([MINE, meeting, "20301208T090000Z", [colleague.address]]));
    assert_eq!((&added["serverInvites"], &added["organizer"]), (&json!(true), &json!(format!("mailto:{}", person.address))));
    let (at, invited) = his.one(&meeting);
    assert_eq!(count(his, &his.inbox(), &meeting), 1);
    assert!(hers.one(&meeting).1.contains("SCHEDULE-STATUS=1.2"));
    let accepted = invited.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    assert_ne!(accepted, invited);
    assert_eq!(his.http.request("PUT", &at, &[], accepted.as_bytes()).status, 204);
    let shown = thunderbird.step("awaitEvent", &json!([MINE, meeting, true, "SCHEDULE-STATUS=2.0"]));
    let line = shown.as_str().unwrap().lines().find(|line| line.starts_with("ATTENDEE") && line.contains(&colleague.address));
    assert!(line.unwrap().contains("PARTSTAT=ACCEPTED"), "{shown}");

    // It would have sent one, and would have by now: of a meeting that it is told to invite to by mail the mail arrives.
    thunderbird.step("inviteByMail", &json!([MINE, true]));
    let other = unique("Bymail");
    thunderbird.step("addEvent", &json!([MINE, other, "20301208T140000Z", [colleague.address]]));
    thunderbird.step("inviteByMail", &json!([MINE, false]));
    eventually("the invitation by mail", || {
        mail.ok("SELECT INBOX");
        (!mail.search_subject(&other).is_empty()).then_some(())
    });
    assert!(mail.search_subject(&meeting).is_empty(), "a second invitation, by mail");
}

fn contacts(thunderbird: &mut Thunderbird, hers: &Diary<'_>) {
    let contacts = format!("/dav/contacts/{}/contacts/", hers.person.address);
    let [name, renamed] = [unique("Jean Port"), unique("Jean Été")];
    let uid = thunderbird.step("addContact", &json!(["contacts", name, "jean@port.example"]));
    eventually("the contact", || (count(hers, &contacts, &name) == 1).then_some(()));
    thunderbird.step("awaitContact", &json!(["contacts", name]));
    thunderbird.step("renameContact", &json!(["contacts", uid, renamed]));
    eventually("the change", || (count(hers, &contacts, &renamed) == 1 && count(hers, &contacts, &name) == 0).then_some(()));
    thunderbird.step("removeContact", &json!(["contacts", uid]));
    eventually("the contact to go", || (count(hers, &contacts, &renamed) == 0).then_some(()));
}

/// An event, changed and removed.
fn an_event(thunderbird: &mut Thunderbird, hers: &Diary<'_>) {
    let [title, renamed] = [unique("Visite"), unique("Été")];
    thunderbird.step("addEvent", &json!([MINE, title, "20301207T090000Z", []]));
    assert!(hers.one(&title).1.contains("DTSTART:20301207T090000Z"));
    assert_eq!(thunderbird.step("rename", &json!([MINE, title, renamed])), "changed");
    assert_eq!((count(hers, &hers.calendar(), &renamed), count(hers, &hers.calendar(), &title)), (1, 0));
    thunderbird.step("removeEvent", &json!([MINE, renamed]));
    eventually("the event to go", || (count(hers, &hers.calendar(), &renamed) == 0).then_some(()));
}
