//! What hangs on events (RFC 8607): attached, exchanged and taken off by POST, read by who may read the event, counted and kept with it.

use crate::admin::mint;
use crate::scheduling::{Diary, meeting};
use crate::support::http::{Http, Response, base64};
use crate::support::internet::{Internet, Manner};
use crate::support::process::run;
use crate::support::server::{OCTROI, configured_with_profiles, plain_profile};
use crate::support::{Server, eventually, unique};

const RULES: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "calendars/**"
rights = "lrswite1"
"#;

fn world() -> Server {
    let limits = "[limits.dav]\nattachment_bytes_max = 2000000\nattachments_max = 3\n";
    configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", RULES), limits)
}

fn octroi(server: &Server, arguments: &[&str]) {
    run(OCTROI, &[arguments, &["--config", server.config()]].concat()).good();
}

fn share(server: &Server, of: &Diary<'_>, with: &Diary<'_>, rights: &str) {
    octroi(server, &["share", &of.person.address, "calendars/calendar", "--with", &format!("{}={rights}", with.person.address)]);
}

/// A weekly meeting of somebody's with themselves, by its URL.
fn event(of: &Diary<'_>, uid: &str, more: &str) -> String {
    let at = format!("{}{uid}.ics", of.calendar());
    let octets = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20301207T090000Z\r\n\
         DTEND:20301207T100000Z\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\nSUMMARY:Contrôle\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let put = of.http.request("PUT", &at, &[], octets.as_bytes());
    assert_eq!(put.status, 201, "{}", put.text());
    at
}

fn post(by: &Diary<'_>, at: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    by.http.request("POST", &format!("{at}?{query}"), headers, body)
}

fn add(by: &Diary<'_>, at: &str, name: &str, body: &[u8]) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    post(by, at, "action=attachment-add", &[("Content-Type", "text/plain; charset=utf-8"), ("Content-Disposition", &disposition)], body)
}

fn id_of(response: &Response) -> String {
    response.header("cal-managed-id").unwrap_or_else(|| panic!("{} {}", response.status, response.text())).to_owned()
}

fn unfolded(response: &Response) -> String {
    response.text().replace("\r\n ", "")
}

/// The path of the first managed attachment in an object.
fn path_in(object: &str) -> String {
    let line = object.lines().find(|line| line.contains("MANAGED-ID=")).unwrap_or_else(|| panic!("{object}"));
    line[line.find("/dav/attachments/").unwrap()..].trim().to_owned()
}

#[track_caller]
fn refused(response: &Response, element: &str) {
    assert!(
        response.status == 403 && response.text().contains(&format!("C:{element}")),
        "{element}: {} {}",
        response.status,
        response.text()
    );
}

#[test]
fn something_is_attached_exchanged_and_taken_off() {
    let server = world();
    let lea = Diary::of(&server, 1);
    let options = lea.http.request("OPTIONS", &lea.calendar(), &[], b"");
    let classes = options.header("dav").unwrap();
    assert!(classes.contains("calendar-managed-attachments") && !classes.contains("no-recurrence"), "{classes}");
    let properties = b"<propfind xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop><C:managed-attachments-server-URL/>\
        <C:max-attachment-size/><C:max-attachments-per-resource/></prop></propfind>";
    let told = lea.http.request("PROPFIND", &lea.calendar(), &[("Depth", "0")], properties).text();
    assert!(told.contains("max-attachment-size>2000000<") && told.contains("max-attachments-per-resource>3<"), "{told}");
    let home = lea.calendar().replace("calendar/", "");
    let told = lea.http.request("PROPFIND", &home, &[("Depth", "0")], properties).text();
    assert!(told.contains("<C:managed-attachments-server-URL") && told.contains("200 OK"), "{told}");

    let uid = unique("attached");
    let at = event(&lea, &uid, "X-ODD:  kept \r\n");
    let before = lea.http.request("GET", &at, &[], b"");
    let added = add(&lea, &at, "décret n° 4.txt", b"Okapi");
    assert_eq!(added.status, 201, "{}", added.text());
    let id = id_of(&added);
    let after = lea.http.request("GET", &at, &[], b"");
    assert_eq!(added.header("etag"), after.header("etag"));
    let object = unfolded(&after);
    let line = object.lines().find(|line| line.contains("ATTACH")).unwrap();
    let (head, uri) = line.split_once(":https://").unwrap();
    assert_eq!(head, format!("ATTACH;MANAGED-ID={id};FMTTYPE=text/plain;SIZE=5;FILENAME=décret n° 4.txt"));
    assert_eq!(format!("https://{uri}"), added.header("location").unwrap());
    assert_eq!(object.replace(&format!("{line}\r\n"), ""), unfolded(&before), "nothing else is rewritten");

    let path = path_in(&object);
    let got = lea.http.request("GET", &path, &[], b"");
    assert_eq!((got.status, got.text().as_str(), got.header("content-type")), (200, "Okapi", Some("text/plain")));
    assert_eq!(got.header("content-disposition"), Some("attachment; filename*=UTF-8''d%C3%A9cret%20n%C2%B0%204.txt"));
    assert!(got.header("content-security-policy").unwrap().contains("sandbox") && got.header("x-content-type-options").is_some());
    let part = lea.http.request("GET", &path, &[("Range", "bytes=1-2")], b"");
    assert_eq!((part.status, part.text().as_str(), part.header("content-range")), (206, "ka", Some("bytes 1-2/5")));
    let etag = got.header("etag").unwrap();
    assert_eq!(lea.http.request("GET", &path, &[("If-None-Match", etag)], b"").status, 304);
    let head = lea.http.request("HEAD", &path, &[], b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("5"), 0));
    for method in ["PUT", "DELETE", "PROPFIND"] {
        assert_eq!(lea.http.request(method, &path, &[], b"x").status, 405, "{method}");
    }

    // Another in its place, with the object as it is then.
    let large = vec![b'x'; 1_500_000];
    let asked = [("Content-Type", "application/pdf"), ("Prefer", "return=representation"), ("If-Match", after.header("etag").unwrap())];
    let updated = post(&lea, &at, &format!("action=attachment-update&managed-id={id}"), &asked, &large);
    assert_eq!((updated.status, updated.header("content-location")), (200, Some(&*at)));
    assert!(updated.header("content-type").unwrap().starts_with("text/calendar"));
    let object = unfolded(&updated);
    assert!(object.contains("FMTTYPE=application/pdf;SIZE=1500000;FILENAME=attachment:") && !object.contains(&id), "{object}");
    assert_ne!(id_of(&updated), id);
    assert_eq!(lea.http.request("GET", &path, &[], b"").status, 404, "no event carries it any more");
    let path = path_in(&object);
    assert_eq!(lea.http.request("GET", &path, &[], b"").body, large);
    let again = post(&lea, &at, &format!("action=attachment-update&managed-id={id}"), &[], b"x");
    refused(&again, "valid-managed-id");
    assert_eq!(post(&lea, &at, "action=attachment-add", &[("If-Match", "\"other\"")], b"x").status, 412);

    // What was acknowledged is there after the power went.
    let server = server.killed_and_started_again();
    let lea = Diary::of(&server, 1);
    assert_eq!(lea.http.request("GET", &path, &[], b"").body, large);
    let removed = post(&lea, &at, &format!("action=attachment-remove&managed-id={}", id_of(&updated)), &[], b"");
    assert_eq!((removed.status, removed.header("cal-managed-id")), (204, None));
    assert_eq!(lea.http.request("GET", &at, &[], b"").text(), before.text(), "octet for octet");
    assert_eq!(lea.http.request("GET", &path, &[], b"").status, 404);
}

#[test]
fn who_may_read_the_event_may_read_it() {
    let server = world();
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let uid = unique("shared");
    let at = event(&lea, &uid, "");
    assert_eq!(add(&lea, &at, "a.txt", b"Okapi").status, 201);
    let path = path_in(&unfolded(&lea.http.request("GET", &at, &[], b"")));
    let read = |by: &Diary<'_>| by.http.request("GET", &path, &[], b"").status;
    assert_eq!((read(&lea), read(&paul)), (200, 404));
    assert_eq!(paul.http.request("DELETE", &path, &[], b"").status, 404, "whether it is there is not told");
    let store = lea.calendar().replace("calendar/", ".attachments/");
    assert_eq!(lea.http.request("PROPFIND", &store, &[("Depth", "1")], b"").status, 404, "there is no other way to them");
    share(&server, &lea, &paul, "l1");
    assert_eq!(read(&paul), 404, "who sees when she is busy sees no more");
    share(&server, &lea, &paul, "lr");
    assert_eq!(read(&paul), 200);
    let theirs =
        at.replacen(&lea.person.address, &paul.person.address, 1).replace("/calendar/", &format!("/calendar~{}/", lea.person.address));
    let refused = add(&paul, &theirs, "b.txt", b"b");
    assert!(refused.status == 403 && refused.text().contains("need-privileges"), "{} {}", refused.status, refused.text());
    share(&server, &lea, &paul, "lrw");
    assert_eq!(add(&paul, &theirs, "b.txt", b"b").status, 201);
    let both = unfolded(&lea.http.request("GET", &at, &[], b""));
    let his = path_in(both[both.find("FILENAME=a.txt").unwrap()..].split_once('\n').unwrap().1);
    assert_eq!(lea.http.request("GET", &his, &[], b"").text(), "b", "it is hers, as the event is");
    // What is private is hers alone.
    let private = both.replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY");
    assert_eq!(lea.http.request("PUT", &at, &[], private.as_bytes()).status, 204);
    assert_eq!((read(&lea), read(&paul)), (200, 404));
    assert_eq!(lea.http.request("PUT", &at, &[], both.as_bytes()).status, 204);
    assert_eq!(read(&paul), 200);
    octroi(&server, &["share", &lea.person.address, "calendars/calendar"]);
    assert_eq!(read(&paul), 404, "from the next request on");
}

/// Who is invited has a copy of the event, and reads what hangs on it for as long as it does; to change it is the organizer's affair.
#[test]
fn who_is_invited_reads_it_and_leaves_it_as_it_is() {
    let server = world();
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let uid = unique("invited");
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, &lea.person.address, &[&paul.person.address], "");
    assert_eq!(lea.http.request("PUT", &at, &[], asked.as_bytes()).status, 201);
    let added = add(&lea, &at, "agenda.txt", b"agenda");
    assert_eq!(added.status, 201, "{}", added.text());
    assert!(added.header("schedule-tag").is_some());
    let (his_at, his) = paul.one(&uid);
    let path = path_in(&his.replace("\r\n ", ""));
    assert_eq!(paul.http.request("GET", &path, &[], b"").text(), "agenda");
    let line = format!("ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:{}", paul.person.address);
    let accepted = his.replace(&line, &line.replace("NEEDS-ACTION", "ACCEPTED").replace(";RSVP=TRUE", ""));
    assert_ne!(accepted, his);
    assert_eq!(paul.http.request("PUT", &his_at, &[], accepted.as_bytes()).status, 204, "he answers with it in the event");
    // What hangs on it is the organizer's affair (section 3.12.2), by POST and by PUT.
    let number = id_of(&added);
    for query in [
        "action=attachment-add".to_owned(),
        format!("action=attachment-update&managed-id={number}"),
        format!("action=attachment-remove&managed-id={number}"),
    ] {
        refused(&post(&paul, &his_at, &query, &[], b"x"), "allowed-attendee-scheduling-object-change");
    }
    let his = paul.one(&uid).1.replace("\r\n ", "");
    let line = his.lines().find(|line| line.contains("MANAGED-ID")).unwrap().to_owned();
    let without = his.replace(&format!("{line}\r\n"), "");
    refused(&paul.http.request("PUT", &his_at, &[], without.as_bytes()), "allowed-attendee-scheduling-object-change");
    // Nor does he use it in an event of his own, but his copy may lie in another calendar.
    let own = unique("own");
    let again = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:{own}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20301207T090000Z\r\n{line}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let at_own = format!("{}{own}.ics", paul.calendar());
    refused(&paul.http.request("PUT", &at_own, &[], again.as_bytes()), "valid-managed-id-parameter");
    let other = paul.calendar().replace("/calendar/", "/other/");
    assert_eq!(paul.http.request("MKCALENDAR", &other, &[], b"").status, 201);
    let moved = paul.http.request("MOVE", &his_at, &[("Destination", &format!("{other}moved.ics"))], b"");
    assert!(moved.status == 201, "{} {}", moved.status, moved.text());
    assert_eq!(paul.http.request("GET", &path, &[], b"").text(), "agenda");
    let removed = post(&lea, &at, &format!("action=attachment-remove&managed-id={}", id_of(&added)), &[], b"");
    assert_eq!(removed.status, 204, "{}", removed.text());
    let his = paul.http.request("GET", &format!("{other}moved.ics"), &[], b"").text();
    assert!(his.contains(&uid) && !his.contains("MANAGED-ID"), "{his}");
    assert_eq!(paul.http.request("GET", &path, &[], b"").status, 404);
}

#[test]
fn what_is_wrong_is_told_by_name() {
    let server = world();
    let lea = Diary::of(&server, 1);
    let uid = unique("wrong");
    let at = event(&lea, &uid, "");
    let before = lea.http.request("GET", &at, &[], b"").text();
    for (query, element) in [
        ("action=bogus", "valid-action"),
        ("action=attachment-add&managed-id=x", "valid-managed-id"),
        ("action=attachment-remove&managed-id=x", "valid-managed-id"),
        ("action=attachment-update&managed-id=x", "valid-managed-id"),
        ("action=attachment-update&managed-id=x&rid=M", "valid-rid"),
        ("action=attachment-add&action=attachment-add", "valid-action"),
        ("action=attachment-add&rid=20301208T090000Z", "valid-rid"),
        ("action=attachment-add&rid=soon", "valid-rid"),
    ] {
        refused(&post(&lea, &at, query, &[], b"x"), element);
    }
    refused(&post(&lea, &at, "action=attachment-add", &[], &vec![b'x'; 2_000_001]), "max-attachment-size");
    let missing = at.replace(&uid, "nothing");
    assert_eq!(post(&lea, &missing, "action=attachment-add", &[], b"x").status, 404);
    assert_eq!(lea.http.request("GET", &at, &[], b"").text(), before);
    for name in ["1", "2", "3"] {
        assert_eq!(add(&lea, &at, name, name.as_bytes()).status, 201);
    }
    refused(&add(&lea, &at, "4", b"4"), "max-attachments-per-resource");
}

/// An event that is put may carry what its sender may read, and nothing that is made up.
#[test]
fn nobody_puts_a_number_that_they_may_not_read() {
    let server = world();
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let at = event(&lea, &unique("first"), "");
    assert_eq!(add(&lea, &at, "1", b"1").status, 201);
    let line = unfolded(&lea.http.request("GET", &at, &[], b"")).lines().find(|line| line.contains("MANAGED-ID")).unwrap().to_owned();
    let other = unique("other");
    let again = event(&lea, &other, &format!("{line}\r\n"));
    let path = path_in(&line);
    // A size that is not true is put right (section 3.7), and no entity tag says that it is as it was sent. Nothing else moves.
    assert!(line.contains(";SIZE=1;"), "{line}");
    let now = unfolded(&lea.http.request("GET", &again, &[], b""));
    for (octets, is_as_sent) in [(now.replace(";SIZE=1;", ";SIZE=999;"), false), (now.replace(";SIZE=1;", ";"), true), (now.clone(), true)]
    {
        let put = lea.http.request("PUT", &again, &[], octets.as_bytes());
        assert_eq!((put.status, put.header("etag").is_some()), (204, is_as_sent), "{octets}");
        let kept = unfolded(&lea.http.request("GET", &again, &[], b""));
        assert_eq!(kept, if is_as_sent { octets } else { now.clone() });
    }
    let wrong = event(&lea, &unique("wrong"), &format!("{}\r\n", line.replace(";SIZE=1;", ";SIZE=0;")));
    assert!(unfolded(&lea.http.request("GET", &wrong, &[], b"")).contains(&line));
    assert_eq!(lea.http.request("DELETE", &wrong, &[], b"").status, 204);
    assert_eq!(lea.http.request("DELETE", &at, &[], b"").status, 204);
    assert_eq!(lea.http.request("GET", &path, &[], b"").text(), "1", "the second event carries it too");
    let forge = |by: &Diary<'_>, line: &str| {
        let uid = unique("forged");
        let octets = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20301207T090000Z\r\n{line}\r\n\
             END:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        by.http.request("PUT", &format!("{}{uid}.ics", by.calendar()), &[], octets.as_bytes())
    };
    refused(&forge(&paul, &line), "valid-managed-id-parameter");
    refused(&forge(&lea, "ATTACH;MANAGED-ID=none:https://example.com/a.txt"), "valid-managed-id-parameter");
    refused(&forge(&lea, &line.replace("/dav/attachments/", "/dav/attachments/x")), "valid-managed-id-parameter");
    assert_eq!(paul.http.request("GET", &path, &[], b"").status, 404);
    // Nor does it help to know the number and the UID, and to have an organizer elsewhere.
    let number = line.split("MANAGED-ID=").nth(1).unwrap().split(';').next().unwrap();
    for (status, line) in [
        (403, format!("ORGANIZER:mailto:jean@elsewhere.example\r\nATTACH;MANAGED-ID={number}:https://example.com/a.txt")),
        (201, format!("X-A;MANAGED-ID={number}:{path}")),
        (204, format!("DESCRIPTION:ATTACH\\;MANAGED-ID={number}:{path}")),
    ] {
        let octets = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:{other}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20301207T090000Z\r\n{line}\r\n\
             END:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let put = paul.http.request("PUT", &format!("{}{other}.ics", paul.calendar()), &[], octets.as_bytes());
        assert_eq!(put.status, status, "{line}");
        assert_eq!(paul.http.request("GET", &path, &[], b"").status, 404, "{line}");
    }
    // What another server manages comes with its organizer's meeting.
    let foreign = "ORGANIZER:mailto:jean@elsewhere.example\r\nATTACH;MANAGED-ID=none:https://example.com/a.txt";
    assert_eq!(forge(&lea, foreign).status, 201);
    // Dropped by a PUT it is gone for everybody.
    let without = lea.http.request("GET", &again, &[], b"").text().replace("\r\n ", "").replace(&format!("{line}\r\n"), "");
    assert_eq!(lea.http.request("PUT", &again, &[], without.as_bytes()).status, 204);
    assert_eq!(lea.http.request("GET", &path, &[], b"").status, 404);
}

#[test]
fn one_instance_of_a_series_and_the_quota() {
    let server = world();
    let lea = Diary::of(&server, 1);
    let uid = unique("series");
    let at = event(&lea, &uid, "");
    let added = post(&lea, &at, "action=attachment-add&rid=20301214T090000Z", &[("Prefer", "return=representation")], b"minutes");
    let object = unfolded(&added);
    assert_eq!(added.status, 201, "{object}");
    assert!(object.contains("RECURRENCE-ID:20301214T090000Z") && object.matches("MANAGED-ID").count() == 1, "{object}");
    let both = post(&lea, &at, "action=attachment-add&rid=M,20301221T090000Z", &[("Prefer", "return=representation")], b"plan");
    let object = unfolded(&both);
    assert_eq!((object.matches("BEGIN:VEVENT").count(), object.matches(&id_of(&both)).count()), (3, 4), "{object}");
    let removed = post(&lea, &at, &format!("action=attachment-remove&managed-id={}&rid=m", id_of(&both)), &[], b"");
    assert_eq!(removed.status, 204);
    let object = unfolded(&lea.http.request("GET", &at, &[], b""));
    assert_eq!(object.matches(&id_of(&both)).count(), 2, "the instance has it still: {object}");

    octroi(&server, &["quota", "set", &lea.person.address, "calendars", "20K"]);
    let over = add(&lea, &at, "large", &vec![b'x'; 30_000]);
    assert!(over.status == 507 && over.text().contains("quota-not-exceeded"), "{} {}", over.status, over.text());
    assert_eq!(unfolded(&lea.http.request("GET", &at, &[], b"")), object);
    assert_eq!(add(&lea, &at, "small", b"small").status, 201);
}

/// The account is gone and made anew, so that it has another number: what hung on its events hangs there again, at the address that stands in them.
/// Before that a restore brought back the lines only, and into a calendar of its own what hung on them.
#[test]
fn a_restore_brings_back_what_hangs_on_events() {
    let server = world();
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup").to_str().unwrap().to_owned();
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let (kept, gone) = (event(&lea, &unique("kept"), ""), event(&lea, &unique("gone"), ""));
    assert_eq!(add(&lea, &kept, "kept.txt", b"kept").status, 201);
    let added = add(&lea, &gone, "gone.txt", b"gone");
    assert_eq!(added.status, 201);
    let path = path_in(&unfolded(&lea.http.request("GET", &kept, &[], b"")));
    let dropped = path_in(&unfolded(&lea.http.request("GET", &gone, &[], b"")));
    // What nothing carries at that moment does not come back.
    let removed = post(&lea, &gone, &format!("action=attachment-remove&managed-id={}", id_of(&added)), &[], b"");
    assert_eq!(removed.status, 204);
    let said = proppatched(&lea);
    assert!(said.contains("200 OK"), "{said}");
    octroi(&server, &["backup", "create", &backup]);
    let restore = |more: &[&str]| {
        let whose = ["backup", "restore", &backup, "--account", &lea.person.address, "--config", server.config()];
        run(OCTROI, &[&whose, more].concat()).good()
    };
    // Beside what is there: no calendar of attachments, none of an inbox, and nothing twice.
    let home = lea.calendar().replace("calendar/", "");
    let calendars = |of: &Http| {
        let told =
            of.request("PROPFIND", &home, &[("Depth", "1")], b"<propfind xmlns=\"DAV:\"><prop><resourcetype/></prop></propfind>").text();
        let members = told.split("<D:response>").filter(|one| one.contains("<C:calendar/>"));
        members.filter_map(|one| one.split("<D:href>").nth(1)?.split('<').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    restore(&["--folder", "calendars/calendar"]);
    restore(&[]);
    let beside = calendars(&lea.http);
    assert_eq!(beside.len(), 2, "{beside:?}");
    assert!(restore(&[]).contains(": 0 items"));

    octroi(&server, &["account", "remove", &lea.person.address]);
    assert_eq!(paul.http.request("GET", &path, &[], b"").status, 404);
    let said = restore(&["--create", "--in-place"]);
    assert!(said.contains(": 3 items"), "two events and an attachment: {said}");
    let (secret, _) = mint(&server, &lea.person.address, "caldav");
    let anew = Diary { http: Http::with(&server, &lea.person.address, &secret), person: lea.person };
    assert_eq!(calendars(&anew.http).len(), 1);
    let got = anew.http.request("GET", &path, &[], b"");
    assert_eq!((got.status, got.text().as_str()), (200, "kept"));
    assert_eq!(anew.http.request("GET", &dropped, &[], b"").status, 404);
    assert_eq!(paul.http.request("GET", &path, &[], b"").status, 404, "still hers alone");
    let told = anew.http.request("PROPFIND", &anew.inbox(), &[("Depth", "0")], AVAILABILITY.as_bytes()).text();
    assert!(told.contains("BEGIN:VAVAILABILITY"), "the inbox is one again, with what it says: {told}");
    // It goes on as any other: kept by a PUT, used in another event, exchanged, and no second time brought back.
    let object = anew.http.request("GET", &kept, &[], b"").text();
    assert_eq!(anew.http.request("PUT", &kept, &[], object.replace("Contrôle", "Autre").as_bytes()).status, 204);
    let line = unfolded(&anew.http.request("GET", &kept, &[], b"")).lines().find(|line| line.contains("MANAGED-ID")).unwrap().to_owned();
    event(&anew, &unique("again"), &format!("{line}\r\n"));
    assert_eq!(add(&anew, &gone, "new.txt", b"new").status, 201);
    assert!(restore(&["--in-place"]).contains(": 0 items"));
    let number = line.split("MANAGED-ID=").nth(1).unwrap().split(';').next().unwrap();
    let updated = post(&anew, &kept, &format!("action=attachment-update&managed-id={number}"), &[], b"other");
    assert_eq!(updated.status, 204, "{}", updated.text());
}

const AVAILABILITY: &str =
    "<propfind xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop><C:calendar-availability/></prop></propfind>";

/// Say at the inbox when one can be asked.
fn proppatched(of: &Diary<'_>) -> String {
    let body = "<D:propertyupdate xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:set><D:prop><C:calendar-availability>BEGIN:VCALENDAR\n\
        VERSION:2.0\nPRODID:-//x//y//EN\nBEGIN:VAVAILABILITY\nUID:v\nDTSTAMP:20260101T000000Z\nEND:VAVAILABILITY\nEND:VCALENDAR\n\
        </C:calendar-availability></D:prop></D:set></D:propertyupdate>";
    of.http.request("PROPPATCH", &of.inbox(), &[("Content-Type", "application/xml")], body.as_bytes()).text()
}

/// Who is asked from elsewhere cannot read what hangs on a meeting here: it goes along with the mail, or is named there.
#[test]
fn people_elsewhere_get_what_hangs_on_a_meeting_by_mail() {
    let internet = Internet::start();
    let host = internet.domain("b.example", Manner::default());
    let limits = "[limits.gate]\nmailed_attachments_bytes_max = 3000\nmailed_attachments_total_bytes_max = 4000\n";
    let server = configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", RULES), &format!("{}{limits}", internet.settings()));
    let lea = Diary::of(&server, 1);
    let uid = unique("outside");
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, &lea.person.address, &["jean@b.example"], "");
    assert_eq!(lea.http.request("PUT", &at, &[], asked.as_bytes()).status, 201);
    // The last of so many mails, with its parts as they were before they were encoded.
    let mail = |count: usize| {
        let all = eventually("the mail", || Some(host.received()).filter(|all| all.len() == count));
        String::from_utf8(all[count - 1].data.clone()).unwrap()
    };
    assert!(!mail(1).contains("multipart/mixed"));

    // With the change that attaches it.
    let small = "0123456789".repeat(6);
    let id = id_of(&add(&lea, &at, "plan.txt", small.as_bytes()));
    let sent = mail(2);
    let encoded = base64(small.as_bytes());
    assert!(sent.contains("multipart/mixed") && sent.contains("plan.txt") && sent.contains(&format!("<{id}@")), "{sent}");
    assert!(sent.replace("\r\n", "").contains(&encoded), "{sent}");
    assert!(!sent.contains("/dav/attachments/") && !sent.contains("MANAGED-ID"), "{sent}");

    // With a later one, beside what is too large.
    assert_eq!(add(&lea, &at, "film.txt", &[b'x'; 3500]).status, 201);
    let sent = mail(3);
    assert!(sent.contains(&format!("<{id}@")) && sent.contains("film.txt") && sent.matches("Content-ID").count() == 1, "{sent}");
    // Who is asked later gets it too; the object has it as before.
    let (_, now) = lea.one(&uid);
    let more = now.replace("\r\n ", "").replace("END:VEVENT", "ATTENDEE:mailto:marie@b.example\r\nEND:VEVENT");
    assert_eq!(lea.http.request("PUT", &at, &[], more.as_bytes()).status, 204);
    let sent = mail(4);
    assert!(sent.contains("marie@b.example") && sent.contains(&format!("<{id}@")), "{sent}");
    assert!(lea.one(&uid).1.replace("\r\n ", "").contains(&format!("MANAGED-ID={id}")));

    // Two mails about one change share what is carried.
    let half = add(&lea, &at, "half.txt", &[b'y'; 2500]);
    assert_eq!(half.status, 201);
    mail(6);
    for sent in host.received().iter().skip(4).map(|mail| String::from_utf8_lossy(&mail.data).into_owned()) {
        assert!(sent.contains(&format!("<{id}@")) && sent.contains("half.txt") && !sent.contains(&format!("<{}@", id_of(&half))), "{sent}");
    }
}
