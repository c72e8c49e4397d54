//! When people and rooms can be asked (RFC 7953): said at the inbox or in a calendar, and heard by who asks when they are free.

use crate::admin::mint;
use crate::scheduling::{Diary, meeting};
use crate::support::http::Http;
use crate::support::process::run;
use crate::support::server::{OCTROI, configured_with_profiles, plain_profile};
use crate::support::{Server, unique};

/// A room answers by itself, and may say over CalDAV when it is open.
const ROOM: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "calendars/**"
rights = "lrswite1"
[profile.room]
meets_as = "room"
[profile.room.services]
caldav = ["*"]
[profile.room.second_factor]
"*" = "enrolment"
[[profile.room.rule]]
owner = "self"
path = "**"
rights = "lrswipkxtea"
"#;

/// From nine to five in Paris, all days: in winter that is eight to four in UTC.
const OPEN: &str = "BEGIN:AVAILABLE\nUID:open\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Paris:20260105T090000\n\
                    DTEND;TZID=Europe/Paris:20260105T170000\nRRULE:FREQ=DAILY\nSUMMARY:secret hours\nEND:AVAILABLE\n";

fn calendar(body: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{body}END:VCALENDAR\n")
}

fn hours(uid: &str, more: &str) -> String {
    calendar(&format!("BEGIN:VAVAILABILITY\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{more}{OPEN}END:VAVAILABILITY\n"))
}

fn proppatch(http: &Http, at: &str, namespace: &str, value: Option<&str>) -> (u16, String) {
    let (act, text) = value.map_or(("remove", ""), |text| ("set", text));
    let body = format!(
        "<D:propertyupdate xmlns:D=\"DAV:\" xmlns:C=\"{namespace}\"><D:{act}><D:prop><C:calendar-availability>{text}</C:calendar-availability>\
         </D:prop></D:{act}></D:propertyupdate>"
    );
    let answer = http.request("PROPPATCH", at, &[("Content-Type", "application/xml")], body.as_bytes());
    (answer.status, answer.text())
}

const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
const APPLE: &str = "http://calendarserver.org/ns/";

fn read(http: &Http, at: &str, namespace: &str) -> String {
    let body = format!("<D:propfind xmlns:D=\"DAV:\" xmlns:C=\"{namespace}\"><D:prop><C:calendar-availability/></D:prop></D:propfind>");
    http.request("PROPFIND", at, &[("Depth", "0")], body.as_bytes()).text()
}

/// What the outbox says of one day of somebody's.
fn asked(of: &Diary<'_>, about: &str) -> String {
    let question = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20261130T000000Z\r\nDTSTART:20310107T000000Z\r\n\
         DTEND:20310108T000000Z\r\nORGANIZER:mailto:{}\r\nATTENDEE:mailto:{about}\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n",
        of.person.address
    );
    let outbox = of.inbox().replace("inbox", "outbox");
    let answer = of.http.request("POST", &outbox, &[("Content-Type", "text/calendar")], question.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

const MORNING: &str = "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20310107T000000Z/20310107T080000Z";
const EVENING: &str = "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20310107T160000Z/20310108T000000Z";

fn world() -> Server {
    configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", ROOM), "")
}

#[test]
fn what_is_said_at_the_inbox_is_kept_and_heard() {
    let server = world();
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let inbox = lea.inbox();
    let options = lea.http.request("OPTIONS", &inbox, &[], b"");
    assert!(options.header("dav").unwrap().contains("calendar-availability"));
    assert!(read(&lea.http, &inbox, CALDAV).contains("404 Not Found"));

    let (status, told) = proppatch(&lea.http, &inbox, CALDAV, Some(&hours("lea", "")));
    assert!(status == 207 && told.contains("200 OK"), "{told}");
    for namespace in [CALDAV, APPLE] {
        assert!(read(&lea.http, &inbox, namespace).contains("SUMMARY:secret hours"), "{namespace}");
    }
    let all = lea.http.request("PROPFIND", &inbox, &[("Depth", "0")], b"<D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>").text();
    assert!(!all.contains("VAVAILABILITY"), "{all}");

    // She hears it, and an event stands over it.
    let uid = unique("early");
    let early = calendar(&format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:20310107T060000Z\nDTEND:20310107T070000Z\nEND:VEVENT\n"
    ));
    let told = asked(&lea, &lea.person.address);
    assert!(told.contains(MORNING) && told.contains(EVENING), "{told}");
    assert_eq!(lea.http.request("PUT", &format!("{}{uid}.ics", lea.calendar()), &[], early.as_bytes()).status, 201);
    let told = asked(&lea, &lea.person.address);
    assert!(
        told.contains("UNAVAILABLE:20310107T000000Z/20310107T060000Z") && told.contains("BUSY:20310107T060000Z/20310107T070000Z"),
        "{told}"
    );

    // Paul hears as much as he may: nothing, then when she cannot be asked; never what she wrote.
    assert!(asked(&paul, &lea.person.address).contains("3.8"));
    let share =
        ["share", &lea.person.address, "calendars/calendar", "--with", &format!("{}=l1", paul.person.address), "--config", server.config()];
    run(OCTROI, &share).good();
    let told = asked(&paul, &lea.person.address);
    assert!(told.contains(EVENING) && !told.contains("secret"), "{told}");
    let hers = inbox.replace(&lea.person.address, &paul.person.address).replace("inbox/", &format!("inbox~{}/", lea.person.address));
    assert!(!read(&paul.http, &hers, CALDAV).contains("secret"));

    // What is none leaves what there is.
    for (text, rule) in [
        ("soon".to_owned(), "valid-calendar-data"),
        (hours("x", "").replace("VERSION:2.0", "VERSION:1.0"), "supported-calendar-data"),
        (hours("x", "DTSTART;VALUE=DATE:20260101\n"), "valid-calendar-data"),
        (early, "valid-calendar-data"),
        (hours("x", &format!("DESCRIPTION:{}\n", "a".repeat(20_000))), "max-resource-size"),
    ] {
        let (status, told) = proppatch(&lea.http, &inbox, CALDAV, Some(&text));
        assert!(status == 207 && told.contains("403 Forbidden") && told.contains(rule), "{rule}: {told}");
    }
    let (_, told) = proppatch(&lea.http, &lea.calendar(), CALDAV, Some(&hours("x", "")));
    assert!(told.contains("cannot-modify-protected-property"), "only the inbox has it: {told}");
    assert!(asked(&lea, &lea.person.address).contains(EVENING));
    let (_, told) = proppatch(&lea.http, &inbox, APPLE, None);
    assert!(told.contains("200 OK"), "{told}");
    assert!(!asked(&lea, &lea.person.address).contains("UNAVAILABLE"));
}

#[test]
fn an_object_in_a_calendar_says_it_too() {
    let server = world();
    let lea = Diary::of(&server, 1);
    let uid = unique("hours");
    let at = format!("{}{uid}.ics", lea.calendar());
    let put = |octets: &str| lea.http.request("PUT", &at, &[], octets.as_bytes());
    let refused = put(&hours(&uid, "DURATION:P1D\n"));
    assert!(refused.status == 403 && refused.text().contains("no DTSTART"), "{}", refused.text());
    assert_eq!(put(&hours(&uid, "DTSTART:20300101T000000Z\n")).status, 201);
    let got = lea.http.request("GET", &at, &[], b"");
    assert_eq!(got.text(), hours(&uid, "DTSTART:20300101T000000Z\n"), "octet for octet");

    let report = |body: &str| lea.http.request("REPORT", &lea.calendar(), &[("Depth", "1")], body.as_bytes()).text();
    let busy = report(
        "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:time-range start=\"20310107T000000Z\" end=\"20310108T000000Z\"/>\
         </C:free-busy-query>",
    );
    assert!(busy.contains(MORNING) && busy.contains(EVENING) && !busy.contains("secret"), "{busy}");
    let found = |start: &str, end: &str| {
        report(&format!(
            "<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop><C:filter>\
             <C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VAVAILABILITY\"><C:time-range start=\"{start}\" end=\"{end}\"/>\
             </C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        ))
        .contains(&uid)
    };
    assert!(found("20310107T000000Z", "20310108T000000Z") && !found("20290107T000000Z", "20290108T000000Z"));

    // At the inbox she says that this one day is another: with no priority she is available when the calendar says so, and with one she is not.
    let inbox = lea.inbox();
    let day = |priority: &str| {
        let times = "DTSTART:20310107T000000Z\nDTEND:20310108T000000Z\n";
        calendar(&format!("BEGIN:VAVAILABILITY\nUID:d\nDTSTAMP:20260101T000000Z\n{times}BUSYTYPE:BUSY\n{priority}END:VAVAILABILITY\n"))
    };
    for (priority, until) in [("", "20310107T080000Z"), ("PRIORITY:1\n", "20310108T000000Z")] {
        assert_eq!(proppatch(&lea.http, &inbox, CALDAV, Some(&day(priority))).0, 207);
        let told = asked(&lea, &lea.person.address);
        assert!(told.contains(&format!("FREEBUSY;FBTYPE=BUSY:20310107T000000Z/{until}")), "{priority}: {told}");
    }
}

#[test]
fn a_room_declines_what_is_outside_its_hours() {
    let server = world();
    let room = "salle@bench.test";
    run(OCTROI, &["account", "add", room, "--profile", "room", "--config", server.config()]).good();
    let (secret, _) = mint(&server, room, "caldav");
    let (lea, keeper) = (Diary::of(&server, 1), Http::with(&server, room, &secret));
    let answer = |hour: &str| {
        let uid = unique("room");
        let asked = meeting(&uid, &lea.person.address, &[room], "");
        let asked = asked.replace("T090000Z", &format!("T{hour}0000Z")).replace("T100000Z", &format!("T{hour}3000Z"));
        assert_eq!(lea.http.request("PUT", &format!("{}{uid}.ics", lea.calendar()), &[], asked.as_bytes()).status, 201);
        let hers = lea.one(&uid).1.replace("\r\n ", "");
        let line = hers.lines().find(|line| line.contains("PARTSTAT") && line.contains("salle")).unwrap_or_default().to_owned();
        assert!(!hers.contains("NEEDS-ACTION"), "{hers}");
        line
    };
    assert!(answer("05").contains("ACCEPTED"), "it has said nothing yet");
    // Its inbox is made when somebody asks where it is.
    let principal = format!("/dav/principals/{room}/");
    let body = br#"<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:schedule-inbox-URL/></prop></propfind>"#;
    let told = keeper.request("PROPFIND", &principal, &[("Depth", "0")], body).text();
    let inbox =
        told.split("schedule-inbox-URL><D:href>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_else(|| panic!("{told}"));
    let (status, told) = proppatch(&keeper, inbox, CALDAV, Some(&hours("room", "")));
    assert!(status == 207 && told.contains("200 OK"), "{told}");
    assert!(answer("06").contains("DECLINED"), "before it opens");
    assert!(answer("09").contains("ACCEPTED"));
    assert!(answer("17").contains("DECLINED"), "after it closes");
}
