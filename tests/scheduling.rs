//! Meetings between people of one server: what is put in one calendar arrives in the others, once, in one commit (RFC 6638).

use crate::support::http::Http;
use crate::support::process::run;
use crate::support::server::{OCTROI, Person, configured_with_profiles, plain_profile};
use crate::support::{Server, shared, unique};
use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

/// Somebody with their calendars.
pub(crate) struct Diary<'a> {
    pub(crate) http: Http,
    pub(crate) person: &'a Person,
}

impl<'a> Diary<'a> {
    pub(crate) fn of(server: &'a Server, number: usize) -> Self {
        let person = server.user(number);
        Self { http: Http::new(server, person), person }
    }

    /// Where the members of a collection with this text in them are, with what is in them.
    pub(crate) fn with(&self, collection: &str, text: &str) -> Vec<(String, String)> {
        let list = self.http.request("PROPFIND", collection, &[("Depth", "1")], b"");
        assert_eq!(list.status, 207, "{}", list.text());
        let body = list.text();
        let hrefs = body.split("<D:href>").skip(1).filter_map(|rest| rest.split('<').next()).filter(|href| !href.ends_with('/'));
        let read = hrefs.map(|href| (href.to_owned(), self.http.request("GET", href, &[], b"").text()));
        read.filter(|(_, octets)| octets.contains(text)).collect()
    }

    pub(crate) fn calendar(&self) -> String {
        format!("/dav/calendars/{}/calendar/", self.person.address)
    }

    pub(crate) fn inbox(&self) -> String {
        let principal = format!("/dav/principals/{}/", self.person.address);
        let body = br#"<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:schedule-inbox-URL/><C:schedule-outbox-URL/></prop></propfind>"#;
        let answer = self.http.request("PROPFIND", &principal, &[("Depth", "0")], body).text();
        let inbox = answer.split("schedule-inbox-URL><D:href>").nth(1).and_then(|rest| rest.split('<').next());
        inbox.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The one object with this text in the calendar.
    #[track_caller]
    pub(crate) fn one(&self, text: &str) -> (String, String) {
        let mut all = self.with(&self.calendar(), text);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

pub(crate) fn meeting(uid: &str, organizer: &str, attendees: &[&str], more: &str) -> String {
    let mut people = String::new();
    for attendee in attendees {
        let _ = write!(people, "ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:{attendee}\r\n");
    }
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20301207T090000Z\r\n\
        DTEND:20301207T100000Z\r\nSUMMARY:Contrôle\r\nORGANIZER:mailto:{organizer}\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{organizer}\r\n{people}{more}\
        END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn an_invitation_an_answer_a_change_and_the_end() {
    let server = shared();
    let (lea, paul, marie) = (Diary::of(server, 5), Diary::of(server, 6), Diary::of(server, 1));
    let uid = unique("meeting");
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, &lea.person.address, &[&paul.person.address, &marie.person.address], "");
    let put = lea.http.request("PUT", &at, &[("If-None-Match", "*")], asked.as_bytes());
    assert_eq!((put.status, put.header("etag")), (201, None), "it is not stored as it was sent: {}", put.text());
    let tag = put.header("schedule-tag").expect("a meeting has one").to_owned();
    let (_, hers) = lea.one(&uid);
    assert_eq!(hers.matches("SCHEDULE-STATUS=1.2").count(), 2, "{hers}");

    // It is in their calendars and inboxes.
    let (his_at, his) = paul.one(&uid);
    assert!(!his.contains("METHOD") && !his.contains("SCHEDULE-STATUS"), "{his}");
    let told = paul.with(&paul.inbox(), &uid);
    assert!(told.len() == 1 && told[0].1.contains("METHOD:REQUEST"), "{told:?}");
    assert_eq!(marie.with(&marie.calendar(), &uid).len(), 1);

    // Paul accepts; Lea's copy knows, and her tag stays while the entity tag moves.
    let line = format!("ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:{}", paul.person.address);
    let accepted = his.replace(&line, &line.replace("NEEDS-ACTION", "ACCEPTED").replace(";RSVP=TRUE", ""));
    assert_ne!(accepted, his);
    assert_eq!(paul.http.request("PUT", &his_at, &[], accepted.as_bytes()).status, 204);
    let got = lea.http.request("GET", &at, &[], b"");
    assert_eq!(got.header("schedule-tag"), Some(&*tag));
    assert!(got.text().contains("PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0"), "{}", got.text());
    assert!(lea.with(&lea.inbox(), &uid)[0].1.contains("METHOD:REPLY"));

    // Her client, which did not know of it, changes the title: the answer stays.
    let named = asked.replace("Contrôle", "Contrôle du quai");
    assert_eq!(lea.http.request("PUT", &at, &[("If-Schedule-Tag-Match", "\"other\"")], named.as_bytes()).status, 412);
    let put = lea.http.request("PUT", &at, &[("If-Schedule-Tag-Match", &tag)], named.as_bytes());
    assert_eq!(put.status, 204, "{}", put.text());
    assert_ne!(put.header("schedule-tag"), Some(&*tag));
    assert!(lea.one(&uid).1.contains("PARTSTAT=ACCEPTED;SCHEDULE-STATUS=1.2"), "{}", lea.one(&uid).1);
    assert!(paul.one(&uid).1.contains("SUMMARY:Contrôle du quai") && paul.one(&uid).1.contains("PARTSTAT=ACCEPTED:mailto"));

    // Marie may not change what is the organizer's, and declines by removing.
    let (her_at, her) = marie.one(&uid);
    let refused = marie.http.request("PUT", &her_at, &[], her.replace("DTSTART:20301207", "DTSTART:20301208").as_bytes());
    assert!(refused.status == 403 && refused.text().contains("allowed-attendee-scheduling-object-change"), "{}", refused.text());
    assert_eq!(marie.http.request("DELETE", &her_at, &[], b"").status, 204);
    assert!(lea.one(&uid).1.contains("PARTSTAT=DECLINED"), "{}", lea.one(&uid).1);

    // It is called off.
    assert_eq!(lea.http.request("DELETE", &at, &[], b"").status, 204);
    assert!(paul.one(&uid).1.contains("STATUS:CANCELLED"));
    let told = paul.with(&paul.inbox(), &uid);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(paul.http.request("DELETE", &told[0].0, &[], b"").status, 204);
    assert_eq!(paul.with(&paul.inbox(), &uid).len(), 2);
}

#[test]
fn what_invites_nobody() {
    let server = shared();
    let (lea, paul) = (Diary::of(server, 4), Diary::of(server, 3));
    // Somebody else's meeting, imported.
    let uid = unique("imported");
    let asked = meeting(&uid, "jean@elsewhere.example", &[&paul.person.address], "");
    let at = format!("{}{uid}.ics", lea.calendar());
    let put = lea.http.request("PUT", &at, &[], asked.as_bytes());
    assert!(put.status == 201 && put.header("etag").is_some(), "{}", put.text());
    assert!(paul.with(&paul.calendar(), &uid).is_empty());

    // One's own: once, and not by moving it; a copy would be a second one.
    let uid = unique("moved");
    let (at, moved) = (format!("{}{uid}.ics", lea.calendar()), format!("{}{uid}-2.ics", lea.calendar()));
    let asked = meeting(&uid, &lea.person.address, &[&paul.person.address], "");
    assert_eq!(lea.http.request("PUT", &at, &[], asked.as_bytes()).status, 201);
    let copied = lea.http.request("COPY", &at, &[("Destination", &moved)], b"");
    assert!(copied.status == 403 && copied.text().contains("unique-scheduling-object-resource"), "{} {}", copied.status, copied.text());
    let again = lea.http.request("PUT", &moved, &[], asked.as_bytes());
    // The calendar has one of that UID, and so has its owner.
    let why = again.text();
    assert!(again.status >= 400 && (why.contains("unique-scheduling-object-resource") || why.contains("no-uid-conflict")), "{why}");
    assert_eq!(lea.http.request("MOVE", &at, &[("Destination", &moved)], b"").status, 201);
    assert_eq!(paul.with(&paul.inbox(), &uid).len(), 1);
    // The same again changes nothing for anybody.
    let (_, hers) = lea.one(&uid);
    assert_eq!(lea.http.request("PUT", &moved, &[], hers.as_bytes()).status, 204);
    assert_eq!(paul.with(&paul.inbox(), &uid).len(), 1);
    // Paul removes it and does not want her to know.
    let (his_at, _) = paul.one(&uid);
    assert_eq!(paul.http.request("DELETE", &his_at, &[("Schedule-Reply", "F")], b"").status, 204);
    assert!(lea.one(&uid).1.contains("PARTSTAT=NEEDS-ACTION"));
}

#[test]
fn who_does_not_exist_and_what_is_a_message() {
    let server = shared();
    let lea = Diary::of(server, 2);
    let uid = unique("nobody");
    let domain = lea.person.address.split_once('@').unwrap().1;
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, &lea.person.address, &[&format!("nobody-at-all@{domain}")], "");
    assert_eq!(lea.http.request("PUT", &at, &[], asked.as_bytes()).status, 201);
    assert!(lea.one(&uid).1.contains("SCHEDULE-STATUS=3.7"), "{}", lea.one(&uid).1);
    let two = asked.replace("END:VEVENT\r\n", "").replace("END:VCALENDAR", "")
        + "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:"
        + &uid
        + "\r\nDTSTAMP:20261101T080000Z\r\nRECURRENCE-ID:20301207T090000Z\r\nDTSTART:20301207T090000Z\r\nORGANIZER:mailto:other@x.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let refused = lea.http.request("PUT", &at, &[], two.as_bytes());
    assert!(refused.text().contains("same-organizer-in-all-components"), "{} {}", refused.status, refused.text());
    // Nothing can be put into an inbox, nor taken out of it into a calendar.
    let inbox = lea.inbox();
    assert_eq!(lea.http.request("PUT", &format!("{inbox}x.ics"), &[], asked.as_bytes()).status, 403);
    let kind = lea.http.request("PROPFIND", &inbox, &[("Depth", "0")], b"").text();
    assert!(kind.contains("schedule-inbox"), "{kind}");
    let options = lea.http.request("OPTIONS", &format!("/dav/calendars/{}/", lea.person.address), &[], b"");
    assert!(options.header("dav").unwrap().contains("calendar-auto-schedule"));
}

fn free_busy(organizer: &str, people: &[&str]) -> String {
    let people: String = people.iter().map(|person| format!("ATTENDEE:mailto:{person}\r\n")).collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20261130T000000Z\r\nDTSTART:20310101T000000Z\r\n\
         DTEND:20310108T000000Z\r\nORGANIZER:mailto:{organizer}\r\n{people}END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn one_asks_when_others_are_free() {
    let server = shared();
    let (lea, paul) = (Diary::of(server, 3), Diary::of(server, 4));
    let uid = unique("busy");
    let object = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20310102T090000Z\r\n\
         DTEND:20310102T100000Z\r\nRRULE:FREQ=DAILY;COUNT=3\r\nSUMMARY:secret\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    assert_eq!(lea.http.request("PUT", &format!("{}{uid}.ics", lea.calendar()), &[], object.as_bytes()).status, 201);
    let outbox = lea.inbox().replace("inbox", "outbox");
    let domain = lea.person.address.split_once('@').unwrap().1;
    let nobody = format!("nobody@{domain}");
    let asked = free_busy(&lea.person.address, &[&lea.person.address, &paul.person.address, &nobody]);
    let ask = |octets: &str| lea.http.request("POST", &outbox, &[("Content-Type", "text/calendar; charset=utf-8")], octets.as_bytes());
    let answer = ask(&asked);
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    let statuses: Vec<&str> = text.split("request-status>").skip(1).step_by(2).map(|rest| &rest[..3]).collect();
    assert_eq!(statuses, ["2.0", "3.8", "3.7"], "{text}");
    assert!(text.contains("FREEBUSY;FBTYPE=BUSY:20310103T090000Z/20310103T100000Z") && !text.contains("secret"), "{text}");
    assert!(ask(&free_busy(&paul.person.address, &[&lea.person.address])).text().contains("valid-organizer"));
    assert!(ask("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n").text().contains("valid-scheduling-message"));
    // Paul lets her see that much.
    let grant = format!(
        "<D:acl xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:ace><D:principal><D:href>/dav/principals/{}/</D:href></D:principal>\
         <D:grant><D:privilege><C:read-free-busy/></D:privilege></D:grant></D:ace></D:acl>",
        lea.person.address
    );
    let shared = paul.http.request("ACL", &paul.calendar(), &[], grant.as_bytes());
    assert!(shared.status == 200 || shared.status == 403, "{}", shared.text());
    let expected = if shared.status == 200 { "2.0" } else { "3.8" };
    assert_eq!(
        ask(&free_busy(&lea.person.address, &[&paul.person.address])).text().split("request-status>").nth(1).unwrap()[..3],
        *expected
    );
}

/// The commit is one: after SIGKILL an invitation is with everybody or with nobody, and once.
#[test]
fn a_crash_invites_everybody_or_nobody() {
    let folder = tempfile::Builder::new().prefix("octroi-meet-").tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut tried, mut acknowledged) = (Vec::new(), Vec::new());
    for round in 0..3 {
        let server = Server::demo_on(&data);
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let lea = Diary::of(&server, 1);
                let (mut tried, mut acknowledged) = (Vec::new(), Vec::new());
                loop {
                    let uid = unique("crash");
                    tried.push(uid.clone());
                    let asked = meeting(&uid, &lea.person.address, &[&server.user(2).address, &server.user(3).address], "");
                    match lea.http.try_request("PUT", &format!("{}{uid}.ics", lea.calendar()), &[], asked.as_bytes()) {
                        Ok(response) if response.status == 201 => acknowledged.push(uid),
                        _ => return (tried, acknowledged),
                    }
                }
            });
            thread::sleep(Duration::from_millis(400 + 150 * round));
            server.kill();
            let (some, done) = writer.join().unwrap();
            tried.extend(some);
            acknowledged.extend(done);
        });
    }
    let server = Server::demo_on(&data);
    let all = |diary: &Diary<'_>, at: String| diary.with(&at, "UID:crash").into_iter().map(|(_, octets)| octets).collect::<String>();
    let (lea, paul, marie) = (Diary::of(&server, 1), Diary::of(&server, 2), Diary::of(&server, 3));
    let mine = all(&lea, lea.calendar());
    let theirs = [all(&paul, paul.calendar()), all(&paul, paul.inbox()), all(&marie, marie.calendar()), all(&marie, marie.inbox())];
    assert!(!acknowledged.is_empty());
    for uid in &tried {
        let line = format!("UID:{uid}\r\n");
        let count = mine.matches(&line).count();
        assert!(count == 1 || !acknowledged.contains(uid), "{uid} was acknowledged");
        for their in &theirs {
            assert_eq!(their.matches(&line).count(), count, "{uid}");
        }
    }
}

/// Who is let into somebody's calendars may speak for them; a room answers by itself.
pub(crate) const DELEGATES: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "calendars/**"
rights = "lrswite2"
[profile.room]
meets_as = "room"
"#;

/// A room takes what it is free for, in the organizer's own commit; who writes in somebody's calendar speaks for them with the right `2` only.
#[test]
fn rooms_answer_and_delegates_speak() {
    let server = configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", DELEGATES), "");
    let octroi = |arguments: &[&str]| run(OCTROI, &[arguments, &["--config", server.config()]].concat()).good();
    octroi(&["account", "add", "salle@bench.test", "--profile", "room"]);
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let at = |uid: &str| format!("{}{uid}.ics", lea.calendar());
    for (hour, answer) in [("T09", "ACCEPTED"), ("T10", "ACCEPTED"), ("T09", "DECLINED")] {
        let uid = unique("room");
        let asked = meeting(&uid, &lea.person.address, &["salle@bench.test"], "").replace("T090000Z", &format!("{hour}0000Z"));
        let asked =
            asked.replace("DTEND:20301207T100000Z", if hour == "T09" { "DTEND:20301207T100000Z" } else { "DTEND:20301207T113000Z" });
        assert_eq!(lea.http.request("PUT", &at(&uid), &[], asked.as_bytes()).status, 201);
        let (_, hers) = lea.one(&uid);
        assert!(hers.contains(&format!("PARTSTAT={answer}")) && !hers.contains("NEEDS-ACTION"), "{answer}: {hers}");
        if answer == "DECLINED" {
            continue;
        }
        // The same once more changes nothing.
        assert_eq!(lea.http.request("PUT", &at(&uid), &[], hers.as_bytes()).status, 204);
        assert!(lea.one(&uid).1.contains(&format!("PARTSTAT={answer}")));
    }

    let theirs = format!("/dav/calendars/{}/calendar~{}/", paul.person.address, lea.person.address);
    let uid = unique("delegate");
    let asked = meeting(&uid, &lea.person.address, &["salle@bench.test"], "").replace("20301207", "20301210");
    let put = || paul.http.request("PUT", &format!("{theirs}{uid}.ics"), &[], asked.as_bytes());
    octroi(&["share", &lea.person.address, "calendars/calendar", "--with", &format!("{}=lrswite", paul.person.address)]);
    let refused = put();
    assert!(refused.status == 403 && refused.text().contains("need-privileges"), "{} {}", refused.status, refused.text());
    assert!(lea.with(&lea.calendar(), &uid).is_empty());
    octroi(&["share", &lea.person.address, "calendars/calendar", "--with", &format!("{}=lrswite2", paul.person.address)]);
    assert_eq!(put().status, 201);
    assert!(lea.one(&uid).1.contains("PARTSTAT=ACCEPTED;SCHEDULE-STATUS"), "{}", lea.one(&uid).1);
}
