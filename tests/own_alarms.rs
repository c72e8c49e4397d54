//! Each sharee's own alarms and TRANSP in a calendar of somebody else's (caldav-sharing-03, "Per-user Calendar Data").

use crate::support::http::{Http, Response};
use crate::support::server::{Server, configured_with_profiles, plain_profile};

const SHARING: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "**"
rights = "lrswipkxte12"
[[profile.plain.action]]
action = "share"
with = ["accounts"]
[[profile.plain.action]]
action = "send"
to = ["inside"]
"#;
const XML: (&str, &str) = ("Content-Type", "application/xml; charset=utf-8");
const SPACES: &str = r#"xmlns="DAV:" xmlns:CS="http://calendarserver.org/ns/" xmlns:C="urn:ietf:params:xml:ns:caldav""#;

/// The owner, who has an event with an alarm, one who may read the calendar, one who may write there, and one who may speak for its owner.
struct Four {
    owner: Http,
    /// With where each of them sees the calendar.
    others: Vec<(Http, String)>,
    calendar: String,
}

fn alarm(minutes: u32) -> String {
    format!("BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT{minutes}M\r\nEND:VALARM\r\n")
}

fn event(lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:quai\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260105T090000Z\r\n\
        DTEND:20260105T100000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

impl Four {
    fn new(server: &Server) -> Self {
        let owner = server.user(1);
        let calendar = format!("/dav/calendars/{}/quai/", owner.address);
        let http = Http::new(server, owner);
        assert_eq!(http.request("MKCALENDAR", &calendar, &[], b"").status, 201);
        let mut others = Vec::new();
        let mut acl = String::new();
        for (user, privileges) in [
            (2, "<privilege><read/></privilege>"),
            (3, "<privilege><read/></privilege><privilege><write/></privilege>"),
            (
                4,
                "<privilege><read/></privilege><privilege><write/></privilege><privilege><P:send-as xmlns:P=\"urn:octroi:privilege\"/></privilege>",
            ),
        ] {
            let person = if user == 2 { server.user(2).clone() } else { server.another(user) };
            let principal = format!("<principal><href>/dav/principals/{}/</href></principal>", person.address);
            acl.extend(["<ace>", &principal, "<grant>", privileges, "</grant></ace>"]);
            others.push((Http::new(server, &person), format!("/dav/calendars/{}/quai~{}/", person.address, owner.address)));
        }
        let shared = http.request("ACL", &calendar, &[XML], format!("<acl {SPACES}>{acl}</acl>").as_bytes());
        assert_eq!(shared.status, 200, "{}", shared.text());
        let four = Self { owner: http, others, calendar };
        assert_eq!(four.put_owners(&format!("SUMMARY:Quai\r\nTRANSP:TRANSPARENT\r\n{}", alarm(60))), 201);
        four
    }

    fn put_owners(&self, lines: &str) -> u16 {
        put(&self.owner, &format!("{}quai.ics", self.calendar), &event(lines), &[]).status
    }

    fn get_owners(&self) -> (String, String) {
        get(&self.owner, &format!("{}quai.ics", self.calendar))
    }

    fn at(&self, who: usize) -> (&Http, String) {
        (&self.others[who].0, format!("{}quai.ics", self.others[who].1))
    }

    fn get(&self, who: usize) -> (String, String) {
        let (http, at) = self.at(who);
        get(http, &at)
    }

    fn put(&self, who: usize, lines: &str, headers: &[(&str, &str)]) -> Response {
        let (http, at) = self.at(who);
        put(http, &at, &event(lines), headers)
    }
}

fn put(http: &Http, at: &str, object: &str, headers: &[(&str, &str)]) -> Response {
    let headers = [&[("Content-Type", "text/calendar")], headers].concat();
    http.request("PUT", at, &headers, object.as_bytes())
}

/// The object, and its entity tag, which HEAD and PROPFIND tell as well.
fn get(http: &Http, at: &str) -> (String, String) {
    let answer = http.request("GET", at, &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (text, etag) = (answer.text(), answer.header("etag").unwrap().to_owned());
    let head = http.request("HEAD", at, &[], b"");
    assert_eq!((head.header("etag"), head.header("content-length")), (Some(&*etag), Some(&*text.len().to_string())));
    let asked = format!("<propfind {SPACES}><prop><getetag/><getcontentlength/></prop></propfind>");
    let told = http.request("PROPFIND", at, &[XML, ("Depth", "0")], asked.as_bytes()).text();
    assert!(told.contains(&etag.replace('"', "&quot;")), "{told}");
    if let Some((_, length)) = told.split_once("<D:getcontentlength>") {
        assert!(length.starts_with(&format!("{}<", text.len())), "{told}");
    }
    let unchanged = http.request("GET", at, &[("If-None-Match", &etag)], b"");
    assert_eq!(unchanged.status, 304);
    (text, etag)
}

fn sharing() -> Server {
    configured_with_profiles(&plain_profile("", "*", SHARING), "")
}

#[test]
fn alarms_are_each_sharees_own_and_move_nobody_elses_tag() {
    let server = sharing();
    let four = Four::new(&server);
    let (owners, owners_tag) = four.get_owners();
    // The owner's alarm rings for nobody else but who speaks for them, and TRANSP is theirs until somebody says otherwise.
    for who in [0, 1] {
        let (seen, tag) = four.get(who);
        assert!(!seen.contains("VALARM") && seen.contains("TRANSP:TRANSPARENT") && tag != owners_tag, "{seen}");
    }
    assert_eq!(four.get(2), (owners.clone(), owners_tag.clone()));

    // Who may only read puts an alarm of their own, and is busy.
    let (_, before) = four.get(0);
    let mine = format!("SUMMARY:Quai\r\nTRANSP:OPAQUE\r\n{}", alarm(5));
    assert_eq!(four.put(0, &mine, &[("If-Match", &owners_tag)]).status, 412, "the tag is the one that they see");
    let answer = four.put(0, &mine, &[("If-Match", &before)]);
    assert_eq!((answer.status, answer.header("etag")), (204, None), "{}", answer.text());
    let (seen, after) = four.get(0);
    assert!(seen.contains("TRIGGER:-PT5M") && seen.contains("TRANSP:OPAQUE") && !seen.contains("-PT60M"), "{seen}");
    assert_ne!(before, after);
    assert_eq!(four.get_owners(), (owners.clone(), owners_tag.clone()), "nothing of the owner's is another");
    let (seen, _) = four.get(1);
    assert!(!seen.contains("VALARM") && seen.contains("TRANSPARENT"), "{seen}");

    // More than that they may not.
    let refused = four.put(0, &format!("SUMMARY:Pont\r\n{}", alarm(5)), &[]);
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("need-privileges"), "{}", refused.text());
    assert_eq!(
        put(&four.others[0].0, &format!("{}new.ics", four.others[0].1), &event("SUMMARY:x\r\n").replace("quai", "new"), &[]).status,
        403
    );

    // Who writes changes it for all, and leaves the owner's alarm and the reader's.
    let answer = four.put(1, &format!("SUMMARY:Pont\r\nTRANSP:TRANSPARENT\r\n{}", alarm(15)), &[]);
    assert_eq!((answer.status, answer.header("etag")), (204, None), "{}", answer.text());
    for (seen, minutes) in [(four.get_owners().0, 60), (four.get(0).0, 5), (four.get(1).0, 15), (four.get(2).0, 60)] {
        assert!(seen.contains("SUMMARY:Pont") && seen.matches("TRIGGER").count() == 1, "{seen}");
        assert!(seen.contains(&format!("TRIGGER:-PT{minutes}M")), "{minutes}: {seen}");
    }
    // And the owner's change theirs.
    assert_eq!(four.put_owners("SUMMARY:Port\r\n"), 204);
    let (seen, _) = four.get(0);
    assert!(seen.contains("SUMMARY:Port") && seen.contains("TRIGGER:-PT5M") && !seen.contains("TRANSPARENT"), "{seen}");
    assert!(!four.get_owners().0.contains("VALARM"));
    // Who takes theirs away sees what the owner has again.
    assert_eq!(four.put(0, "SUMMARY:Port\r\n", &[]).status, 204);
    assert_eq!(four.get(0), four.get_owners());
}

#[test]
fn a_new_event_has_its_senders_alarm_and_no_other_and_reports_tell_the_same() {
    let server = sharing();
    let four = Four::new(&server);
    let (writer, calendar) = &four.others[1];
    let at = format!("{calendar}new.ics");
    let made = put(writer, &at, &event(&format!("SUMMARY:new\r\nTRANSP:TRANSPARENT\r\n{}", alarm(10))).replace("UID:quai", "UID:new"), &[]);
    assert_eq!((made.status, made.header("etag")), (201, None), "{}", made.text());
    let (theirs, tag) = get(writer, &at);
    assert!(theirs.contains("TRIGGER:-PT10M"), "{theirs}");
    let (owners, _) = get(&four.owner, &format!("{}new.ics", four.calendar));
    assert!(!owners.contains("VALARM") && owners.contains("TRANSP:TRANSPARENT"), "{owners}");

    // Reports give what GET gives.
    let ask = |http: &Http, at: &str, body: &str| {
        let answer = http.request("REPORT", at, &[XML, ("Depth", "1")], body.as_bytes());
        assert_eq!(answer.status, 207, "{}", answer.text());
        answer.text()
    };
    let multiget =
        format!("<C:calendar-multiget {SPACES}><prop><getetag/><C:calendar-data/></prop><href>{at}</href></C:calendar-multiget>");
    let told = ask(writer, calendar, &multiget);
    assert!(told.contains(&tag.replace('"', "&quot;")) && told.contains("TRIGGER:-PT10M"), "{told}");
    // What rings between 8:45 and 8:55 is what rings for who asks.
    let rings = |start: &str, end: &str| {
        format!(
            "<C:calendar-query {SPACES}><prop><C:calendar-data/></prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
            <C:comp-filter name=\"VALARM\"><C:time-range start=\"{start}\" end=\"{end}\"/></C:comp-filter></C:comp-filter></C:comp-filter></C:filter>\
            </C:calendar-query>"
        )
    };
    let soon = rings("20260105T084500Z", "20260105T085500Z");
    let told = ask(writer, calendar, &soon);
    assert!(told.contains("SUMMARY:new") && !told.contains("SUMMARY:Quai"), "{told}");
    let reader = &four.others[0];
    assert!(!ask(&reader.0, &reader.1, &soon).contains("SUMMARY"));
    let hour = rings("20260105T075500Z", "20260105T080500Z");
    assert!(ask(&four.owner, &four.calendar, &hour).contains("SUMMARY:Quai"));
    assert!(!ask(writer, calendar, &hour).contains("SUMMARY"));

    // A change of one's own is told by synchronising, and holds over a restart.
    let sync = |token: &str| {
        format!(
            "<sync-collection {SPACES}><sync-token>{token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
        )
    };
    let first = ask(writer, calendar, &sync(""));
    assert!(first.contains(&tag.replace('"', "&quot;")), "{first}");
    let token = first.rsplit_once("<D:sync-token>").unwrap().1.split('<').next().unwrap().to_owned();
    assert_eq!(put(writer, &at, &theirs.replace("-PT10M", "-PT20M"), &[("If-Match", &tag)]).status, 204);
    let (changed, now) = get(writer, &at);
    let told = ask(writer, calendar, &sync(&token));
    assert!(changed.contains("-PT20M") && told.contains(&now.replace('"', "&quot;")) && !told.contains("quai.ics"), "{told}");
    // A copy takes nobody's along.
    let copy = format!("{}/copy.ics", calendar.rsplit_once("/quai~").unwrap().0.to_owned() + "/own");
    assert_eq!(writer.request("MKCALENDAR", copy.rsplit_once("copy").unwrap().0, &[], b"").status, 201);
    assert_eq!(writer.request("COPY", &at, &[("Destination", &copy)], b"").status, 201);
    assert!(!get(writer, &copy).0.contains("VALARM"));
}

#[test]
fn what_one_has_of_ones_own_is_limited() {
    let server = configured_with_profiles(&plain_profile("", "*", SHARING), "[limits.dav]\nown_alarms_bytes_max = 150\n");
    let four = Four::new(&server);
    assert_eq!(four.put(0, &format!("SUMMARY:Quai\r\n{}", alarm(5)), &[]).status, 204);
    let refused = four.put(0, &format!("SUMMARY:Quai\r\n{}{}", alarm(5), alarm(6)), &[]);
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("max-resource-size") && refused.text().contains("150 octets"), "{}", refused.text());
    assert!(four.get(0).0.contains("TRIGGER:-PT5M"));
}
